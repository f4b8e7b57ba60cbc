# SPDX-License-Identifier: BSD-3-Clause
"""`realmos bench attest` on real machines: its figures are there, and could be true."""

import json
import os
import sys

import pytest
from realmos import process

pytestmark = [pytest.mark.qemu]


def test_every_figure_is_there_and_could_be_true() -> None:
    words = ["-m", "realmos.cli", "bench", "attest", "--count", "2", "--json"]
    made = json.loads(process.run([sys.executable, *words], env=dict(os.environ)))
    seconds = made["medians"]
    assert list(seconds) == [
        "prediction", "verification", "token", "fetch", "channel", "run", "run_plain",
    ]  # fmt: skip
    assert all(len(values) == 2 for values in made["seconds"].values())
    assert all(0 < value < 600 for value in seconds.values())
    assert seconds["verification"] < seconds["fetch"]
    assert seconds["channel"] < seconds["run"]
    assert made["verifications_per_second"] == pytest.approx(1 / seconds["verification"])
    assert made["ratios"] == {"run_to_plain": pytest.approx(seconds["run"] / seconds["run_plain"])}
