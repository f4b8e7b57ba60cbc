# SPDX-License-Identifier: BSD-3-Clause
"""How `realmos doctor` shows what this machine needs."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from realmos.source import Requirement


def print_requirements(rows: Sequence[Requirement], *, as_json: bool) -> None:
    """Print a table of all, then a line for each that is not met: what fixes it, to be copied."""
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
        return
    table = Table(Column("requirement", overflow="fold"), Column("found", overflow="fold"), "")
    for row in rows:
        mark = "[green]ok" if row.ok else "[red]missing"
        table.add_row(escape(row.name), escape(row.found or "-"), mark)
    console = Console(highlight=False)
    console.print(table)
    for row in rows:
        if not row.ok:
            console.print(f"[red]missing:[/] {escape(row.name)}: {escape(row.fix)}", soft_wrap=True)
