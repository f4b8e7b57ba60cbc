# SPDX-License-Identifier: BSD-3-Clause
"""What was measured: its statistics, its tables, and its JSON."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from realmos.cli._bench_first_run import FirstRun
from realmos.session import Options

COLD = "cold"
PLAIN = "plain"
RESTORED = "restored"
_TITLES = {
    COLD: "realm, booted",
    PLAIN: "same kernel without RME",
    RESTORED: "realm, restored",
}
_MB = 1e6


@dataclass(frozen=True)
class Figures:
    """All figures of one run of `realmos bench boot`.

    Args:
        options: the machine.
        seconds: from QEMU's start to the first answer, of each run, by kind.
        sizes: bytes, by image.
        lines: lines of code, by image and language.
        first_run: what a newcomer's first run costs, if it was measured.
    """

    options: Options
    seconds: Mapping[str, Sequence[float]]
    sizes: Mapping[str, int]
    lines: Mapping[str, Mapping[str, int]]
    first_run: FirstRun | None = None

    @property
    def medians(self) -> dict[str, float]:
        """The median seconds of each kind."""
        return {kind: statistics.median(values) for kind, values in self.seconds.items()}

    @property
    def ratios(self) -> dict[str, float]:
        """What the goals are about, of medians."""
        medians = self.medians
        return {
            "cold_to_plain": medians[COLD] / medians[PLAIN],
            "restored_to_cold": medians[RESTORED] / medians[COLD],
        }

    def as_json(self) -> dict[str, object]:
        """Return everything for machines."""
        realm = self.options.realms[0]
        return {
            "image": self.options.image,
            "memory": realm.memory,
            "vcpus": realm.vcpus,
            "count": len(self.seconds[COLD]),
            "seconds": {kind: list(values) for kind, values in self.seconds.items()},
            "medians": self.medians,
            "ratios": self.ratios,
            "bytes": dict(self.sizes),
            "lines": {image: dict(lines) for image, lines in self.lines.items()},
            "first_run": self.first_run.as_json() if self.first_run else None,
        }

    def print(self, console: Console) -> None:
        """Print everything for people."""
        console.print(self._times())
        console.print(self._sizes())
        if self.first_run is not None:
            console.print(_first_run(self.first_run))

    def _times(self) -> Table:
        runs = len(self.seconds[COLD])
        title = f"QEMU's start to the agent's first answer, {runs} {'runs' if runs > 1 else 'run'}"
        table = Table(title, *_right("median s", "min s", "max s", "to plain", "to cold"))
        medians = self.medians
        for kind, values in self.seconds.items():
            median = medians[kind]
            ratios = (median / medians[PLAIN], median / medians[COLD])
            numbers = (median, min(values), max(values), *ratios)
            table.add_row(_TITLES[kind], *(f"{number:.2f}" for number in numbers))
        return table

    def _sizes(self) -> Table:
        table = Table("images and code of ours", *_right("bytes", "lines of C", "of assembly"))
        for name in dict.fromkeys([*self.lines, *self.sizes]):
            size, code = self.sizes.get(name), self.lines.get(name, {})
            cells = [size, code.get("C"), code.get("assembly")]
            title = "in both" if name == "shared" else name
            table.add_row(title, *("" if cell is None else f"{cell:,}" for cell in cells))
        return table


def _first_run(first: FirstRun) -> Table:
    table = Table("scripts/run, fresh checkout and empty cache", *_right("seconds", "MB"))
    for title, value in first.stages.items():
        table.add_row(escape(title), f"{value:.1f}", "")
    table.add_row("in all", f"{first.seconds:.1f}", "", end_section=True)
    _add_bytes(table, "downloaded", first.downloaded)
    _add_bytes(table, "disk", first.disk)
    table.caption = "Not counted: " + "; ".join(first.not_counted)
    return table


def _add_bytes(table: Table, title: str, parts: Mapping[str, int]) -> None:
    for name, value in parts.items():
        table.add_row(f"{title}: {name}", "", f"{value / _MB:.1f}")
    table.add_row(f"{title}, in all", "", f"{sum(parts.values()) / _MB:.1f}", end_section=True)


def _right(*names: str) -> list[Column]:
    return [Column(name, justify="right") for name in names]
