# SPDX-License-Identifier: BSD-3-Clause
"""What machines must not leave behind: processes and sockets."""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

PATIENCE = 60.0

NothingStays = Callable[[Iterable[int]], None]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The directory that machines started in this test make their sockets in: a short path."""
    with tempfile.TemporaryDirectory(prefix="rt-") as path:
        monkeypatch.setenv("XDG_RUNTIME_DIR", path)
        yield Path(path)


@pytest.fixture
def nothing_stays(runtime: Path) -> NothingStays:
    """Return a function that checks that these processes, and all sockets, go away."""

    def check(pids: Iterable[int]) -> None:
        deadline = time.monotonic() + PATIENCE
        while left := [pid for pid in pids if Path(f"/proc/{pid}").exists()] + [*runtime.iterdir()]:
            assert time.monotonic() < deadline, left
            time.sleep(0.01)

    return check
