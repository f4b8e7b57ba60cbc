# SPDX-License-Identifier: BSD-3-Clause
"""The worked example of docs/measurement.md, recomputed by what it says and by the code."""

import hashlib
import re
from pathlib import Path

import pytest
from realmos.realm import Workload, extended_measurement, workload_events
from realmos_agent.protocol import measurement

DOCUMENT = (Path(__file__).parents[2] / "docs/measurement.md").read_text("utf-8")
EXAMPLE = DOCUMENT[DOCUMENT.index("### An example") : DOCUMENT.index("### What it does not say")]
EVENTS = bytes.fromhex("".join(re.findall(r"^    ([0-9a-f ]+)$", EXAMPLE, re.MULTILINE)))
VALUES = re.findall(r"`([0-9a-f]{64,})`", EXAMPLE)


def example(folder: Path) -> Workload:
    (folder / "in.csv").write_text("1,2,3\n")
    (folder / "in.csv").chmod(0o644)
    return Workload(
        ("job.py", "7"),
        b"print(6)\n",
        env=(("MODE", "fast"),),
        put=((folder / "in.csv", "/data/in.csv"),),
    )


def test_the_events_are_those_of_the_example(tmp_path: Path) -> None:
    events = workload_events(example(tmp_path))
    assert b"".join(map(measurement.encode, events)) == EVENTS


@pytest.mark.parametrize(("algorithm", "first"), [("sha-256", 0), ("sha-512", 3)])
def test_rem_1_is_that_of_the_example_after_each_event(
    tmp_path: Path, algorithm: str, first: int
) -> None:
    events = workload_events(example(tmp_path))
    new = getattr(hashlib, algorithm.replace("-", ""))
    rem = bytes(new().digest_size)
    for count, event in enumerate(events, 1):
        rem = new(rem + new(measurement.encode(event)).digest()).digest()
        assert extended_measurement(events[:count], algorithm) == rem
        assert rem.hex() == VALUES[first + count - 1]


def test_the_bound_is_that_of_the_document() -> None:
    assert f"at most {measurement.EVENT_MAX} bytes" in DOCUMENT
    assert measurement.WORK_DIR.hex(" ") in DOCUMENT
