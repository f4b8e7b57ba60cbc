# SPDX-License-Identifier: BSD-3-Clause
"""`realmos bench rmm` on a real machine: it measures everything, and the same each time."""

import json
import os
import sys
from pathlib import Path

import pytest
from realmos import process
from realmos.cache import Cache
from realmos.firmware import build_firmware
from realmos.progress import Silent

pytestmark = [pytest.mark.qemu]

# What a program must execute for an operation at the least: two exceptions, or a page of hashing.
AT_LEAST = {"RMI_VERSION": 100, "RMI_DATA_CREATE:measured": 3000, "RSI_ATTESTATION_TOKEN": 100_000}


def test_every_operation_is_measured_and_an_image_brought_in_costs_what_ours_does(
    tmp_path: Path,
) -> None:
    brought = tmp_path / "brought.bin"
    brought.write_bytes(build_firmware(Cache(), Silent()).rmm.path.read_bytes())
    words = ["-m", "realmos.cli", "bench", "rmm", "--rmm", str(brought), "--json"]
    made = json.loads(process.run([sys.executable, *words], env=dict(os.environ)))
    ours, other = made["rmms"]
    assert (ours["name"], other["name"]) == ("ours", str(brought))
    assert ours["sha256"] == other["sha256"]
    assert len(ours["costs"]) >= 25
    for name, cost in ours["costs"].items():
        assert cost["least"] >= AT_LEAST.get(name, 100), name
        assert cost["least"] <= cost["median"] <= cost["most"], name
        # Tokens are signed by blinded arithmetic: their figures differ from run to run.
        tolerance = 0.05 if name == "RSI_ATTESTATION_TOKEN" else 0
        assert other["costs"][name]["median"] == pytest.approx(cost["median"], rel=tolerance)
