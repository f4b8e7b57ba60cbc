# SPDX-License-Identifier: BSD-3-Clause
"""What long work tells the user: stages and downloads, on stderr, quiet when nobody watches.

The library calls a `Reporter`; the CLI chooses which one. `Silent` is the library's default.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Task(Protocol):
    """One piece of work in progress."""

    def update(self, *, done: float, total: float | None = None, note: str = "") -> None:
        """Say how much is done, of how much, and what is being done now."""


class Reporter(Protocol):
    """Where progress goes."""

    def task(self, title: str) -> AbstractContextManager[Task]:
        """Open a piece of work; use as a context manager."""

    def note(self, text: str) -> None:
        """Tell the curious (`--verbose`) something."""

    def warn(self, text: str) -> None:
        """Tell everybody something that they must know."""


class _SilentTask:
    def update(self, *, done: float, total: float | None = None, note: str = "") -> None:
        """Do nothing."""


class Silent:
    """A reporter that says nothing."""

    @contextmanager
    def task(self, title: str) -> Iterator[Task]:  # noqa: ARG002 -- the protocol's parameter
        """Yield a task that says nothing."""
        yield _SilentTask()

    def note(self, text: str) -> None:
        """Say nothing."""

    def warn(self, text: str) -> None:
        """Say nothing."""


class _Bar:
    def __init__(self, progress: Progress, task: TaskID, title: str) -> None:
        self._progress = progress
        self._task = task
        self._title = title

    def update(self, *, done: float, total: float | None = None, note: str = "") -> None:
        if self._task not in self._progress.task_ids:
            return  # the work has ended; whoever watches it may not know yet
        title = f"{self._title} [dim]{note}" if note else self._title
        self._progress.update(self._task, completed=done, total=total, description=title)


class Terminal:
    """Progress bars and notes on stderr; plain lines when it is not a terminal.

    Args:
        verbose: show notes, and stage lines even without a terminal.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self.console = Console(stderr=True)
        self._verbose = verbose
        self._progress: Progress | None = None
        self._depth = 0

    @contextmanager
    def task(self, title: str) -> Iterator[Task]:
        """Show a bar for the piece of work while it lasts."""
        if not self.console.is_terminal:
            if self._verbose:
                self.console.print(title, highlight=False, markup=False)
            yield _SilentTask()
            return
        progress = self._progress or Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
        )
        if self._depth == 0:
            progress.start()
            self._progress = progress
        self._depth += 1
        task = progress.add_task(title, total=None)
        try:
            yield _Bar(progress, task, title)
        finally:
            progress.remove_task(task)
            self._depth -= 1
            if self._depth == 0:
                progress.stop()
                self._progress = None

    def note(self, text: str) -> None:
        """Print the note when verbose."""
        if self._verbose:
            self.console.print(text, style="dim", highlight=False, markup=False)

    def warn(self, text: str) -> None:
        """Print the warning."""
        self.console.print(
            f"realmos: {text}", style="bold red", highlight=False, markup=False, soft_wrap=True
        )
