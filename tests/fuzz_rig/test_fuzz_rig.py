# SPDX-License-Identifier: BSD-3-Clause
"""Random calls to the RMM from two PEs, host and realms at once.

The seed is in every failure. It makes the same calls on each PE again, though not their timing:

    REALMOS_FUZZ_SEED=7 REALMOS_FUZZ_CALLS=1000000 pytest tests/fuzz_rig
"""

import os
import struct
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from realmos.cache import Cache
from realmos.firmware import build_firmware
from realmos.progress import Silent
from realmos.session import Options

if TYPE_CHECKING:
    from tests.conftest import BootBare, MakeProgram

MAGIC = b"REALMOS-FUZZ-RIG"
SEED = int(os.environ.get("REALMOS_FUZZ_SEED", "1"))
CALLS = int(os.environ.get("REALMOS_FUZZ_CALLS", "100000"))
MANY_CALLS = 1_000_000
SECONDS_PER_CALL = 0.005  # ten times what it takes
BOOT_SECONDS = 120.0

Check = Callable[[int, int], None]


@pytest.fixture(scope="module")
def check(
    make_program: "MakeProgram",
    boot_bare: "BootBare",
    realm_options: Options,
    tmp_path_factory: pytest.TempPathFactory,
) -> Check:
    """Return a function that runs the fuzzer with a seed and so many calls, and judges it."""
    image = (make_program("fuzz_rig") / "fuzz.bin").read_bytes()

    def run(seed: int, calls: int) -> None:
        data = bytearray(image)
        struct.pack_into("<QQ", data, data.index(MAGIC) + len(MAGIC), seed, calls)
        patched = tmp_path_factory.mktemp("fuzz") / "patched.bin"
        patched.write_bytes(data)
        flash = build_firmware(Cache(), Silent(), rmm=realm_options.rmm, bl33=patched)
        ran = boot_bare(flash, pes=2, seconds=BOOT_SECONDS + calls * SECONDS_PER_CALL)
        ending = f"seed {seed}, {calls} calls: {ran}"
        told = ran.console.splitlines()
        assert not ran.fault, ending
        assert "ok 1 - random_calls_leave_the_rmm_sound" in told, ending
        assert "ok 2 - an_ordinary_realm_still_runs" in told, ending

    return run


@pytest.mark.qemu
@pytest.mark.timeout(BOOT_SECONDS + CALLS * SECONDS_PER_CALL + 60)
def test_random_calls_leave_the_rmm_sound(check: Check) -> None:
    check(SEED, CALLS)


@pytest.mark.qemu
@pytest.mark.exhaustive
@pytest.mark.timeout(BOOT_SECONDS + MANY_CALLS * SECONDS_PER_CALL + 60)
def test_many_random_calls_of_a_new_seed(check: Check) -> None:
    check(time.time_ns(), MANY_CALLS)
