# SPDX-License-Identifier: BSD-3-Clause
"""What a realm is given with `--client-inside`, what is predicted of it, and what is refused."""

import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from realmos import cli
from realmos import session as sessions
from realmos.cli import _evidence, _measure, _ta_inside
from realmos.errors import ConfigError, PeerRefusedError
from realmos.realm import Account, Workload, extended_measurement, workload_events
from realmos.tee import tee_workload, with_client
from realmos_agent.protocol import measurement
from ta_files import TA, Ta, make_key

ARM64 = b"\x7fELF".ljust(18, b"\0") + struct.pack("<H", 183)
X86 = b"\x7fELF".ljust(18, b"\0") + struct.pack("<H", 62)
CORE = Workload(("tee", "--ta-dir", "/run/tee"), b"script")


def program(path: Path, content: bytes = ARM64) -> Path:
    path.write_bytes(content)
    path.chmod(0o700)
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a TA, the key that signed it, a library and a client."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.ta").write_bytes(Ta(b"elf").signed())
    public = make_key().public_key()
    key = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "libteec").write_bytes(b"library")
    program(tmp_path / "client")
    library = SimpleNamespace(path=tmp_path / "libteec")
    monkeypatch.setattr(_ta_inside, "build_libteec", lambda *_, **__: library)
    return tmp_path


def given(workload: Workload) -> list[tuple[str, bytes, int]]:
    return [(there, path.read_bytes(), path.stat().st_mode & 0o777) for path, there in workload.put]


def test_client_is_given_with_our_library_and_its_words(here: Path) -> None:
    (here / "copies").mkdir()
    made = with_client(CORE, ("./client", "a", "--", "b"), here / "libteec", here / "copies")
    assert made.argv == (*CORE.argv, "--", "/run/tee/client/client", "a", "--", "b")
    assert made.script == CORE.script
    assert given(made) == [
        ("/run/tee/lib/libteec.so.2", b"library", 0o644),
        ("/run/tee/client/client", ARM64, 0o755),
    ]


def test_scripts_are_clients_too(here: Path) -> None:
    made = with_client(CORE, (str(program(here / "s", b"#!/bin/sh\n")),), here / "libteec", here)
    assert made.argv[-1] == "/run/tee/client/s"


@pytest.mark.parametrize("content", [X86, b"", b"\x7fELF", b"text"])
def test_programs_that_no_realm_can_run_are_refused(here: Path, content: bytes) -> None:
    program(here / "client", content)
    with pytest.raises(ConfigError, match="is no program of arm64") as caught:
        with_client(CORE, ("./client",), here / "libteec", here)
    assert "CROSS_COMPILE" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("word", "complaint", "hint"),
    [
        ("./nosuch", r"there is no program \./nosuch", "comes after --"),
        ("./libteec", r"\./libteec cannot be run as a program", r"chmod \+x"),
        (".", r"\. is a directory", "name the client in it"),
    ],
)
def test_a_client_that_is_none_is_refused(word: str, complaint: str, hint: str, here: Path) -> None:
    with pytest.raises(ConfigError, match=complaint) as caught:
        with_client(CORE, (word,), here / "libteec", here)
    assert re.search(hint, str(caught.value.hint))


def measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> Any:  # noqa: ANN401 -- JSON
    account = Account("linux", {"hash": "sha-256"}, "00")
    monkeypatch.setattr(_measure, "_predict", lambda *_, **__: account)
    assert cli.main(["measure", "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)


def rem(workload: Workload) -> str:
    return extended_measurement(workload_events(workload), "sha-256").hex()


def test_rem_of_tas_is_predicted(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "copies").mkdir()
    key = here / "key.pem"
    core = tee_workload({TA: here / "a.ta"}, key, here / "copies")
    words = ["--ta", "a.ta", "--ta-key", "key.pem"]
    assert measured(monkeypatch, capsys, *words)["rem1"] == rem(core)
    assert measured(monkeypatch, capsys, "linux", *words)["rem1"] == rem(core)
    open_core = tee_workload({TA: here / "a.ta"}, key, here / "copies", sockets=True)
    assert open_core.argv == (*core.argv, "--sockets", "hub")
    assert measured(monkeypatch, capsys, "--sockets", *words)["rem1"] == rem(open_core)
    calling = tee_workload({TA: here / "a.ta"}, key, here / "copies", plugins=True)
    assert measured(monkeypatch, capsys, "--plugin", "x", *words)["rem1"] == rem(calling)
    both = with_client(core, ("./client", "x"), here / "libteec", here / "copies")
    found = measured(monkeypatch, capsys, *words, "--", "./client", "x")
    assert found["rem1"] == rem(both)
    last = measurement.decode(bytes.fromhex(found["events"][-1]["cbor"]))
    assert isinstance(last, measurement.RunEvent)
    assert last.argv[-3:] == (b"--", b"/run/tee/client/client", b"x")
    env = measured(monkeypatch, capsys, "-e", "A=b", *words, "--", "./client", "x")
    assert env["rem1"] != found["rem1"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("measure --ta-key key.pem", "--ta-key is for a --ta"),
        ("measure --sockets", "--sockets is for a --ta"),
        ("measure --plugin x", "--plugin is for a --ta"),
        ("measure --ta a.ta --plugin x -- ./client", "nobody runs plugins"),
        ("ta run --client-inside --plugin x a.ta -- ./client", "nobody runs plugins"),
        ("measure --ta a.ta --ta-key key.pem -e A=b", "for a client in the realm"),
        ("measure --ta a.ta", "a.ta: "),
        ("measure --diff linux small --ta a.ta", "leave the program, --ta and --policy out"),
        ("ta run --local --client-inside a.ta -- ./client", "--local for none"),
        ("ta run -e A=b a.ta -- ./client", "add --client-inside"),
        ("ta run --get /a:b a.ta -- ./client", "--get is for a client in the realm"),
        ("ta run --timeout 9 a.ta -- ./client", "--timeout is for a client in the realm"),
        ("ta run --client-inside --get /a:no/b a.ta -- ./client", "no directory no"),
        ("ta run --put a.ta:/b a.ta -- ./client", "add --client-inside"),
        ("ta run --client-inside --put no:/b --ta-key key.pem a.ta -- ./client", "no is not there"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("here")
def test_what_does_not_go_together_is_refused(
    words: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words.split()) == 1
    assert complaint in capsys.readouterr().err


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("status", "source", "expected"), [(7, "/some", 7), (0, "/some", 0), (0, "/none", 1)]
)
def test_result_of_a_client_inside_is_the_commands(
    status: int,
    source: str,
    expected: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Everything but the realm, which tests/ta has."""
    calls: list[Workload] = []

    class Agent:
        def get(self, remote: str, path: Path) -> None:
            if remote == "/none":
                raise PeerRefusedError("there is none", code=2)
            path.write_bytes(remote.encode())

    class Session:
        agent = Agent()

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def attest(self, *, events: list[bytes]) -> None:
            assert events[-1] == measurement.encode(workload_events(calls[0])[-1])

        def evidence(self) -> None:
            pass

    def run_in(
        _: object, workload: Workload, *, stderr: Callable[[bytes], object], **options: object
    ) -> Any:  # noqa: ANN401 -- a result
        calls.append(workload)
        stderr(b"tee: a line\n")
        assert options["timeout"] == 9
        assert all(path.is_file() for path, _ in workload.put)
        return SimpleNamespace(timed_out=False, signal=None, status=status, oom=False)

    monkeypatch.setattr(sessions, "running", lambda *_, **__: Session())
    monkeypatch.setattr(_ta_inside, "run_in", run_in)
    monkeypatch.setattr(_evidence, "evidence_facts", lambda *_: {"rim": "00"})
    words = ["--client-inside", "--json", "--ta-key", "key.pem", "--timeout", "9"]
    words += ["--get", f"{source}:copy", "a.ta", "--", "./client"]
    assert cli.main(["ta", "run", *words]) == expected
    said = capfd.readouterr()
    missing = [] if source == "/some" else ["there is none"]
    assert json.loads(said.out) == {"rim": "00", "status": status, "not_copied": missing}
    assert "tee: a line\n" in said.err
    assert Path("copy").exists() is not bool(missing)
    assert not any(path.exists() for path, _ in calls[0].put)
