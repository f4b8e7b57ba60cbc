# SPDX-License-Identifier: BSD-3-Clause
"""What OP-TEE's xtest printed, case by case; what it calls OK may have tested nothing.

xtest calls a case OK when a TA that it needs is not there, and when its storage tests cannot even
begin, or find no storage to test. Such a case is empty here, whatever was printed.
"""

import re
import tomllib
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

_BEGIN = re.compile(r"^\* (?P<name>\w+?_\w+)(?: |$)")
_PART = re.compile(r"^o (?P<name>\w+?_\w+)\.\d+ ")
_END = re.compile(r"^  (?P<name>\w+?_\w+) (?P<verdict>OK|FAILED)$")
_NOTHING = re.compile(r"skip tests?|skipping|^Ignore test|^init_storage_info\(\) failed")
# Storage cases have a sub-case for each storage that there is.
_OF_STORAGE = re.compile(r"^regression_6\d{3}$")
_Value = TypeVar("_Value")
_SUMMARY = re.compile(r"^Result of testsuite ")


@dataclass(frozen=True)
class Case:
    """How a test case went.

    Attributes:
        verdict: `OK`, `FAILED`, or empty when xtest ended before it did.
        parts: sub-cases that have a name of their own.
        nothing: why xtest left the case, or parts of it, out.
    """

    verdict: str = ""
    parts: int = 0
    nothing: str = ""

    def passed(self, parts: int) -> bool:
        """Return whether it passed for real, with at least so many sub-cases."""
        left_out = self.nothing and not parts
        return self.verdict == "OK" and self.parts >= parts and not left_out


@dataclass(frozen=True)
class Expected:
    """The data file: what passes, with its sub-cases, and what does not, with the reason."""

    passing: Mapping[str, int]
    empty: Mapping[str, str]
    absent: Mapping[str, str]

    def only(self, names: Container[str]) -> "Expected":
        """Return what is expected of some cases."""

        def some(table: Mapping[str, _Value]) -> Mapping[str, _Value]:
            return {name: value for name, value in table.items() if name in names}

        return Expected(some(self.passing), some(self.empty), some(self.absent))


def read_expected(path: Path, suite: str, *, realm: bool = False) -> Expected:
    """Return what is expected of a suite, on this machine or in a realm."""
    tables = tomllib.loads(path.read_text("utf-8"))[suite]
    named = {kind: {f"{suite}_{name}": value for name, value in table.items()}
             for kind, table in tables.items()}  # fmt: skip
    more = named["realm"] if realm else {}
    absent = {name: why for name, why in named["absent"].items() if name not in more}
    return Expected(named["pass"] | more, named["empty"], absent)


def read_cases(text: str) -> dict[str, Case]:
    """Return every case that xtest began, by its name."""
    found: dict[str, Case] = {}
    current = ""
    for line in text.splitlines():
        if match := _BEGIN.match(line):
            current = match["name"]
            found[current] = Case()
        elif match := _PART.match(line):
            case = found[match["name"]]
            found[match["name"]] = replace(case, parts=case.parts + 1)
        elif match := _END.match(line):
            found[match["name"]] = replace(found[match["name"]], verdict=match["verdict"])
        elif _SUMMARY.match(line):
            break
        elif current and _NOTHING.search(line):
            found[current] = replace(found[current], nothing=line.strip())
    return _without_storage(found)


def _without_storage(cases: dict[str, Case]) -> dict[str, Case]:
    """Call storage cases empty if none of them had a storage to test."""
    storage = {name: case for name, case in cases.items() if _OF_STORAGE.match(name)}
    if any(case.parts for case in storage.values()):
        return cases
    empty = {name: replace(case, nothing="no storage") for name, case in storage.items()}
    return cases | empty


def differences(cases: Mapping[str, Case], expected: Expected) -> list[str]:
    """Return what is not as the data file says, a line each; both ways, so that it stays true."""
    wrong = [
        f"{name} stopped passing with {parts} sub-cases: {cases.get(name, Case())}"
        for name, parts in expected.passing.items()
        if not cases.get(name, Case()).passed(parts)
    ]
    wrong += [
        f"{name} is no longer empty: {cases[name]}"
        for name in expected.empty
        if name in cases and not (cases[name].verdict == "OK" and cases[name].nothing)
    ]
    wrong += [
        f"{name} passes now, as it should; the data file says not: {cases[name]}"
        for name in expected.absent
        if name in cases and cases[name].verdict == "OK" and not cases[name].nothing
    ]
    known = expected.passing.keys() | expected.empty.keys() | expected.absent.keys()
    wrong += [f"{name} is not in the data file" for name in cases if name not in known]
    wrong += [f"{name} did not run" for name in known if name not in cases]
    return sorted(wrong)
