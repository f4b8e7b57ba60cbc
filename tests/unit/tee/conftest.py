# SPDX-License-Identifier: BSD-3-Clause
"""ELF objects that several tests load; they are compiled once."""

from collections.abc import Iterator

import pytest
from realmos_agent.tee.budget import Share
from ta_objects import MAIN, Maker, make_family
from taken_runner import MakeTaken, Taken


@pytest.fixture(scope="session")
def maker(tmp_path_factory: pytest.TempPathFactory, cross_compile: str) -> Maker:
    return Maker(tmp_path_factory.mktemp("objects"), cross_compile)


@pytest.fixture(scope="session")
def main_ta(maker: Maker) -> bytes:
    """A TA that needs no library."""
    return maker.ta(MAIN)


@pytest.fixture(scope="session")
def family(maker: Maker) -> dict[str, bytes]:
    """A TA with libraries: objects by the UUIDs they are named by."""
    return make_family(maker)


@pytest.fixture
def make_taken() -> Iterator[MakeTaken]:
    """Makes runners in the hands of the test."""
    made: list[Taken] = []

    def make(large: Share | None) -> Taken:
        made.append(Taken(large))
        return made[-1]

    yield make
    for process in made:
        process.end.close()
        process.runner.close()


@pytest.fixture
def taken(make_taken: MakeTaken) -> Taken:
    """A runner in the hands of the test."""
    return make_taken(None)
