# SPDX-License-Identifier: BSD-3-Clause
"""Which case covers which condition of RMM 1.0: reads both, and makes docs/conformance.md.

python tests/conformance/coverage.py --write
"""

import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parents[1] / "docs/conformance.md"
_CASE = re.compile(r'^CASE\((\w+),\s*((?:"[^"]*"\s*)+)\)', re.MULTILINE)
_PREAMBLE = """<!-- SPDX-License-Identifier: BSD-3-Clause -->
<!-- Made by tests/conformance/coverage.py --write. -->
# What the conformance suite covers

Each condition of RMM 1.0 (DEN0137 1.0-rel0), by command, and the cases of `tests/conformance/`
that cover it, or why none does. The suite is a BL33 of its own: it knows the specification and
QEMU's virt machine, and nothing of the monitor.

{cases} cases cover {covered} of {conditions} conditions.
"""


@dataclass(frozen=True)
class Case:
    """A case of the suite: its name, the conditions that it covers, and its file."""

    name: str
    conditions: tuple[str, ...]
    file: Path


@dataclass(frozen=True)
class Condition:
    """What the specification wants, by the command that it wants it of."""

    id: str
    text: str
    uncovered: str = ""

    @property
    def command(self) -> str:
        """The part of the identifier that names the command, or the rule."""
        return self.id.partition(".")[0]


def read_cases() -> list[Case]:
    """Return the cases that the C sources define, in their order."""
    cases = []
    for path in sorted(HERE.glob("*.c")):
        for name, words in _CASE.findall(path.read_text()):
            conditions = tuple(" ".join(re.findall(r'"([^"]*)"', words)).split())
            cases.append(Case(name, conditions, path))
    return cases


def read_conditions() -> list[Condition]:
    """Return the conditions of the specification, file by file."""
    conditions: list[Condition] = []
    for path in sorted((HERE / "conditions").glob("*.toml")):
        conditions += [Condition(**each) for each in tomllib.loads(path.read_text())["condition"]]
    return conditions


def document(cases: Sequence[Case], conditions: Sequence[Condition]) -> str:
    """Return the page: a table for each command."""
    by_condition: defaultdict[str, list[Case]] = defaultdict(list)
    for case in cases:
        for covered in case.conditions:
            by_condition[covered].append(case)
    covered_count = sum(bool(by_condition[each.id]) for each in conditions)
    parts = [
        _PREAMBLE.format(cases=len(cases), covered=covered_count, conditions=len(conditions)),
    ]
    for command in sorted({each.command for each in conditions}):
        parts.append(f"## {command}\n\n| condition | what | cases |\n|---|---|---|")
        parts += [
            _row(each, by_condition[each.id]) for each in conditions if each.command == command
        ]
        parts.append("")
    return "\n".join(parts)


def _row(condition: Condition, cases: Sequence[Case]) -> str:
    covered_by = "<br>".join(f"{case.file.stem}: {case.name}" for case in cases)
    name = condition.id.removeprefix(f"{condition.command}.")
    cells = name, condition.text, covered_by or f"none: {condition.uncovered}"
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Print the page, or write it."""
    page = document(read_cases(), read_conditions())
    if "--write" in sys.argv[1:]:
        DOCUMENT.write_text(page)
    else:
        sys.stdout.write(page)


if __name__ == "__main__":
    main()
