# SPDX-License-Identifier: BSD-3-Clause
"""Progress on a terminal."""

import io

from realmos.progress import Terminal
from rich.console import Console


def test_updates_after_the_end_of_the_work_are_ignored() -> None:
    reporter = Terminal()
    reporter.console = Console(file=io.StringIO(), force_terminal=True)
    with reporter.task("Booting") as task:
        task.update(done=1, total=2, note="kernel")
    task.update(done=2)
    with reporter.task("Restoring") as other, reporter.task("inside"):
        other.update(done=1)
        task.update(done=3)


def test_warnings_are_for_everybody_and_notes_for_the_curious() -> None:
    reporter = Terminal()
    reporter.console = Console(file=(text := io.StringIO()))
    reporter.note("a detail")
    reporter.warn("look out")
    assert text.getvalue() == "realmos: look out\n"
