# SPDX-License-Identifier: BSD-3-Clause
"""Random calls to the RMM from two PEs, host and realms at once.

The seed is in every failure. It makes the same calls on each PE again, though not their timing:

    REALMOS_FUZZ_SEED=7 REALMOS_FUZZ_CALLS=1000000 pytest tests/fuzz_rig
"""

import os
import re
import struct
import time
from pathlib import Path

import pytest
from realmos import process
from realmos.cache import Cache
from realmos.firmware import build_firmware
from realmos.machine._spec import CPU
from realmos.progress import Silent
from realmos.session import Options
from realmos.source import find_qemu

MAGIC = b"REALMOS-FUZZ-RIG"
SEED = int(os.environ.get("REALMOS_FUZZ_SEED", "1"))
CALLS = int(os.environ.get("REALMOS_FUZZ_CALLS", "100000"))
MANY_CALLS = 1_000_000
SECONDS_PER_CALL = 0.005  # ten times what it takes
BOOT_SECONDS = 120.0
_PANIC = re.compile(r"^(RMM: panic|Bail out!|PANIC)", re.MULTILINE)
_POWER_OFF = "System Power off"


@pytest.fixture(scope="module")
def image(
    top: Path, generated: Path, cross_compile: str, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("fuzz_rig")
    process.run(
        ["make", "-j2", "-f", top / "tests/fuzz_rig/Makefile", f"BUILD_DIR={out}",
         f"GENERATED={generated}", f"CROSS_COMPILE={cross_compile}"]
    )  # fmt: skip
    return out / "fuzz.bin"


def run(image: Path, out: Path, rmm: Path | None, seed: int, calls: int) -> str:
    """Boot the fuzzer with these settings, and return what it printed."""
    data = bytearray(image.read_bytes())
    struct.pack_into("<QQ", data, data.index(MAGIC) + len(MAGIC), seed, calls)
    patched = out / "patched.bin"
    patched.write_bytes(data)
    cache = Cache()
    flash = build_firmware(cache, Silent(), rmm=rmm, bl33=patched)
    qemu = find_qemu(cache, Silent())
    console = out / "console.log"
    command = [
        *qemu.argv_prefix,
        "-M", "virt,secure=on,virtualization=on,gic-version=3,acpi=off",
        "-cpu", CPU, "-smp", "2", "-m", "2G", "-accel", "tcg,thread=multi",
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-bios", str(flash.path), "-serial", f"file:{console}",
    ]  # fmt: skip
    deadline = time.monotonic() + BOOT_SECONDS + calls * SECONDS_PER_CALL
    with process.spawn(command, log=out / "qemu.log") as machine:
        try:
            while machine.poll() is None and time.monotonic() < deadline:
                if _PANIC.search(read(console)):
                    break
                time.sleep(1)
        finally:
            machine.kill()
    return read(console)


def read(console: Path) -> str:
    """Return what was printed until the machine was to power off; EL3 may not survive that."""
    if not console.exists():
        return ""
    return console.read_text(errors="replace").partition(_POWER_OFF)[0]


def check(image: Path, out: Path, rmm: Path | None, seed: int, calls: int) -> None:
    told = run(image, out, rmm, seed, calls)
    ending = f"seed {seed}, {calls} calls:\n{told[-3000:]}"
    assert not _PANIC.search(told), ending
    assert "ok 1 - random_calls_leave_the_rmm_sound" in told.splitlines(), ending
    assert "ok 2 - an_ordinary_realm_still_runs" in told.splitlines(), ending


@pytest.mark.qemu
@pytest.mark.timeout(BOOT_SECONDS + CALLS * SECONDS_PER_CALL + 60)
def test_random_calls_leave_the_rmm_sound(
    image: Path, realm_options: Options, tmp_path: Path
) -> None:
    check(image, tmp_path, realm_options.rmm, SEED, CALLS)


@pytest.mark.qemu
@pytest.mark.exhaustive
@pytest.mark.timeout(BOOT_SECONDS + MANY_CALLS * SECONDS_PER_CALL + 60)
def test_many_random_calls_of_a_new_seed(
    image: Path, realm_options: Options, tmp_path: Path
) -> None:
    check(image, tmp_path, realm_options.rmm, time.time_ns(), MANY_CALLS)
