# SPDX-License-Identifier: BSD-3-Clause
"""Failures as users of the command see them: cause, next step, status, and nothing left behind."""

import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Command

pytestmark = pytest.mark.qemu

ALLOWED = 300.0
"""Seconds that a run with a failure in it may take on a busy machine; it could hang for ever."""
CLOSED_PORT = "127.0.0.1:9"


def test_a_kernel_panic_under_a_workload_ends_the_run_and_shows_the_panic(
    command: "Command",
) -> None:
    began = time.monotonic()
    done = command.run(
        "run", "--", "sh", "-c", "echo up; sleep 1; echo c >/proc/sysrq-trigger; sleep 600"
    )
    assert time.monotonic() - began < ALLOWED
    assert done.returncode == 1
    assert done.stdout == "up\n"
    cause = "reset: Kernel panic - not syncing: sysrq triggered crash (stopped in: kernel)"
    assert cause in done.stderr
    assert "sysrq_handle_crash" in done.stderr
    assert "next: " in done.stderr
    assert "Traceback" not in done.stderr
    assert command.left_over() == []


def test_an_agent_that_falls_silent_is_named_once_the_time_is_up(command: "Command") -> None:
    began = time.monotonic()
    done = command.run(
        "run", "--timeout", "1", "--", "sh", "-c", "echo up; kill -STOP $PPID; sleep 600"
    )
    assert time.monotonic() - began < ALLOWED
    assert done.returncode == 1
    assert "(stopped in: agent)" in done.stderr
    assert "init: ready" in done.stderr  # the last line of its realm's console
    assert "next: " in done.stderr
    assert command.left_over() == []


def test_qemu_that_is_killed_under_a_workload_ends_the_run(command: "Command") -> None:
    child = command.start("run", "--", "sh", "-c", "echo up; sleep 600")
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    (machine,) = command.processes("qemu-system-aarch64")
    os.kill(machine, signal.SIGKILL)
    done = command.finish(child)
    assert done.returncode == 1
    assert "QEMU was ended by signal 9 (stopped in: qemu)" in done.stderr
    assert "kill it?" in done.stderr
    assert command.left_over() == []


def test_a_file_that_cannot_be_got_hides_neither_evidence_nor_the_other_files(
    command: "Command",
) -> None:
    gone, here = f"/run/gone:{command.home}/gone", f"/run/here:{command.home}/here"
    done = command.run(
        "run", "--json", "--get", gone, "--get", here, "--", "sh", "-c", "echo cargo >/run/here"
    )
    assert done.returncode == 1
    facts = json.loads(done.stdout)
    assert (facts["status"], facts["rim_matches"]) == (0, True)
    assert ["/run/gone" in text for text in facts["not_copied"]] == [True]
    assert "--get: /run/gone: No such file" in done.stderr
    assert (command.home / "here").read_text() == "cargo\n"
    assert not (command.home / "gone").exists()


def test_a_workload_that_crashes_keeps_its_status_though_a_file_cannot_be_got(
    command: "Command",
) -> None:
    gone = f"/run/gone:{command.home}/gone"
    done = command.run("run", "--get", gone, "--", "sh", "-c", "kill -SEGV $$")
    assert done.returncode == 128 + signal.SIGSEGV
    assert "RIM predicted" in done.stdout
    assert "the program was ended by SIGSEGV" in done.stderr
    assert done.stderr.index("SIGSEGV") < done.stderr.index("--get: /run/gone")


def test_a_file_to_put_that_is_not_there_is_named_before_anything_is_built(
    command: "Command",
) -> None:
    command.environment["REALMOS_CACHE"] = str(command.home / "cache")
    command.environment["REALMOS_DEBIAN_MIRROR"] = f"http://{CLOSED_PORT}/debian"
    done = command.run("run", "--put", f"{command.home}/gone:/run/x", "--", "true")
    assert done.returncode == 1
    assert f"--put: {command.home}/gone is not there" in done.stderr
    assert "next: " in done.stderr


def test_no_network_and_an_empty_cache_end_a_run_with_the_mirror_that_was_tried(
    command: "Command",
) -> None:
    command.environment["REALMOS_CACHE"] = str(command.home / "cache")
    command.environment["REALMOS_DEBIAN_MIRROR"] = f"http://{CLOSED_PORT}/debian"
    done = command.run("run", "--", "true")
    assert done.returncode == 1
    assert f"no package mirror can be reached (tried http://{CLOSED_PORT}/debian/)" in done.stderr
    assert "next: check the network" in done.stderr
    assert command.left_over() == []
