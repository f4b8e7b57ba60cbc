# SPDX-License-Identifier: BSD-3-Clause
"""What TAs and clients of OP-TEE find here: makes docs/compatibility.md of two data files.

python tests/ta/compatibility.py --write

A group works if the cases of xtest that try it pass in a realm; which do is in xtest.toml, which
the tests that run xtest hold true. Why a group differs, or is absent, is in compatibility.toml.
"""

import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xtest_report import Expected, read_expected

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parents[1] / "docs/compatibility.md"
EXPECTED = HERE / "xtest.toml"
SUITES = ("regression", "pkcs11")
_PREAMBLE = """<!-- SPDX-License-Identifier: BSD-3-Clause -->
<!-- Made by tests/ta/compatibility.py --write. -->
# What Trusted Applications and their clients find

Every group of functions of GlobalPlatform's interfaces and of OP-TEE 4.10's extensions, whether it
works here as in OP-TEE, and what shows that: cases of OP-TEE's own xtest, Debian's binary, in a
realm (with what they count as sub-cases), and tests of ours below `tests/`. What is not mentioned
under "differs" is meant to be as in OP-TEE; a TA that finds otherwise has found a bug.

{passing} of xtest's {cases} cases pass in a realm. {empty} test nothing: {why_empty}. {absent}
Of {groups} groups {works} work, {differs} differ,
and {missing} are absent.
"""


@dataclass(frozen=True)
class Group:
    """What TAs or clients can call, and what shows how it is.

    Attributes:
        name: for people.
        functions: in the words of the headers.
        cases: of xtest, with their suite's name.
        tests: of ours, by file and name.
        differs: from OP-TEE, and how.
        absent: why there is nothing.
    """

    name: str
    functions: tuple[str, ...]
    cases: tuple[str, ...]
    tests: tuple[tuple[str, str], ...]
    differs: str
    absent: str


@dataclass(frozen=True)
class Part:
    """Groups of one interface; `header` declares its functions."""

    title: str
    header: str
    groups: tuple[Group, ...]


def read_parts() -> tuple[Part, ...]:
    """Return all that there is to be compatible with."""
    tables = tomllib.loads((HERE / "compatibility.toml").read_text("utf-8"))["part"]
    return tuple(
        Part(each["title"], each.get("header", ""), tuple(map(_group, each["group"])))
        for each in tables
    )


def read_results() -> dict[str, Expected]:
    """Return how xtest's suites go in a realm."""
    return {suite: read_expected(EXPECTED, suite, realm=True) for suite in SUITES}


def _group(table: Mapping[str, str | list[str]]) -> Group:
    def words(name: str) -> tuple[str, ...]:
        return tuple(str(table.get(name, "")).split())

    return Group(
        name=str(table["name"]),
        functions=words("functions"),
        cases=tuple(f"{suite}_{case}" for suite, case in _pairs(table.get("cases", []))),
        tests=tuple(_pairs(table.get("tests", []))),
        differs=str(table.get("differs", "")),
        absent=str(table.get("absent", "")),
    )


def _pairs(lines: str | list[str]) -> Iterator[tuple[str, str]]:
    """Yield place and name: a line has several of each, as in `A: 1 2 B: 3`."""
    place = ""
    for word in " ".join(lines).split():
        if word.endswith(":"):
            place = word.removesuffix(":")
        else:
            yield place, word


def status(group: Group, results: Mapping[str, Expected]) -> str:
    """Return how a group is here.

    Raises:
        ValueError: what the data file says of it is not what xtest found.
    """
    passing = [case for case in group.cases if case in _passing(results)]
    if group.absent:
        if passing:
            raise ValueError(f"{group.name} is not absent: {', '.join(passing)} pass")
        return f"absent: {group.absent}"
    failing = [
        case for case in group.cases if any(case in suite.absent for suite in results.values())
    ]
    if failing:
        raise ValueError(f"{group.name} does not work: {', '.join(failing)} do not pass")
    if not passing and not group.tests:
        raise ValueError(f"nothing shows that {group.name} works")
    return f"differs: {group.differs}" if group.differs else "works"


def _not_passing(reasons: Sequence[str]) -> str:
    if not reasons:
        return "None fails."
    return f"{len(reasons)} do not pass: {'; '.join(dict.fromkeys(reasons))}."


def document(parts: Sequence[Part], results: Mapping[str, Expected]) -> str:
    """Return the page: a table for each interface.

    Raises:
        ValueError: the two data files contradict each other.
    """
    suites = results.values()
    groups = [group for part in parts for group in part.groups]
    kinds = Counter(status(group, results).partition(":")[0] for group in groups)
    passing = len(_passing(results))
    empty = [why for suite in suites for why in suite.empty.values()]
    absent = [why for suite in suites for why in suite.absent.values()]
    lines = [
        _PREAMBLE.format(
            passing=passing,
            cases=passing + len(empty) + len(absent),
            empty=len(empty),
            why_empty="; ".join(dict.fromkeys(empty)),
            absent=_not_passing(absent),
            groups=sum(kinds.values()),
            works=kinds["works"],
            differs=kinds["differs"],
            missing=kinds["absent"],
        )
    ]
    for part in parts:
        head = "| group | here | xtest, in a realm | tests of ours |\n|---|---|---|---|"
        lines.append(f"## {part.title}\n\n{head}")
        lines += [_row(group, results) for group in part.groups]
        lines.append("")
    return "\n".join(lines)


def _row(group: Group, results: Mapping[str, Expected]) -> str:
    what = group.name
    if group.functions:
        what += f"<br>{', '.join(f'`{name}`' for name in group.functions)}"
    parts = _passing(results)
    cases = ", ".join(
        f"{case} ({parts[case]})" if parts.get(case) else case
        for case in group.cases
        if case in parts
    )
    tests = "<br>".join(f"{place}: `{name}`" for place, name in group.tests)
    return f"| {what} | {status(group, results)} | {cases} | {tests} |"


def _passing(results: Mapping[str, Expected]) -> dict[str, int]:
    return {case: parts for suite in results.values() for case, parts in suite.passing.items()}


def declared(header: str) -> set[str]:
    """Return the functions that a header of OP-TEE's declares."""
    plain = re.sub(r"/\*.*?\*/|//[^\n]*|#[^\n]*", "", header, flags=re.DOTALL)
    return set(re.findall(r"\b((?:TEEC?|TA|tee)_\w+)\s*\([^;{}]*\)[^;{}]*;", plain))


def main() -> None:
    """Print the page, or write it."""
    try:
        page = document(read_parts(), read_results())
    except ValueError as error:
        sys.exit(f"compatibility.toml: {error}")
    if "--write" in sys.argv[1:]:
        DOCUMENT.write_text(page, "utf-8")
    else:
        sys.stdout.write(page)


if __name__ == "__main__":
    main()
