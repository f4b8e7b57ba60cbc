# SPDX-License-Identifier: BSD-3-Clause
"""THREATS.md names tests that exist, and a test for each guarantee."""

import re
from pathlib import Path

import pytest

SECTION = r"^## What the {0} holds up$(.*?)^## "
NAMED = re.compile(r"\b(\w+(?:/\w+)+): ((?:`\w+`(?:, )?)+)")
DEFINITION = r"\bCASE\({0},|\bTAP_CASE\({0}\)|^def {0}\("


@pytest.fixture(scope="module", params=["RMM", "TEE"])
def section(top: Path, request: pytest.FixtureRequest) -> str:
    pattern = re.compile(SECTION.format(request.param), re.DOTALL | re.MULTILINE)
    found = pattern.search((top / "THREATS.md").read_text("utf-8"))
    assert found
    return found[1]


def guarantees(section: str) -> list[list[str]]:
    """The cells of each row of tables of guarantees, those of the heads excepted."""
    tables = [table for table in section.split("\n\n") if table.startswith("| guarantee |")]
    return [line.strip("|").split("|") for table in tables for line in table.splitlines()[2:]]


def test_every_test_that_is_named_exists(section: str, top: Path) -> None:
    missing = []
    named = NAMED.findall(section)
    assert len(named) > 40
    for place, words in named:
        paths = [top / f"tests/{place}{suffix}" for suffix in (".c", ".py")]
        text = "\n".join(path.read_text("utf-8") for path in paths if path.is_file())
        missing += [
            f"{place}: {name}"
            for name in re.findall(r"\w+", words)
            if not re.search(DEFINITION.format(name), text, re.MULTILINE)
        ]
    assert not missing, "\n".join(missing)


def test_every_guarantee_is_attacked(section: str) -> None:
    rows = guarantees(section)
    assert len(rows) > 15
    assert [row[0] for row in rows if not NAMED.search(row[1])] == []


def test_every_name_is_looked_up(section: str) -> None:
    """A name whose file is missing, or is written otherwise, would go unseen."""
    looked_up = {name for _, words in NAMED.findall(section) for name in re.findall(r"\w+", words)}
    written = {name for row in guarantees(section) for name in re.findall(r"`(\w+)`", row[1])}
    assert written <= looked_up
