# SPDX-License-Identifier: BSD-3-Clause
"""The pytest plugin's fixtures for Trusted Applications, with the hello TA and without one."""

from pathlib import Path

import pytest
from realmos.cache import Cache
from realmos.errors import TeeResultError
from realmos.progress import Silent
from realmos.pytest_plugin import OpenSession
from realmos.source import find_cross_compiler
from realmos.tee import (
    INPUT,
    OUTPUT,
    Context,
    SharedMemory,
    TaSource,
    Value,
    build_ta,
    find_dev_kit,
)
from realmos_agent.tee import numbers

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.fetch

HELLO = "1d08b4ae-afde-4c31-aaf9-9e1ebcbe02ca"
INCREMENT, CAPITALS = range(2)


@pytest.fixture(scope="session")
def ta_files(top: Path, cache_path: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    cache, out = Cache(cache_path), tmp_path_factory.mktemp("hello")
    kit, compiler = find_dev_kit(cache, Silent()), find_cross_compiler()
    source = TaSource(top / "guest/optee/examples/hello/ta")
    return [build_ta(source, kit, compiler, out=out, cache=cache, reporter=Silent()).path]


def test_values_and_memory_go_to_the_ta_and_back(ta_session: OpenSession) -> None:
    session, number = ta_session(), Value(41)
    session.invoke(INCREMENT, number)
    assert number.a == 42
    text = SharedMemory(b"hello, ta")
    capitals = text.part(direction=OUTPUT)
    session.invoke(CAPITALS, text.part(direction=INPUT), capitals)
    assert capitals.data == b"HELLO, TA"


def test_results_of_the_ta_are_errors(tee: Context) -> None:
    with tee.open(HELLO) as session, pytest.raises(TeeResultError) as caught:
        session.invoke(INCREMENT, Value(0xFFFFFFFF))
    assert caught.value.result == numbers.ERROR_OVERFLOW
    assert caught.value.origin == numbers.ORIGIN_TRUSTED_APP


def test_sessions_are_opened_by_uuid_too(ta_session: OpenSession) -> None:
    assert ta_session(HELLO, login=numbers.LOGIN_USER).uuid == ta_session().uuid


def test_a_test_without_a_ta_is_told_how_to_name_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(ta_session):\n    ta_session()\n")
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*there are 0 TAs*", "*what to do*", "pytest --ta FILE.ta"])
