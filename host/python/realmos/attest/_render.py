# SPDX-License-Identifier: BSD-3-Clause
"""A verdict for people (rich) and for programs (JSON). Each says what its anchor is worth."""

from typing import TYPE_CHECKING, Final

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from realmos.attest._verdict import Check, Verdict

_STYLES: Final = {"pass": "green", "fail": "bold red", "not checked": "dim"}
_SHORT: Final = 24
"""Characters of a value that are shown where nothing is wrong with it."""


def to_json(verdict: "Verdict") -> dict[str, object]:
    """Return the verdict as what `json` can write."""
    failure, token = verdict.first_failure, verdict.token
    return {
        "passed": verdict.passed,
        "anchor": verdict.anchor,
        "first_failure": None if failure is None else str(failure),
        "era": None if token is None else token.era.value,
        "checks": [_check_json(check) for check in verdict.checks],
    }


def _check_json(check: "Check") -> dict[str, object]:
    out: dict[str, object] = {"name": check.name, "status": check.status.value}
    texts = {"expected": check.expected, "found": check.found, "why": check.why}
    out |= {key: text for key, text in texts.items() if text}
    if check.children:
        out["children"] = [_check_json(child) for child in check.children]
    return out


def to_table(verdict: "Verdict") -> RenderableType:
    """Return a table of all checks, between the result with its worth, and the first failure."""
    word, style = ("pass", "green") if verdict.passed else ("fail", "bold red")
    head = Text.assemble(("verdict: ", "bold"), (word, style), f" ({verdict.anchor})")
    columns = (
        Column("check", no_wrap=True), Column("result", no_wrap=True),
        Column("expected", overflow="fold"), Column("found", overflow="fold"),
    )  # fmt: skip
    table = Table(*columns, box=None, pad_edge=False)
    for depth, check in _rows(verdict.checks):
        table.add_row(*_cells(depth, check))
    parts: list[RenderableType] = [head, table]
    if verdict.first_failure is not None:
        parts.append(Text(str(verdict.first_failure), style="bold red"))
    return Group(*parts)


def _rows(checks: "tuple[Check, ...]", depth: int = 0) -> "Iterator[tuple[int, Check]]":
    for check in checks:
        yield depth, check
        yield from _rows(check.children, depth + 1)


def _cells(depth: int, check: "Check") -> tuple[Text, ...]:
    status = check.status.value
    whole = status == "fail"
    found = check.found if check.found or not check.why else check.why
    return (
        Text("  " * depth + check.name),
        Text(status, style=_STYLES[status]),
        Text(_shown(check.expected, whole=whole)),
        Text(_shown(found, whole=whole)),
    )


def _shown(text: str, *, whole: bool) -> str:
    return text if whole or len(text) <= _SHORT else f"{text[:_SHORT]}…"
