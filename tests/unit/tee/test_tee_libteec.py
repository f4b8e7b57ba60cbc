# SPDX-License-Identifier: BSD-3-Clause
"""libteec, built for the build machine with checks of addresses, against a core that echoes."""

import contextlib
import os
import random
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import realmos_abi
from realmos.cache import Cache
from realmos.errors import ToolError
from realmos.progress import Silent
from realmos.tee.hub import Hub
from realmos.tee.libteec import build_architecture, build_libteec
from realmos_agent.tee import client_numbers, numbers, wire
from tee_echo import DIE, ECHO, TA, EchoCore, HostileCore

HERE = Path(__file__).resolve().parent
CASE = re.compile(r"\bTAP_CASE\((\w+)\)")
EXPORTS = {
    "TEEC_AllocateSharedMemory", "TEEC_CloseSession", "TEEC_FinalizeContext",
    "TEEC_InitializeContext", "TEEC_InvokeCommand", "TEEC_OpenSession",
    "TEEC_RegisterSharedMemory", "TEEC_RegisterSharedMemoryFileDescriptor",
    "TEEC_ReleaseSharedMemory", "TEEC_RequestCancellation", "_dprintf", "dump_buffer",
}  # fmt: skip
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
THREADS = ["-fsanitize=thread"]
BROKEN = f"{numbers.ERROR_COMMUNICATION:#x} {numbers.ORIGIN_COMMS} intact"


def compile_client(
    top: Path, generated: Path, out: Path, *words: str, program: str = "libteec_client.c"
) -> Path:
    sources = sorted((top / "host/libteec").glob("*.c"))
    subprocess.run(
        ["gcc", "-std=gnu11", "-g", "-O1", "-D_GNU_SOURCE", "-pthread", "-Wall", "-Wextra",
         "-Werror", *words, f"-I{top}/host/libteec/include", f"-I{generated}",
         f"-I{top}/tests/c", "-o", out, HERE / program, *sources],
        check=True,
    )  # fmt: skip
    return out


@pytest.fixture(scope="module")
def client(top: Path, generated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("client") / "client"
    return compile_client(top, generated, out, *SANITIZE)


def run(
    client: Path, path: Path | str | None, *words: str, check: bool = False
) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "REALMOS_TEE_SOCKET"}
    if path is not None:
        env["REALMOS_TEE_SOCKET"] = str(path)
    return subprocess.run(
        [client, *words], env=env, check=check, capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    ours, theirs = socket.socketpair()
    EchoCore(theirs)
    with Hub(tmp_path_factory.mktemp("hub") / "tee.sock", ours) as hub:
        yield hub


@pytest.fixture(scope="module")
def verdicts(client: Path, echo: Hub) -> subprocess.CompletedProcess[str]:
    return run(client, echo.path)


@pytest.mark.parametrize("case", CASE.findall((HERE / "libteec_client.c").read_text("utf-8")))
def test_libteec(case: str, verdicts: subprocess.CompletedProcess[str]) -> None:
    lines = verdicts.stdout.splitlines()
    assert any(re.fullmatch(rf"ok \d+ - {case}", line) for line in lines), (
        verdicts.stdout + verdicts.stderr
    )


def test_libteec_ends_well(verdicts: subprocess.CompletedProcess[str]) -> None:
    assert verdicts.returncode == 0
    assert verdicts.stderr == ""


def test_libteec_has_no_data_races(top: Path, generated: Path, tmp_path: Path, echo: Hub) -> None:
    client = compile_client(top, generated, tmp_path / "client", *THREADS)
    done = run(client, echo.path)
    assert "ThreadSanitizer" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stdout


def test_processes_share_a_hub(client: Path, echo: Hub) -> None:
    env = {**os.environ, "REALMOS_TEE_SOCKET": str(echo.path)}
    running = [
        subprocess.Popen([client], env=env, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    outputs = [each.communicate(timeout=120)[0] for each in running]
    assert [each.returncode for each in running] == [0, 0, 0], outputs


def test_a_child_that_waits_for_the_hub_goes_on_otherwise(
    top: Path, generated: Path, tmp_path: Path
) -> None:
    program = compile_client(top, generated, tmp_path / "child", program="libteec_child.c")
    path = str(tmp_path / "tee.sock")
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(path)
        listener.listen(0)
        process = subprocess.Popen(
            [program], env={**os.environ, "REALMOS_TEE_SOCKET": path}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "connected\n"
        with contextlib.suppress(BlockingIOError):  # there is no more room
            for _ in range(10):
                waiting = sockets.enter_context(socket.socket(socket.AF_UNIX))
                waiting.setblocking(False)
                waiting.connect(path)
        try:
            assert process.communicate("\n", timeout=20)[0] == "goes on\n"
        finally:
            listener.close()  # which ends what still waits
            process.communicate()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (None, "REALMOS_TEE_SOCKET is not set; start this program with `realmos ta run"),
        ("", "REALMOS_TEE_SOCKET is not set"),
        ("/nonexistent/tee.sock", "no TEE answers at /nonexistent/tee.sock"),
        ("/" + "x" * 200, "too long for a socket"),
    ],
)
def test_a_client_without_a_tee_is_told_why(client: Path, path: str | None, message: str) -> None:
    done = run(client, path)
    assert done.stdout == f"{numbers.ERROR_ITEM_NOT_FOUND:#x}\n"
    assert message in done.stderr


def test_a_dead_socket_is_no_tee(client: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "tee.sock"))
    done = run(client, tmp_path / "tee.sock")
    assert done.stdout == f"{numbers.ERROR_ITEM_NOT_FOUND:#x}\n"
    assert "Connection refused" in done.stderr


TYPES = (numbers.PARAM_TYPE_VALUE_INOUT, numbers.PARAM_TYPE_MEMREF_INOUT, 0, 0)
OUTCOMES = tuple(wire.Outcome(kind) for kind in TYPES)
HEADER = realmos_abi.load("tee_client").structs["Header"]


def answer(frame: wire.Frame, **changes: int) -> bytes:
    """An answer that would be right but for changes of words: of the header or, by place, after."""
    raw = bytearray(wire.encode(wire.Invoked(0, frame.request, 0, 4, OUTCOMES)))
    for name, value in changes.items():
        if name in HEADER.members:
            member = HEADER.members[name]
            raw[member.offset : member.offset + member.size] = value.to_bytes(member.size, "little")
        else:
            at = HEADER.size + int(name.removeprefix("at"))
            raw[at : at + 4] = value.to_bytes(4, "little")
    return bytes(raw)


def with_data(frame: wire.Frame, data: bytes) -> bytes:
    memory = wire.Outcome(numbers.PARAM_TYPE_MEMREF_INOUT, 0, 4, data)
    outcomes = (OUTCOMES[0], memory, *OUTCOMES[2:])
    return wire.encode(wire.Invoked(0, frame.request, 0, 4, outcomes))


PARAM = client_numbers.RESULT_SIZE + client_numbers.PARAMS_SIZE
HOSTILE: dict[str, Callable[[wire.Frame], bytes]] = {
    "closes at once": lambda _frame: b"",
    "closes within a header": lambda frame: answer(frame)[:10],
    "other magic": lambda frame: answer(frame, magic=1),
    "other flags": lambda frame: answer(frame, flags=1),
    "other client": lambda frame: answer(frame, client=1),
    "other kind": lambda frame: answer(frame, kind=client_numbers.KIND_OPENED),
    "other request": lambda frame: answer(frame, request=99),
    "huge": lambda frame: answer(frame, length=0xFFFFFFFF),
    "too short": lambda frame: answer(frame, length=8),
    "longer than its parameters": lambda frame: answer(frame, length=121) + b"x",
    "origin 0": lambda frame: answer(frame, at4=0),
    "origin 5": lambda frame: answer(frame, at4=5),
    "a session": lambda frame: answer(frame, at8=1),
    "reserved": lambda frame: answer(frame, at12=1),
    "other types": lambda frame: answer(frame, at16=0x63),
    "no types": lambda frame: answer(frame, at16=0),
    "regions": lambda frame: answer(frame, at20=1),
    "a value of 33 bits": lambda frame: answer(frame, **{f"at{PARAM + 4}": 1}),
    "an offset": lambda frame: answer(frame, **{f"at{PARAM + 24}": 1}),
    "a value for nothing": lambda frame: answer(frame, **{f"at{PARAM + 48}": 1}),
    "bytes for a value": lambda frame: answer(frame, **{f"at{PARAM + 16}": 1}),
    "too many bytes": lambda frame: with_data(frame, b"01234"),
    "success, and more than there is room for": lambda frame: answer(
        frame, **{f"at{PARAM + 32}": 5}
    ),
    "a size that wraps": lambda frame: answer(
        frame, **{f"at{PARAM + 40}": 0xFFFFFFFF, f"at{PARAM + 44}": 0xFFFFFFFF}
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_core_is_cut_off(client: Path, case: str, tmp_path: Path) -> None:
    core = HostileCore(str(tmp_path / "tee.sock"), HOSTILE[case])
    done = run(client, tmp_path / "tee.sock", str(ECHO))
    core.close()
    assert done.stdout == f"{BROKEN} {numbers.ERROR_COMMUNICATION:#x}\n", done.stderr
    assert done.stderr.count("libteec: the connection to the TEE is of no use any more") == 1


def test_no_answer_makes_the_library_go_astray(client: Path, tmp_path: Path) -> None:
    times, chance = 400, random.Random(5)  # noqa: S311 -- to be the same each time
    kinds = (TYPES[0], TYPES[1], numbers.PARAM_TYPE_MEMREF_OUTPUT, 0)

    def mutate(frame: wire.Frame) -> bytes:
        sizes = (0, chance.randrange(5), chance.randrange(5), 0)
        said = [
            wire.Outcome(kind, 0, size, chance.randbytes(size))
            for kind, size in zip(kinds, sizes, strict=True)
        ]
        raw = bytearray(wire.encode(wire.Invoked(0, frame.request, 0, 4, tuple(said))))
        for _ in range(chance.randrange(3)):
            raw[chance.randrange(len(raw))] = chance.choice((0, 1, 4, 5, 0x7F, 0xFF))
        return bytes(raw[: chance.choice((len(raw), chance.randrange(len(raw))))])

    core = HostileCore(str(tmp_path / "tee.sock"), mutate)
    done = run(client, tmp_path / "tee.sock", "often", str(times))
    core.close()
    assert done.returncode == 0, done.stderr[-3000:]
    broken = done.stderr.count("of no use any more")
    assert 0 < broken < times, "some answers are right and some are not"


def test_a_right_answer_is_taken(client: Path, tmp_path: Path) -> None:
    core = HostileCore(str(tmp_path / "tee.sock"), lambda frame: with_data(frame, b"0123"), 2)
    done = run(client, tmp_path / "tee.sock", str(ECHO))
    core.close()
    assert done.stdout == "0 4 intact 0\n"
    assert done.stderr == ""


def test_a_core_that_dies_answers_first(client: Path, tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    EchoCore(theirs).sessions[1] = wire.Open(1, 1, TA)
    with Hub(tmp_path / "tee.sock", ours):
        done = run(client, tmp_path / "tee.sock", str(DIE))
    dead, later = numbers.ERROR_TARGET_DEAD, numbers.ERROR_COMMUNICATION
    assert done.stdout == f"{dead:#x} {numbers.ORIGIN_COMMS} intact {later:#x}\n"


@pytest.mark.parametrize("architecture", sorted({"arm64", build_architecture()}))
def test_the_library_is_what_clients_link_with(
    architecture: str, tmp_path: Path, cross_compile: str
) -> None:
    library = build_libteec(Cache(tmp_path), Silent(), architecture=architecture)
    assert library.path.name == "libteec.so.2"
    readelf = f"{cross_compile}readelf"

    def read(option: str) -> str:
        return subprocess.run(
            [readelf, "-W", option, library.path], check=True, capture_output=True, text=True
        ).stdout

    dynamic = read("-d")
    assert "soname: [libteec.so.2]" in dynamic
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", dynamic))
    assert needed <= {"libc.so.6", "ld-linux-aarch64.so.1"}
    symbols = [line.split() for line in read("--dyn-syms").splitlines() if " GLOBAL " in line]
    assert {words[-1] for words in symbols if words[6] != "UND"} == EXPORTS


def test_no_library_is_built_for_other_machines(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="not built for mips"):
        build_libteec(Cache(tmp_path), Silent(), architecture="mips")


def test_the_library_is_built_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    first = build_libteec(cache, Silent())
    path = shutil.which("make")
    assert path is not None
    again = build_libteec(cache, Silent())
    assert again == first
    other = build_libteec(Cache(tmp_path / "other"), Silent())
    assert other.sha256 == first.sha256


def test_the_header_has_the_numbers_of_the_table(top: Path) -> None:
    text = (top / "host/libteec/include/tee_client_api.h").read_text("utf-8")
    table = dict(realmos_abi.load("tee").constants())
    renamed = {"USER_APPLICATION": "APPLICATION_USER", "GROUP_APPLICATION": "APPLICATION_GROUP"}
    found = re.findall(r"#define TEEC?_((?:ERROR|ORIGIN|LOGIN)_(\w+)|SUCCESS)\s+(\w+)", text)
    assert len(found) >= 40
    for name, last, value in found:
        wanted = f"TEE_LOGIN_{renamed[last]}" if last in renamed else f"TEE_{name}"
        assert table[wanted] == int(value, 16), name
