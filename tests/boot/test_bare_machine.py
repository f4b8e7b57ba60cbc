# SPDX-License-Identifier: BSD-3-Clause
"""What becomes of a program of ours in place of the monitor that goes on for ever."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from realmos.cache import Cache
from realmos.firmware import build_firmware
from realmos.progress import Silent

if TYPE_CHECKING:
    from tests.conftest import BootBare

pytestmark = pytest.mark.qemu

BRANCH_TO_SELF = 0x14000000
SECONDS = 20.0


def test_a_machine_that_outlives_its_time_is_ended_and_shows_its_last_lines(
    boot_bare: "BootBare", tmp_path: Path
) -> None:
    program = tmp_path / "spin.bin"
    program.write_bytes(BRANCH_TO_SELF.to_bytes(4, "little"))
    ran = boot_bare(build_firmware(Cache(), Silent(), bl33=program), seconds=SECONDS)
    assert "the power-off did not come within 20 s (stopped in: RMM)" in ran.fault
    assert "RMM: ready: " in ran.fault
    assert "RMM: ready: " in ran.console
