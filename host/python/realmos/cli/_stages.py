# SPDX-License-Identifier: BSD-3-Clause
"""Which pieces of work a run consisted of, written down for whoever started it.

With `REALMOS_STAGES` in the environment, `realmos run` appends a line of JSON to that file when a
piece of work ends: `{"title": …, "began": …, "ended": …}`. The seconds are the monotonic clock's,
which all processes of a machine share.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from realmos.progress import Reporter, Task

STAGES_VARIABLE = "REALMOS_STAGES"


@dataclass(frozen=True)
class Stage:
    """A piece of work that is part of no other; seconds of the monotonic clock."""

    title: str
    began: float
    ended: float


class Stopwatch:
    """A reporter that writes down the outermost pieces of work and passes everything on.

    Args:
        inner: the reporter that the user sees.
        path: the file to append to.
    """

    def __init__(self, inner: Reporter, path: Path) -> None:
        self._inner = inner
        self._path = path
        self._depth = 0

    @contextmanager
    def task(self, title: str) -> Iterator[Task]:
        """Time the piece of work, unless it is part of another."""
        began = time.monotonic()
        self._depth += 1
        try:
            with self._inner.task(title) as task:
                yield task
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._write(Stage(title, began, time.monotonic()))

    def note(self, text: str) -> None:
        """Pass it on."""
        self._inner.note(text)

    def warn(self, text: str) -> None:
        """Pass it on."""
        self._inner.warn(text)

    def _write(self, stage: Stage) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(stage)) + "\n")


def timed(reporter: Reporter) -> Reporter:
    """Return the reporter, behind a stopwatch if the environment asks for one."""
    path = os.environ.get(STAGES_VARIABLE)
    return Stopwatch(reporter, Path(path)) if path else reporter


def read_stages(path: Path) -> list[Stage]:
    """Return the stages in a file that a stopwatch has written; none if it has not."""
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return [Stage(**json.loads(line)) for line in lines]
