# SPDX-License-Identifier: BSD-3-Clause
"""How machines end: on request, by accident, and by force. Each failure names its layer."""

import contextlib
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pexpect
import pytest
from realmos.errors import BootError, ConfigError, FirmwareError, RealmosError
from realmos.machine import Layer
from realmos.pytest_plugin import RealmFactory
from realmos.realm import RealmConfig

pytestmark = pytest.mark.qemu

MIB = 1 << 20
HANGING_TEST = """
import time

def test_it(realm_machine):
    print("QEMU is", realm_machine.machine.pid, flush=True)
    time.sleep(600)
"""

NothingStays = Callable[[Iterable[int]], None]


def pytest_with_a_machine(folder: Path, *words: str) -> "tuple[pexpect.spawn[str], int]":
    """Start a pytest whose test hangs, and wait until its QEMU runs; return its id too."""
    (folder / "test_hanging.py").write_text(HANGING_TEST, "utf-8")
    common = ["-m", "pytest", "-s", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    child = pexpect.spawn(sys.executable, [*common, *words], cwd=str(folder), encoding="utf-8")
    child.expect(r"QEMU is (\d+)\r\n", timeout=300)
    assert isinstance(child.match, re.Match)
    return child, int(child.match[1])


def test_a_realm_that_powers_off_ends_the_machine_with_status_zero(
    realm_factory: RealmFactory,
) -> None:
    with realm_factory() as session:
        session.agent.shutdown()
        assert session.machine.wait_power_off(timeout=120) == 0


def test_qemu_killed_from_outside_is_said_at_once(realm_factory: RealmFactory) -> None:
    with realm_factory() as session:
        handle = session.agent.start(["sleep", "600"])
        pid = session.machine.pid
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(BootError, match="QEMU was ended by signal 9"):
            handle.wait(60)


def test_a_kernel_panic_shows_the_kernels_last_words(realm_factory: RealmFactory) -> None:
    with realm_factory() as session, pytest.raises(BootError) as caught:
        session.agent.run(["sh", "-c", "echo c > /proc/sysrq-trigger"], timeout=60)
    assert caught.value.layer is Layer.KERNEL
    panic, *trace = (line for line in caught.value.tail if not line.startswith("MON: "))
    assert "Kernel panic - not syncing: sysrq triggered crash" in panic
    assert any("sysrq_handle_crash" in line for line in trace)


def test_a_kernel_that_finds_no_init_stops_in_the_kernel(realm_factory: RealmFactory) -> None:
    config = RealmConfig(cmdline="rdinit=/nowhere init=/nowhere")
    with pytest.raises(BootError) as caught, realm_factory(realms=(config,), cold=True):
        pass
    assert caught.value.layer is Layer.KERNEL
    assert any("Kernel panic" in line for line in caught.value.tail)


def test_an_agent_that_never_answers_is_given_up(realm_factory: RealmFactory) -> None:
    config = RealmConfig(cmdline="rdinit=/usr/bin/sleep -- 600")
    options = {"realms": (config,), "cold": True, "boot_timeout": 45.0}
    silence = pytest.raises(BootError, match="agent of realm 0 did not answer within 45 s")
    with silence as caught, realm_factory(**options):
        pass
    assert caught.value.layer is Layer.KERNEL
    assert "MON: realm 0 linux: running" in caught.value.tail
    assert caught.value.hint


def test_an_rmm_image_that_is_an_elf_file_is_refused(
    realm_factory: RealmFactory, tmp_path: Path
) -> None:
    image = tmp_path / "rmm.elf"
    image.write_bytes(b"\x7fELF" + bytes(8192))
    with pytest.raises(FirmwareError, match="ELF"), realm_factory(rmm=image):
        pass


def test_a_realm_too_small_for_its_image_is_told_how_much_it_needs(
    realm_factory: RealmFactory,
) -> None:
    refusal = pytest.raises(ConfigError, match="does not fit a realm of 64 MiB")
    with refusal as caught, realm_factory(realms=(RealmConfig(memory=64 * MIB),)):
        pass
    assert "--memory" in caught.value.hint


def test_a_machine_leaves_no_process_and_no_socket(
    realm_factory: RealmFactory, runtime: Path, nothing_stays: NothingStays
) -> None:
    with contextlib.suppress(RealmosError), realm_factory() as session:
        pid, sockets = session.machine.pid, session.machine.spec.sockets
        assert sockets.parent == runtime
        assert sockets.stat().st_mode & 0o777 == 0o700
        raise RealmosError("on purpose")
    assert not sockets.exists()
    nothing_stays([pid])


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_a_test_out_of_time_leaves_nothing(
    method: str, tmp_path: Path, runtime: Path, nothing_stays: NothingStays
) -> None:
    limit = ["--timeout=1", f"--timeout-method={method}", "-o", "timeout_func_only=true"]
    child, pid = pytest_with_a_machine(tmp_path, *limit)
    assert list(runtime.glob("*/qmp"))
    child.expect_exact("Timeout", timeout=120)
    child.expect(pexpect.EOF, timeout=120)
    child.close()
    assert child.exitstatus == 1
    nothing_stays([pid])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_pytest_leaves_nothing(
    number: signal.Signals, tmp_path: Path, nothing_stays: NothingStays
) -> None:
    child, pid = pytest_with_a_machine(tmp_path)
    child.kill(number)
    child.expect(pexpect.EOF, timeout=120)
    child.close()
    assert child.signalstatus == number
    nothing_stays([pid])
