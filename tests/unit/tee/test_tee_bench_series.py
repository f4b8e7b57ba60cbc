# SPDX-License-Identifier: BSD-3-Clause
"""What the bench's client prints, read."""

import pytest
from realmos.errors import MachineError
from realmos.tee.bench import Series, read_series

LINES = [
    "Welcome",
    "bench: open-session 0 median 30 min 10 max 50 samples 5 from 1000 to 1300",
    "bench: sha256 65536 median 3 min 1 max 5 samples 20 from 1300 to 1400",
    "bench: end",
]


def test_series_are_read_from_among_other_lines_in_their_order() -> None:
    assert read_series(LINES) == [
        Series("open-session", 0, 30, 10, 50, 5, 1000, 1300),
        Series("sha256", 65536, 3, 1, 5, 20, 1300, 1400),
    ]


def test_client_that_gives_up_is_no_measurement() -> None:
    with pytest.raises(MachineError, match="gave up: preparing: result 0xffff0008, origin 3"):
        read_series([*LINES[:-1], "bench: Bail out! preparing: result 0xffff0008, origin 3"])
    with pytest.raises(MachineError, match="did not come to its end"):
        read_series(LINES[:-1])
