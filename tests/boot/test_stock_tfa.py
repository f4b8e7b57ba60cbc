# SPDX-License-Identifier: BSD-3-Clause
"""The RMM needs none of our fixes to TF-A: it boots on TF-A as it is, and realms run there."""

import re
from pathlib import Path

import pytest
from realmos import process
from realmos.anchor import DevelopmentAnchor
from realmos.cache import Cache
from realmos.errors import FirmwareError
from realmos.firmware import build_bench_flash, build_firmware
from realmos.machine._spec import CPU
from realmos.progress import Silent
from realmos.source import find_qemu

pytestmark = pytest.mark.qemu

PATIENCE = 300.0
_SERIES = re.compile(r"^bench: (\S+) median \d+ ", re.MULTILINE)


def test_an_unchanged_tfa_starts_the_rmm_which_finds_its_console_and_runs_realms(
    tmp_path: Path,
) -> None:
    cache = Cache()
    # Of RMM 1.0 this normal world uses each part once: granules, tables, RECs, interrupts, a token.
    program = build_bench_flash(cache, Silent()).bl33.path
    flash = build_firmware(cache, Silent(), bl33=program, stock_tfa=True)
    assert flash.firmware.bl31.origin.endswith("as it is")
    assert flash.firmware.bl31.sha256 != build_firmware(cache, Silent()).firmware.bl31.sha256
    with pytest.raises(FirmwareError, match="no slot"):
        build_firmware(
            cache, Silent(), bl33=program, stock_tfa=True, anchor=DevelopmentAnchor.new()
        )
    console = tmp_path / "console.log"
    command = [
        *find_qemu(cache, Silent()).argv_prefix,
        "-M", "virt,secure=on,virtualization=on,gic-version=3,acpi=off",
        "-cpu", CPU, "-smp", "1", "-m", "2G", "-accel", "tcg",
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-bios", str(flash.path), "-serial", f"file:{console}",
    ]  # fmt: skip
    with process.spawn(command, log=tmp_path / "qemu.log") as machine:
        machine.wait(timeout=PATIENCE)
    printed = console.read_text(errors="replace")
    # The manifest's checksum leaves the console's name out, which our fixes would mend.
    assert "RMM: ready: RMI 1.0 RSI 1.0" in printed, printed
    assert {"RMI_REC_ENTER:host-call", "RSI_ATTESTATION_TOKEN"} <= {*_SERIES.findall(printed)}
    assert "bench: end" in printed, printed
