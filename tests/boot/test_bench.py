# SPDX-License-Identifier: BSD-3-Clause
"""`realmos bench boot` on real machines: its figures are there, and could be true."""

import json
import os
import sys

import pytest
from realmos import process

pytestmark = [pytest.mark.qemu]


def test_every_figure_is_there_and_could_be_true() -> None:
    words = ["-m", "realmos.cli", "bench", "boot", "--count", "1", "--json"]
    made = json.loads(process.run([sys.executable, *words], env=dict(os.environ)))
    assert set(made["seconds"]) == {"cold", "plain", "restored"}
    assert all(len(values) == 1 for values in made["seconds"].values())
    seconds = made["medians"]
    assert all(0.05 < value < 600 for value in seconds.values())
    assert made["ratios"] == {
        "cold_to_plain": pytest.approx(seconds["cold"] / seconds["plain"]),
        "restored_to_cold": pytest.approx(seconds["restored"] / seconds["cold"]),
    }
    assert all(1 << 12 < made["bytes"][name] < 1 << 20 for name in ("rmm", "monitor"))
    assert all(made["bytes"][name] > 1 << 20 for name in ("kernel", "initramfs"))
    assert set(made["lines"]) == {"rmm", "monitor", "shared"}
    assert all(lines["C"] > 100 for lines in made["lines"].values())
    assert made["first_run"] is None
