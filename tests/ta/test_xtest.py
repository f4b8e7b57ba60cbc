# SPDX-License-Identifier: BSD-3-Clause
"""OP-TEE's own tests, unmodified, against the TEE core: what passed goes on passing."""

import contextlib
from pathlib import Path

import pytest
from realmos import process
from realmos.cache import Cache
from realmos.errors import ToolError
from realmos.progress import Silent
from realmos.tee import find_optee_tests
from realmos.tee.local import find_applications, find_client, local_tee
from xtest_report import Case, Expected, differences, read_cases, read_expected

EXPECTED = Path(__file__).parent / "xtest.toml"
OUTPUT = """\
Run test suite with level=0
* regression_1001 Core self tests
 - 1001 -   skip test, pseudo TA not found
  regression_1001 OK
* regression_1004 Test User Crypt TA
o regression_1004.1 AES encrypt
  regression_1004.1 OK
o regression_1004.2 AES decrypt
x.c:1: res has an unexpected value
  regression_1004.2 OK
  regression_1004 OK
* regression_1005 Many sessions
  regression_1005 OK
* regression_1025 Test memref NULL
o regression_1025.1 Invalid NULL buffer
  regression_1025.1 OK
 - 1025 -   skip test, pseudo TA not found
  regression_1025 OK
* regression_6001 Test TEE_CreatePersistentObject
init_storage_info() failed
  regression_6001 OK
* regression_8002 Secure Storage Key Manager
Ignore test due to TA does not exist
  regression_8002 OK
* regression_2001 Sockets
  regression_2001 FAILED
* regression_4003 Ciphers
o regression_4003.1 Cipher case 0
+-----
Result of testsuite regression:
regression_4003 OK
"""


def test_report_tells_what_was_tested_from_what_was_called_ok() -> None:
    cases = read_cases(OUTPUT)
    assert cases["regression_1004"] == Case("OK", 2)
    assert cases["regression_1004"].passed(2)
    assert not cases["regression_1004"].passed(3)
    assert cases["regression_1005"].passed(0)
    assert cases["regression_1025"].passed(1)
    empty = [name for name, case in cases.items() if case.verdict == "OK" and not case.passed(0)]
    assert empty == [f"regression_{n}" for n in ("1001", "1025", "6001", "8002")]
    assert cases["regression_2001"].verdict == "FAILED"
    assert cases["regression_4003"] == Case("", 1)


def test_storage_cases_are_empty_when_no_storage_was_there() -> None:
    begun = (
        "* regression_6001 a\n{}  regression_6001 OK\n* regression_6019 b\n  regression_6019 OK\n"
    )
    without, with_one = (
        read_cases(begun.format(text))
        for text in ("", "o regression_6001.1 Storage id: 00000001\n")
    )
    assert [case.passed(0) for case in without.values()] == [False, False]
    assert with_one["regression_6001"].passed(1)
    assert with_one["regression_6019"].passed(0)


def test_differences_are_told_both_ways() -> None:
    cases = {
        "s_1": Case("OK", 2), "s_2": Case("OK", 1), "s_3": Case("OK"), "s_4": Case("OK"),
        "s_5": Case("FAILED"), "s_6": Case("OK", 0, "skip test"), "s_7": Case("OK"),
    }  # fmt: skip
    expected = Expected(
        {"s_1": 2, "s_2": 2, "s_9": 0}, {"s_3": "", "s_6": ""}, {"s_4": "", "s_5": ""}
    )
    told = differences(cases, expected)
    assert [line.split(": Case")[0] for line in told] == [
        "s_2 stopped passing with 2 sub-cases",
        "s_3 is no longer empty",
        "s_4 passes now, as it should; the data file says not",
        "s_7 is not in the data file",
        "s_9 did not run",
        "s_9 stopped passing with 0 sub-cases",
    ]


@pytest.mark.parametrize(("suite", "count"), [("regression", 112), ("pkcs11", 31)])
def test_every_case_has_one_line_in_the_data_file(suite: str, count: int) -> None:
    expected = read_expected(EXPECTED, suite)
    names = [*expected.passing, *expected.empty, *expected.absent]
    assert len(names) == len(set(names)) == count


@pytest.mark.fetch
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("suite", ["regression", "pkcs11"])
def test_suite_goes_as_the_data_file_says(suite: str, cache_path: Path, tmp_path: Path) -> None:
    cache, log = Cache(cache_path), tmp_path / "xtest.log"
    tests = find_optee_tests(cache, Silent())
    applications = find_applications(tests.applications, None)
    words = [str(tests.xtest), "-l", "0", "-t", suite]
    with local_tee(
        applications, None, cache=cache, reporter=Silent(), sockets=True, plugins=tests.plugins
    ) as tee:
        client = find_client(words, tee, cache=cache, reporter=Silent())
        env = process.base_env(**client.environment)
        with contextlib.suppress(ToolError):  # its status is the number of cases that failed
            process.run(client.argv, env=env, log=log)
    cases = read_cases(log.read_text("utf-8", "replace"))
    assert differences(cases, read_expected(EXPECTED, suite)) == []
