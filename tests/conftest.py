# SPDX-License-Identifier: BSD-3-Clause
"""The three tiers of tests, and the paths that tests share.

`--units` runs units and checks of the sources, without QEMU or network. The default adds what boots
machines in QEMU or builds from sources that are downloaded, and is what CI runs. `--all` adds what
is marked `exhaustive`.
"""

import platform
from collections.abc import Sequence
from pathlib import Path

import pytest
from realmos.anchor import data_dir
from realmos.cache import Cache
from realmos.firmware.mbedtls import find_mbedtls
from realmos.progress import Silent
from realmos_abi.__main__ import main as write_headers

_MACHINE_FIXTURES = {"realm", "realm_machine", "realm_factory"}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tiers", "tiers of tests")
    group.addoption("--units", action="store_true", help="only what needs no QEMU")
    group.addoption("--all", action="store_true", help="the exhaustive tests too")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--units") and config.getoption("--all"):
        raise pytest.UsageError("--units and --all exclude each other")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out: set[str] = set()
    if config.getoption("--units"):
        left_out = {"qemu", "fetch", "exhaustive"}
    elif not config.getoption("--all"):
        left_out = {"exhaustive"}
    for item in items:
        if not _MACHINE_FIXTURES.isdisjoint(_fixtures(item)):
            item.add_marker(pytest.mark.qemu)
    dropped = [item for item in items if _marks(item) & left_out]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if not _marks(item) & left_out]


def _fixtures(item: pytest.Item) -> Sequence[str]:
    names: Sequence[str] = getattr(item, "fixturenames", ())
    return names


def _marks(item: pytest.Item) -> set[str]:
    return {mark.name for mark in item.iter_markers()}


@pytest.fixture(scope="session")
def top() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the C headers of all ABI tables, as abi/*.h."""
    out = tmp_path_factory.mktemp("generated")
    write_headers(out)
    return out


@pytest.fixture(scope="session")
def mbedtls_path() -> Path:
    """mbedTLS's source. What uses it is marked `fetch`: with a cold cache it is downloaded."""
    return find_mbedtls(Cache(), Silent()).path


@pytest.fixture(scope="session")
def cross_compile() -> str:
    """The prefix of the compiler for arm64; empty where that is the machine's own."""
    return "" if platform.machine() == "aarch64" else "aarch64-linux-gnu-"


@pytest.fixture(scope="session")
def cache_path() -> Path:
    """The user's cache, looked up while HOME is the user's: pytester changes that."""
    return Cache().path


@pytest.fixture(scope="session")
def data_path() -> Path:
    """Where the user's anchor is; as above."""
    return data_dir()
