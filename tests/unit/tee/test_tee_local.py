# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta run --local`: which files it takes, how it runs clients, and what it refuses."""

import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from realmos import cli, process
from realmos.cache import Cache
from realmos.cli import _ta_run
from realmos.errors import ConfigError, ToolError
from realmos.progress import Silent
from realmos.tee import OpteeTests, local
from realmos.tee.libteec import Libteec
from realmos.tee.local import TeeClient, find_applications, find_client
from ta_files import LIBRARY, TA, Ta, make_key

SOCKET = Path("/run/toy/tee")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "vendor.pem"
    public = make_key().public_key()
    path.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory with a TA and a library, named after neither."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "first.ta").write_bytes(Ta(b"one").signed())
    (folder / "second.ta").write_bytes(Ta(b"two", LIBRARY).signed())
    return folder


def test_files_and_directories_are_taken_by_their_uuids(files: Path, key: Path) -> None:
    expected = {TA: files / "first.ta", LIBRARY: files / "second.ta"}
    assert find_applications([files], key) == expected
    assert find_applications([files / "second.ta", files / "first.ta"], key) == expected


def test_two_files_of_one_uuid_are_refused(files: Path, key: Path) -> None:
    (files / "third.ta").write_bytes(Ta(b"one more").signed())
    with pytest.raises(ConfigError, match=f"third.ta are both TA {TA}"):
        find_applications([files], key)


def test_ta_of_another_signer_is_refused_before_anything_starts(files: Path) -> None:
    with pytest.raises(ConfigError, match="not signed by a configured key") as caught:
        find_applications([files], None)
    assert "--ta-key" in caught.value.hint


def test_files_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        find_applications([tmp_path / "nosuch.ta"], None)
    with pytest.raises(ConfigError, match=r"there is no \.ta file in"):
        find_applications([tmp_path], None)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the library of each architecture is said to be, in a directory of its own."""

    def build(_cache: Cache, _reporter: Silent, *, architecture: str = "native") -> Libteec:
        return Libteec(tmp_path / architecture / "libteec.so.2", "", architecture)

    tree = OpteeTests(tmp_path / "tree", (), (), ("qemu-aarch64",))
    monkeypatch.setattr(local, "build_libteec", build)
    monkeypatch.setattr(local, "qemu_user", lambda *_: ("qemu-aarch64",))
    monkeypatch.setattr(local, "find_optee_tests", lambda *_: tree)
    return tmp_path


def client_of(words: list[str], tmp_path: Path) -> TeeClient:
    return find_client(
        words, tmp_path / "socket", cache=Cache(tmp_path / "cache"), reporter=Silent()
    )


def test_client_of_this_machine_gets_our_library(library: Path) -> None:
    found = client_of(["sh", "-c", "true"], library)
    assert found.argv[0].endswith("/sh")
    assert found.argv[1:] == ("-c", "true")
    assert found.environment == {
        "REALMOS_TEE_SOCKET": str(library / "socket"),
        "LD_LIBRARY_PATH": str(library / "native"),
    }


def test_arm64_client_is_emulated_with_our_library_before_debians(library: Path) -> None:
    program = library / "client"
    program.write_bytes(b"\x7fELF" + bytes(14) + struct.pack("<H", 183) + bytes(40))
    program.chmod(0o755)
    found = client_of([str(program), "41"], library)
    script = library / "clients" / "client"
    assert found.argv == (str(script), "41")
    assert found.environment == {"REALMOS_TEE_SOCKET": str(library / "socket")}
    assert script.read_text("utf-8").splitlines()[1] == (
        f"exec qemu-aarch64 -0 {script} -L {library / 'tree'} "
        f'-E LD_LIBRARY_PATH={library / "arm64"} {program} "$@"'
    )


@pytest.mark.parametrize(
    ("start", "problem"),
    [(b"\x7fELF", "is a program, and no signed TA"), (b"root:x:0:0", "is no .ta file")],
)
def test_files_of_other_kinds_are_named_as_such(tmp_path: Path, start: bytes, problem: str) -> None:
    (tmp_path / "some.elf").write_bytes(start + bytes(2000))
    with pytest.raises(ConfigError, match=problem) as caught:
        find_applications([tmp_path / "some.elf"], None)
    assert "realmos ta build" in caught.value.hint


def test_client_that_cannot_be_run_is_told_of_before_anything_starts(
    files: Path, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "client").write_bytes(b"\x7fELF")
    for client, problem, hint in (
        (tmp_path / "client", "cannot be run as a program", "chmod +x"),
        (tmp_path, "is a directory", "name the client in it"),
        (tmp_path / "nosuch", "there is no program", "after --"),
    ):
        words = ["--local", "--ta-key", str(key), str(files), "--", str(client)]
        assert cli.main(["ta", "run", *words]) == 1
        said = capsys.readouterr().err
        assert problem in said
        assert hint in said
        assert "WARNING" not in said


def test_client_that_is_not_there_is_refused(library: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no program \./nosuch") as caught:
        client_of(["./nosuch"], library)
    assert "-- ./client" in caught.value.hint


@pytest.fixture
def _hosted(monkeypatch: pytest.MonkeyPatch, library: Path) -> None:
    """A TEE that is nowhere, for clients that ask nothing of it."""

    @contextmanager
    def nowhere(*_args: object, **_options: object) -> Iterator[Path]:
        yield SOCKET

    monkeypatch.setattr(_ta_run, "local_tee", nowhere)
    monkeypatch.setenv("REALMOS_CACHE", str(library / "cache"))


@pytest.mark.usefixtures("_hosted")
@pytest.mark.parametrize(("script", "status"), [("exit 7", 7), ("kill -9 $$", 137)])
def test_status_is_the_clients(files: Path, key: Path, script: str, status: int) -> None:
    words = ["ta", "run", "--local", "--ta-key", str(key), str(files), "--", "sh", "-c", script]
    assert cli.main(words) == status


@pytest.mark.usefixtures("_hosted")
def test_client_of_this_directory_is_not_looked_for_on_the_path(
    files: Path, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "true").write_text("#!/bin/sh\nexit 7\n", "utf-8")
    (tmp_path / "true").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    words = ["ta", "run", "--local", "--ta-key", str(key), str(files), "--"]
    assert cli.main([*words, "./true"]) == 7
    assert cli.main([*words, "true"]) == 0


@pytest.mark.usefixtures("_hosted")
def test_client_has_the_users_environment_and_our_library_first(
    files: Path,
    key: Path,
    library: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/theirs")
    monkeypatch.setenv("TOY", "kept")
    script = 'echo "$TOY $REALMOS_TEE_SOCKET $LD_LIBRARY_PATH"'
    words = ["ta", "run", "--local", "--ta-key", str(key), str(files), "--", "sh", "-c", script]
    assert cli.main(words) == 0
    assert capfd.readouterr().out == f"kept {SOCKET} {library}/native:/opt/theirs\n"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["a.ta", "--", "sh"], "a.ta cannot be read"),
        (["--local", "a.ta", "./client"], "the client and its words come after --"),
        (["--local", "a.ta", "--"], "there is no client to run"),
        (["--local", "--", "sh"], "there is no TA to run"),
        (["--local", "a.ta", "--ta-key", "k", "--", "sh"], "--ta-key comes too late"),
    ],
)
def test_words_that_cannot_work_are_explained(
    words: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["ta", "run", *words]) == 1
    assert problem in capsys.readouterr().err


def test_attached_program_speaks_over_the_socket_and_ends_with_it() -> None:
    ours, its = socket.socketpair()
    echo = "import os\nwhile data := os.read(0, 100): os.write(1, data.upper())"
    with its:
        program = process.attach([sys.executable, "-c", echo], its)
    ours.sendall(b"hello")
    assert ours.recv(100) == b"HELLO"
    assert not process.wait(program, 0)
    ours.close()
    assert process.wait(program, 10)


def test_interrupt_while_a_client_is_being_started_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *words: object, **options: object) -> None:
            super().__init__(*words, **options)  # type: ignore[call-overload] # as they came
            started.append(self)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    monkeypatch.setattr(process, "_GRACE_S", 0.1)
    with pytest.raises(KeyboardInterrupt):
        process.call(["sleep", "600"], env=process.base_env())
    (client,) = started
    ended = client.returncode
    client.kill()
    assert ended in {-signal.SIGTERM, -signal.SIGKILL}  # the second in a terminal
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_client_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="nosuch cannot be started"):
        process.call([tmp_path / "nosuch"], env={})
