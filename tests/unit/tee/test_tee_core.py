# SPDX-License-Identifier: BSD-3-Clause
"""The whole core as a program: signed TAs, loaded into real runners, called over the tee wire."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from core_ta import CAPITALS, FAULT, INCREMENT, OVERFLOW, PANIC, RUN_AWAY, SOURCE, USE_SYSTEM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from realmos.cache import Cache
from realmos.image import build_edge
from realmos.progress import Silent
from realmos_agent.tee import blobs, numbers, services, wire
from realmos_agent.tee import client_numbers as client
from realmos_agent.tee.addresses import AddressSpace
from realmos_agent.tee.budget import limits
from realmos_agent.tee.core import Core as TeeCore
from realmos_agent.tee.core import Options
from realmos_agent.tee.edge import Begun
from realmos_agent.tee.holder import answered
from realmos_agent.tee.hub import Hub
from realmos_agent.tee.loader.container import read
from realmos_agent.tee.server import Server
from realmos_agent.tee.storage import Backend, MemoryBackend
from realmos_agent.tee.wire import (
    Close,
    Closed,
    Invoke,
    Invoked,
    Open,
    Opened,
    Outcome,
    Param,
    Params,
    Region,
)
from ta_code import runner_argv
from ta_files import OTHER, TA, Ta, make_key
from ta_objects import Maker

ME = 1
NONE = Param()


def argv(directory: Path, key: Path, runner: Path) -> list[str | Path]:
    """Return the core's command line."""
    words = runner_argv(runner)
    emulator = ["--qemu-user", words[0]] if words[0] != str(runner) else []
    return [
        sys.executable, "-m", "realmos_agent.tee", "--ta-dir", directory, "--runner", runner,
        "--ta-key", key, *emulator,
    ]  # fmt: skip


class Core:
    """The core's program, and a client of it."""

    def __init__(self, directory: Path, key: Path, runner: Path, *more: str | Path) -> None:
        # fmt: off
        self.process = subprocess.Popen(
            [*argv(directory, key, runner), *more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
        )
        # fmt: on
        self._framer = wire.Framer(blobs.FROM_CORE)
        self._requests = 0
        self.store: Backend | None = None

    def send(self, message: wire.Message) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(wire.encode(message))

    def answer(self) -> wire.Message:
        assert self.process.stdout is not None
        while (frame := self._framer.next_frame()) is None or frame.kind in blobs.REQUESTS:
            if frame is not None:
                assert self.process.stdin is not None
                self.process.stdin.write(answered(self.store, frame))
                continue
            data = self.process.stdout.read(self._framer.missing)
            assert data, "the core has ended"
            self._framer.feed(data)
        return wire.decode(frame)

    def open(self) -> Opened:
        self._requests += 1
        self.send(Open(ME, self._requests, TA))
        answer = self.answer()
        assert isinstance(answer, Opened)
        return answer

    def invoke(self, session: int, command: int, params: Params = wire.NO_PARAMS) -> Invoked:
        self._requests += 1
        self.send(Invoke(ME, self._requests, session, command, params))
        answer = self.answer()
        assert isinstance(answer, Invoked)
        return answer

    def end(self) -> str:
        """End it; return its log."""
        _, log = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, log
        return str(log, "utf-8")


@pytest.fixture(scope="session")
def directory(maker: Maker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tas")
    elf = maker.ta(SOURCE, "-fno-builtin", name="core")
    (path / f"{TA}.ta").write_bytes(Ta(elf).signed())
    pem = make_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (path / "key.pem").write_bytes(pem)
    other = make_key("other").public_key()
    (path / "other.pem").write_bytes(other.public_bytes(Encoding.PEM, PublicFormat.PKCS1))
    return path


@pytest.fixture(params=["edge", "no edge"])
def core(request: pytest.FixtureRequest, directory: Path, runner_program: Path) -> Iterator[Core]:
    edge = build_edge(Cache(), Silent(), native=True)
    words = ("--edge", edge) if request.param == "edge" else ()
    started = Core(directory, directory / "key.pem", runner_program, *words)
    yield started
    started.process.kill()
    started.process.communicate()


@pytest.fixture
def core_here(
    directory: Path, runner_program: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[socket.socket, list[bytes]]]:
    """Run a core with an edge in this process; return its hub's end, and what its Python gets."""
    got: list[bytes] = []
    receive, adopt = Server.receive, Server.adopt

    def note_bytes(self: Server, data: bytes) -> None:
        got.append(data)
        receive(self, data)

    def note_call(self: Server, begun: Begun) -> None:
        got.append(begun.frame)
        adopt(self, begun)

    monkeypatch.setattr(Server, "receive", note_bytes)
    monkeypatch.setattr(Server, "adopt", note_call)
    ours, its = socket.socketpair()
    emulator, *_ = runner_argv(runner_program)
    options = Options(
        str(directory), str(runner_program), ta_key=str(directory / "key.pem"),
        edge=str(build_edge(Cache(), Silent(), native=True)),
        qemu_user="" if emulator == str(runner_program) else emulator,
    )  # fmt: skip
    thread = threading.Thread(target=TeeCore(options, its.fileno()).serve, args=(its.fileno(),))
    with ours, its:
        thread.start()
        yield ours, got
        ours.shutdown(socket.SHUT_WR)
        thread.join()


@pytest.fixture
def small_realm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "limits", partial(limits, 1 << 17))


def ask(hub: socket.socket, message: wire.Request) -> wire.Message:
    """Ask the core for something, and nobody else meanwhile; return the answer."""
    framer = wire.Framer(blobs.FROM_CORE)
    hub.sendall(wire.encode(message))
    while (frame := framer.next_frame()) is None:
        framer.feed(hub.recv(framer.missing))
    return wire.decode(frame)


@pytest.mark.usefixtures("small_realm")
def test_a_ta_that_has_no_room_here_is_said_to_have_none(
    core_here: tuple[socket.socket, list[bytes]], capfd: pytest.CaptureFixture[str]
) -> None:
    opened = ask(core_here[0], Open(ME, 1, TA))
    assert isinstance(opened, Opened)
    assert opened.result == numbers.ERROR_OUT_OF_MEMORY
    assert f"{TA} is not loaded: " in (said := capfd.readouterr().err)
    assert "may have 32 KiB here" in said
    assert "--memory" in said


def test_a_ta_without_free_addresses_is_not_said_to_need_a_larger_realm(
    core_here: tuple[socket.socket, list[bytes]],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(AddressSpace, "candidates", lambda _space, _span: iter(()))
    opened = ask(core_here[0], Open(ME, 1, TA))
    assert isinstance(opened, Opened)
    assert opened.result == numbers.ERROR_OUT_OF_MEMORY
    said = capfd.readouterr().err
    assert f"{TA} is not loaded: TEE_ERROR_OUT_OF_MEMORY (origin 3)\n" in said
    assert "--memory" not in said


def test_an_idle_ta_is_called_without_python(
    core_here: tuple[socket.socket, list[bytes]],
) -> None:
    hub, got = core_here
    opened = ask(hub, Open(ME, 1, TA))
    assert isinstance(opened, Opened)
    for request in range(2, 1000):  # the edge does not wait for long, and this machine may be slow
        call = Invoke(ME, request, opened.session, INCREMENT, value(request))
        answer = ask(hub, call)
        assert isinstance(answer, Invoked)
        assert answer.outcomes[0].a == request + 1
        if wire.encode(call) not in got:
            return
    pytest.fail("Python served every call")


def value(a: int) -> Params:
    return Params((Param(numbers.PARAM_TYPE_VALUE_INOUT, a, 0), NONE, NONE, NONE))


def test_a_ta_is_loaded_called_and_ended(core: Core) -> None:
    opened = core.open()
    assert (opened.result, opened.origin) == (numbers.SUCCESS, numbers.ORIGIN_TRUSTED_APP)
    answer = core.invoke(opened.session, INCREMENT, value(41))
    assert answer.outcomes[0] == Outcome(numbers.PARAM_TYPE_VALUE_INOUT, 42, 0)
    core.send(Close(ME, 99, opened.session))
    assert core.answer() == Closed(ME, 99)
    log = core.end()
    assert f"tee: {TA}: hello\n" in log
    assert "\033" not in log


def test_memory_goes_there_and_back(core: Core) -> None:
    session = core.open().session
    params = Params(
        (
            Param(numbers.PARAM_TYPE_MEMREF_INPUT, 0, 5, 0),
            Param(numbers.PARAM_TYPE_MEMREF_OUTPUT, 0, 9, 1),
            NONE,
            NONE,
        ),
        (Region(5, client.REGION_IN, 7, b"hello"), Region(9, client.REGION_OUT, 4095)),
    )
    outcome = core.invoke(session, CAPITALS, params).outcomes[1]
    assert outcome == Outcome(numbers.PARAM_TYPE_MEMREF_OUTPUT, 0, 5, b"HELLO")


@pytest.mark.parametrize(
    ("command", "report"),
    [
        (PANIC, "panicked with code 0x00001234"),
        (FAULT, "address 0x10,"),
        (OVERFLOW, "signal 11"),
    ],
)
def test_a_crash_is_target_dead_and_reported(core: Core, command: int, report: str) -> None:
    session = core.open().session
    answer = core.invoke(session, command)
    dead = (numbers.ERROR_TARGET_DEAD, numbers.ORIGIN_TEE)
    assert (answer.result, answer.origin) == dead
    assert core.invoke(session, INCREMENT, value(1)).result == numbers.ERROR_TARGET_DEAD
    again = core.open().session
    assert core.invoke(again, INCREMENT, value(1)).result == numbers.SUCCESS
    assert report in core.end()


def test_a_ta_uses_the_system_pseudo_ta(core: Core) -> None:
    session = core.open().session
    answer = core.invoke(session, USE_SYSTEM, value(0))
    assert answer.result == numbers.SUCCESS
    assert (answer.outcomes[0].a, answer.outcomes[0].b) == (7, numbers.ORIGIN_TRUSTED_APP)


def test_sessions_that_a_client_leaves_open_are_closed(
    directory: Path, runner_program: Path, tmp_path: Path
) -> None:
    ours, its = socket.socketpair()
    words = argv(directory, directory / "key.pem", runner_program)
    with (
        its,
        subprocess.Popen(
            words, stdin=its.fileno(), stdout=its.fileno(), stderr=subprocess.PIPE
        ) as process,
    ):
        its.close()
        with Hub(tmp_path / "tee", ours), socket.socket(socket.AF_UNIX) as left:
            left.settimeout(60)
            left.connect(str(tmp_path / "tee"))
            left.sendall(wire.encode(Open(0, 1, TA)))
            framer = wire.Framer(wire.FROM_CORE)
            while (frame := framer.next_frame()) is None:
                framer.feed(left.recv(framer.missing))
            assert isinstance(wire.decode(frame), Opened)
        _, log = process.communicate(timeout=60)
    assert b"closed" in log


def test_the_end_of_the_stream_ends_a_ta_that_runs_away(core: Core) -> None:
    session = core.open().session
    core.send(Invoke(ME, 99, session, RUN_AWAY))
    core.end()


def test_a_ta_of_another_key_is_refused(directory: Path, runner_program: Path) -> None:
    core = Core(directory, directory / "other.pem", runner_program)
    opened = core.open()
    assert (opened.result, opened.origin) == (numbers.ERROR_SECURITY, numbers.ORIGIN_TEE)
    assert "is not loaded" in core.end()


def test_a_ta_that_is_not_there_is_not_found(core: Core) -> None:
    core.send(Open(ME, 1, OTHER))
    answer = core.answer()
    assert isinstance(answer, Opened)
    assert (answer.result, answer.origin) == (numbers.ERROR_ITEM_NOT_FOUND, numbers.ORIGIN_TEE)
    assert f"{OTHER} is not loaded: there is no TA or library {OTHER}" in core.end()


def test_what_is_not_the_tee_wire_ends_the_core(core: Core) -> None:
    assert core.process.stdin is not None
    core.process.stdin.write(bytes(100))
    _, log = core.process.communicate(timeout=30)
    assert core.process.returncode == 1
    assert b"this is not the tee wire" in log


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "--ta-dir DIR is missing"),
        (["--ta-dir"], "usage"),
        (["--what", "x"], "usage"),
        (["--ta-dir", "/", "--storage", "/a/directory"], "--storage hub keeps objects"),
        (["--ta-dir", "/", "--storage", "hub", "--identity", "x"], "--identity and --broker or"),
        (["--ta-dir", "/", "--identity", "x", "--broker", "00"], "--storage hub keeps objects"),
        (["--ta-dir", "/", "--storage", "hub", "--identity", "x", "--broker", "0"], "64 hexadec"),
        (["--ta-dir", "/", "--ta-key", "/nowhere"], "/nowhere"),
    ],
)
def test_wrong_options_are_told(words: list[str], complaint: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "realmos_agent.tee", *words],
        input=b"", capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert complaint in str(done.stderr, "utf-8")


def test_a_core_without_its_broker_does_not_start(tmp_path: Path) -> None:
    words = ["--storage", "hub", "--identity", "ledger", "--broker", "00" * 32]
    done = subprocess.run(
        [sys.executable, "-m", "realmos_agent.tee", "--ta-dir", tmp_path, *words],
        env={**os.environ, "REALMOS_BROKER_SOCKET": str(tmp_path / "nobody")},
        input=b"", capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert b"there is no key for objects of TAs" in done.stderr
    assert b"this run was given no broker" in done.stderr


@pytest.mark.parametrize("kept", [False, True])
def test_a_core_says_what_becomes_of_objects(tmp_path: Path, *, kept: bool) -> None:
    words = ["--storage", "hub"] if kept else []
    done = subprocess.run(
        [sys.executable, "-m", "realmos_agent.tee", "--ta-dir", tmp_path, *words],
        input=b"", capture_output=True, timeout=30, check=True,
    )  # fmt: skip
    expected = b"under a key that everybody has" if kept else b"end with this core"
    assert expected in done.stderr


def test_ta_is_not_replaced_by_an_older_one(
    directory: Path, runner_program: Path, tmp_path: Path
) -> None:
    elf = read((directory / f"{TA}.ta").read_bytes()).payload
    results, store = [], MemoryBackend()
    for version in (3, 2, 3):
        (tmp_path / f"{TA}.ta").write_bytes(Ta(elf, version=version).signed())
        core = Core(tmp_path, directory / "key.pem", runner_program, "--storage", "hub")
        core.store = store
        results.append(core.open().result)
        log = core.end()
        assert ("is version 2, older than version 3" in log) == (version == 2)
    assert results == [numbers.SUCCESS, numbers.ERROR_ACCESS_CONFLICT, numbers.SUCCESS]
