# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta run` that is interrupted, or whose realm stops, while a client runs."""

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from realmos.cache import Cache
from realmos.progress import Silent
from realmos.tee import find_optee_tests

if TYPE_CHECKING:
    from tests.cli.conftest import Command

pytestmark = [pytest.mark.qemu, pytest.mark.fetch]


@pytest.fixture
def own_tmp(command: "Command") -> Path:
    """Where the command makes its temporary files."""
    path = command.home / "tmp"
    path.mkdir()
    command.environment["TMPDIR"] = str(path)
    return path


@pytest.fixture
def ta() -> str:
    """Any TA."""
    return str(find_optee_tests(Cache(), Silent()).applications[0])


def test_interrupt_ends_realm_and_client_and_leaves_nothing(
    command: "Command", own_tmp: Path, ta: str
) -> None:
    child = command.start("ta", "run", ta, "--", "sh", "-c", "echo $$; exec sleep 600")
    assert child.stdout is not None
    client = int(child.stdout.readline())
    child.send_signal(signal.SIGINT)
    done = command.finish(child)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert not Path(f"/proc/{client}").exists()
    assert command.left_over() == []
    assert list(own_tmp.iterdir()) == []


def test_realm_that_stops_under_a_client_is_named_when_that_has_ended(
    command: "Command", own_tmp: Path, ta: str
) -> None:
    script = 'echo up; until [ -e "$TMPDIR/go" ]; do sleep 0.1; done'
    child = command.start("ta", "run", ta, "--", "sh", "-c", script)
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    (machine,) = command.processes("qemu-system-aarch64")
    os.kill(machine, signal.SIGKILL)
    (own_tmp / "go").touch()
    done = command.finish(child)
    assert done.returncode == 1
    assert "QEMU was ended by signal 9" in done.stderr
    assert "next: " in done.stderr
    assert "Traceback" not in done.stderr
    assert command.left_over() == []
    assert [path.name for path in own_tmp.iterdir()] == ["go"]
