# SPDX-License-Identifier: BSD-3-Clause
"""What a first run costs: everything fetched and built into an empty cache, stage by stage."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from realmos import session as sessions
from realmos.cache import Cache
from realmos.progress import Reporter, Task
from realmos.session import Options


@dataclass
class Stopwatch:
    """A reporter that times the outermost pieces of work and passes everything on.

    Args:
        inner: the reporter that the user sees.
    """

    inner: Reporter
    seconds: dict[str, float] = field(default_factory=dict)
    _depth: int = 0

    @contextmanager
    def task(self, title: str) -> Iterator[Task]:
        """Time the piece of work, unless it is part of another."""
        began = time.monotonic()
        self._depth += 1
        try:
            with self.inner.task(title) as task:
                yield task
        finally:
            self._depth -= 1
            if self._depth == 0:
                self.seconds[title] = self.seconds.get(title, 0.0) + time.monotonic() - began

    def note(self, text: str) -> None:
        """Pass it on."""
        self.inner.note(text)


@dataclass(frozen=True)
class ColdRun:
    """A first run: seconds of each stage and in all, bytes fetched, bytes on disk afterwards."""

    stages: dict[str, float]
    seconds: float
    fetched: int
    disk: int


def measure_cold_run(options: Options, reporter: Reporter) -> ColdRun:
    """Run a machine to its first answer with a cache that was empty, and remove that cache."""
    watch = Stopwatch(reporter)
    with tempfile.TemporaryDirectory(prefix="realmos-cold-") as folder:
        cache = Cache(Path(folder))
        began = time.monotonic()
        with sessions.running(options, cache, watch):
            seconds = time.monotonic() - began
        entries = cache.entries()
        fetched = sum(entry.size for entry in entries if entry.kind in {"file", "apt"})
        return ColdRun(watch.seconds, seconds, fetched, sum(entry.size for entry in entries))
