# SPDX-License-Identifier: BSD-3-Clause
"""What `realmos ta debug` prepares for gdb, and what it refuses."""

import re
import signal
import socket
import sys
from pathlib import Path
from uuid import UUID

import pytest
from realmos import cli, process
from realmos.cache import Cache
from realmos.cli._ta_debug import _await_session, _check_connected
from realmos.errors import ConfigError, ToolError
from realmos.progress import Silent
from realmos.tee import debug
from realmos.tee.debug import DebugTarget, debug_target
from realmos_agent.tee.debug import BASE, Debugger
from realmos_agent.tee.loader import Keys, Loader, RootKey
from ta_files import LIBRARY, OTHER, PLUGIN, TA, Ta, make_key


@pytest.fixture(autouse=True)
def _emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debug, "qemu_user", lambda *_: ("qemu-aarch64",))


@pytest.fixture
def keys() -> Keys:
    return Keys((RootKey("ours", make_key().public_key()),))


def prepare(path: Path, keys: Keys, uuid: UUID = TA) -> DebugTarget:
    (path / "gdb").mkdir()
    return debug_target(
        {TA: path / "some.ta"}, uuid, keys,
        directory=path / "gdb", cache=Cache(path / "cache"), reporter=Silent(),
    )  # fmt: skip


def test_only_the_first_instance_of_its_ta_is_debugged(tmp_path: Path) -> None:
    debugger = Debugger(f"{TA}={tmp_path}")
    assert not debugger.takes(OTHER)
    assert debugger.takes(TA)
    assert not debugger.takes(TA)
    assert debugger.argv(("qemu", "runner", "--weak")) == (
        "qemu", "-g", f"{tmp_path}/gdb", "runner", "--weak", "--bare",
    )  # fmt: skip


def test_gdb_is_told_what_is_loaded_where(
    family: dict[str, bytes], keys: Keys, tmp_path: Path
) -> None:
    signed = {UUID(name): Ta(data, UUID(name)).signed() for name, data in family.items()}
    debugger = Debugger(f"{TA}={tmp_path}")
    space = debugger.space()
    placed = debugger.loader(Loader(signed.get, keys)).load(TA, 0x1000, space.reserve)
    assert placed.objects[0].base == BASE
    assert script(tmp_path) == [(each.uuid, each.base) for each in placed.objects]
    assert len(placed.objects) == 3
    placed.open_library(PLUGIN, space.reserve)
    assert script(tmp_path) == [(each.uuid, each.base) for each in placed.objects]
    assert len(placed.objects) == 4


def script(path: Path) -> list[tuple[UUID, int]]:
    """Return the objects whose symbols gdb is to read; each once only."""
    text = (path / "objects.gdb").read_text("utf-8")
    found = re.findall(
        r"if \$ta_objects == (\d+)\n  add-symbol-file \"(\S+)/(\S+)\.elf\" -o (0x[0-9a-f]+)\n"
        r"  set \$ta_objects = \$ta_objects \+ 1\nend\n", text,
    )  # fmt: skip
    assert [int(number) for number, *_ in found] == list(range(len(text.splitlines()) // 4))
    assert {place for _, place, *_ in found} == {str(path)}
    return [(UUID(uuid), int(base, 16)) for *_, uuid, base in found]


def test_symbols_are_those_of_the_elf_beside_the_ta(
    main_ta: bytes, keys: Keys, tmp_path: Path
) -> None:
    (tmp_path / "some.ta").write_bytes(Ta(main_ta).signed())
    full = main_ta + b"and what a linker leaves for debuggers"
    (tmp_path / f"{TA}.elf").write_bytes(full)
    target = prepare(tmp_path, keys)
    assert target.plain == ""
    assert target.spec == f"{TA}={tmp_path}/gdb"
    assert (tmp_path / "gdb" / f"{TA}.elf").read_bytes() == full


def test_symbols_of_another_build_are_not_used(
    main_ta: bytes, family: dict[str, bytes], keys: Keys, tmp_path: Path
) -> None:
    (tmp_path / "some.ta").write_bytes(Ta(main_ta).signed())
    other = next(data for data in family.values() if data != main_ta)
    for beside, problem in (
        (other, "of another build"),
        (b"\x7fELF", "ELF"),
        (None, "there is no"),
    ):
        (tmp_path / f"{TA}.elf").unlink(missing_ok=True)
        if beside is not None:
            (tmp_path / f"{TA}.elf").write_bytes(beside)
        target = prepare(tmp_path, keys)
        assert problem in target.plain
        assert (tmp_path / "gdb" / f"{TA}.elf").read_bytes() == main_ta
        for path in (tmp_path / "gdb").iterdir():
            path.unlink()
        (tmp_path / "gdb").rmdir()


def test_ta_that_was_not_named_is_refused(main_ta: bytes, keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "some.ta").write_bytes(Ta(main_ta).signed())
    with pytest.raises(ConfigError, match="none of the TAs that were named"):
        prepare(tmp_path, keys, LIBRARY)


def test_library_is_not_entered(family: dict[str, bytes], keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "some.ta").write_bytes(Ta(family[str(LIBRARY)]).signed())
    with pytest.raises(ConfigError, match="is a library") as caught:
        prepare(tmp_path, keys)
    assert "--uuid" in caught.value.hint


def test_target_waits_when_its_socket_listens(main_ta: bytes, keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "some.ta").write_bytes(Ta(main_ta).signed())
    target = prepare(tmp_path, keys)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(target.directory / "gdb"))
        assert not target.waits()
        server.listen()
        assert target.waits()
    assert not target.waits()


def test_gdb_that_never_came_is_told_of(tmp_path: Path) -> None:
    target = DebugTarget(TA, tmp_path, ("qemu",), "")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "gdb"))
        server.listen()
        with pytest.raises(ToolError, match="ended before it had connected"):
            _check_connected(target)
    _check_connected(target)


def test_gdb_is_given_its_commands_in_order(tmp_path: Path) -> None:
    target = DebugTarget(TA, tmp_path, ("qemu",), "")
    start = str(tmp_path / "start.gdb")
    assert target.argv("gdb", []) == ["gdb", "-q", "-x", start]
    assert target.argv("gdb", ["bt", "c"], batch=True) == [
        "gdb", "-q", "-batch", "-x", start, "-ex", "bt", "-ex", "c",
    ]  # fmt: skip


def test_client_that_opens_no_session_is_told_of(tmp_path: Path) -> None:
    client = process.accompany(["sh", "-c", "exit 7"], env=process.base_env())
    with pytest.raises(ConfigError, match="status 7 and opened no session") as caught:
        _await_session(client, DebugTarget(TA, tmp_path, ("qemu",), ""))
    assert "--uuid" in caught.value.hint


def test_gdb_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "which", lambda _: None)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert cli.main(["ta", "debug", "some.ta", "--", "client"]) == 1
    said = capsys.readouterr().err
    assert "gdb-multiarch was not found" in said
    assert "apt-get install gdb-multiarch" in said


def test_emulator_that_an_arm64_machine_lacks_is_named(
    main_ta: bytes, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debug, "qemu_user", lambda *_: ())
    monkeypatch.setattr(process, "which", lambda _: None)
    (tmp_path / "some.ta").write_bytes(Ta(main_ta).signed())
    with pytest.raises(ToolError, match="qemu-aarch64") as caught:
        prepare(tmp_path, keys)
    assert "qemu-user" in caught.value.hint


def test_interrupt_is_left_to_a_program_that_has_the_terminal() -> None:
    script = "import os, signal; os.kill(os.getppid(), signal.SIGINT)"
    words = [sys.executable, "-c", script]
    assert process.call(words, env=process.base_env(), interrupts=False) == 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        process.call([*words[:2], f"{script}; import time; time.sleep(60)"], env=process.base_env())


def test_client_beside_a_debugger_has_no_input_and_no_terminal() -> None:
    script = "import os, sys; sys.exit(os.getsid(0) == os.getpid() and not sys.stdin.read())"
    client = process.accompany([sys.executable, "-c", script], env=process.base_env())
    assert client.wait() == 1
