# SPDX-License-Identifier: BSD-3-Clause
"""docs/compatibility.md is what the data files make, and these leave nothing out."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from compatibility import (
    DOCUMENT,
    Group,
    Part,
    declared,
    document,
    read_parts,
    read_results,
    status,
)
from realmos.cache import Cache
from realmos.progress import Silent
from realmos.tee import find_client_headers, find_dev_kit
from xtest_report import Expected

WORKS = Group("a group", (), ("s_1",), (), "", "")
RESULTS = {"s": Expected({"s_1": 3, "s_2": 0}, {"s_3": "empty"}, {"s_4": "no"})}


@pytest.fixture(scope="module")
def parts() -> tuple[Part, ...]:
    return read_parts()


def test_page_is_what_the_data_files_make(parts: tuple[Part, ...]) -> None:
    assert DOCUMENT.read_text("utf-8") == document(parts, read_results()), (
        "run python tests/ta/compatibility.py --write"
    )


def test_every_case_of_xtest_is_in_a_group(parts: tuple[Part, ...]) -> None:
    named = {case for part in parts for group in part.groups for case in group.cases}
    known = {
        case
        for suite in read_results().values()
        for table in (suite.passing, suite.empty, suite.absent)
        for case in table
    }
    assert named == known


def test_tests_that_are_named_exist(parts: tuple[Part, ...], top: Path) -> None:
    missing = [
        f"{place}: {name}"
        for part in parts
        for group in part.groups
        for place, name in group.tests
        if f"def {name}(" not in (top / f"tests/{place}.py").read_text("utf-8")
    ]
    assert missing == []


def test_no_function_is_in_two_groups(parts: tuple[Part, ...]) -> None:
    count = Counter(name for part in parts for group in part.groups for name in group.functions)
    assert [name for name, times in count.items() if times > 1] == []


@pytest.mark.fetch
def test_no_function_of_optees_headers_is_left_out(
    parts: tuple[Part, ...], cache_path: Path
) -> None:
    cache = Cache(cache_path)
    places = (find_dev_kit(cache, Silent()).path / "include", find_client_headers(cache, Silent()))
    for part in parts:
        if not part.header:
            continue
        (path,) = (place / part.header for place in places if (place / part.header).is_file())
        functions = {name for group in part.groups for name in group.functions}
        assert functions == declared(path.read_text("utf-8")), part.header


def test_group_works_when_its_cases_pass() -> None:
    assert status(WORKS, RESULTS) == "works"
    assert status(replace(WORKS, differs="by a hair"), RESULTS) == "differs: by a hair"
    assert status(replace(WORKS, cases=("s_4",), absent="no"), RESULTS) == "absent: no"


@pytest.mark.parametrize(
    ("group", "problem"),
    [
        (replace(WORKS, cases=("s_1", "s_4")), "does not work: s_4"),
        (replace(WORKS, absent="no"), "is not absent: s_1 pass"),
        (replace(WORKS, cases=("s_3",)), "nothing shows"),
        (replace(WORKS, cases=()), "nothing shows"),
    ],
)
def test_what_xtest_does_not_bear_out_is_refused(group: Group, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        status(group, RESULTS)


def test_page_counts_what_passes() -> None:
    page = document([Part("Some", "", (WORKS,))], RESULTS)
    assert (
        "2 of xtest's 4 cases pass in a realm. 1 test nothing: empty. 1 do not pass: no.\n" in page
    )
    assert "| a group | works | s_1 (3) |  |" in page


def test_functions_are_found_in_headers() -> None:
    header = "/* TEE_No(void); */\nTEE_Result TEE_One(int a,\n\tint b);\n#define TEE_TWO(x) (x)\n"
    assert declared(f"{header}void tee_three(void) __attr(1);\n") == {"TEE_One", "tee_three"}
