# SPDX-License-Identifier: BSD-3-Clause
"""ELF objects that several tests load; they are compiled once."""

import pytest
from ta_objects import MAIN, Maker, make_family


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
