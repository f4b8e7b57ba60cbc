# SPDX-License-Identifier: BSD-3-Clause
"""Hostile ELF objects: whatever is changed in one, it is refused or does no harm."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import pytest
from elf_changes import Change, Loaded, changed, changes
from elf_maker import CODE, DATA, RET, Object
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realmos.cache import Cache
from realmos.progress import Silent
from realmos.source import find_cross_compiler
from realmos.tee import TaSource, build_ta, find_dev_kit, find_optee_tests
from realmos_agent.tee.loader import LoadError
from realmos_agent.tee.loader.container import read
from realmos_agent.tee.loader.elf_numbers import R_AARCH64_RELATIVE
from ta_files import LIBRARY, OTHER, PLUGIN, TA
from ta_objects import MAIN, TLS, Maker

LINKED = UUID("5b9e0e40-2636-11e1-ad9e-0002a5d5c51b")
NEEDED = UUID("ffd2bded-ab7d-4988-95ee-e4962fff7154"), UUID("b3091a65-9751-4784-abf7-0298a7cc35ba")
Objects = Mapping[UUID, bytes]

BY_HAND = Object(
    words=(0xD2800028, 0xD4000001, RET, RET),
    names=f"{OTHER}\0function\0".encode(),
    needed=[0],
    symbols=[(37, CODE)],
    relocations=[(DATA + 4096, R_AARCH64_RELATIVE, 0, CODE), (DATA + 4104, 0x401, 2, 0)],
    zeros=1,
)


@pytest.fixture(scope="session")
def worlds(maker: Maker, main_ta: bytes, family: dict[str, bytes]) -> list[Objects]:
    """TAs with what they need, of all kinds that the dev kit makes and one that it does not."""
    marked = ("-mbranch-protection=bti", "-Wl,-z,force-bti")
    return [
        {TA: main_ta},
        {TA: maker.ta(MAIN, *marked, name="marked")},
        {TA: maker.ta(TLS, "-mtls-dialect=trad", "-ftls-model=initial-exec", name="local")},
        {uuid: family[str(uuid)] for uuid in (TA, LIBRARY, OTHER, PLUGIN)},
        {TA: BY_HAND.made(), OTHER: Object(uuid=OTHER).made()},
    ]


def attempt(objects: Objects) -> bool:
    """Load a TA and open a library; return whether the TA was loaded."""
    try:
        loaded = Loaded(objects, next(iter(objects)))
    except LoadError:
        return False
    with contextlib.suppress(LoadError):
        loaded.open_library(PLUGIN)
    return True


def test_what_is_not_changed_is_loaded(worlds: list[Objects]) -> None:
    for objects in worlds:
        loaded = Loaded(objects, TA)
        assert len(loaded.placed.objects) == min(len(objects), 3)
        if PLUGIN in objects:
            loaded.open_library(PLUGIN)
            assert [each.uuid for each in loaded.placed.objects] == [TA, LIBRARY, OTHER, PLUGIN]


def test_changes_reach_everything(worlds: list[Objects]) -> None:
    """The fields that are changed are those of the tables: most changes matter."""
    for name in ("header", "program", "section", "dynamic", "symbol", "relocation", "head"):
        results = {
            attempt({**objects, TA: changed(objects[TA], [Change(name, index, value)])})
            for objects in worlds
            for index in range(0, 60, 5)
            for value in (1 << 63, 7)
        }
        assert results == {False, True}, name


def run(worlds: list[Objects], many: int, *, random: bool) -> None:
    @settings(
        max_examples=many,
        deadline=None,
        derandomize=not random,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, len(worlds) - 1), st.integers(0, 3), changes())
    def check(world: int, which: int, how: list[Change]) -> None:
        objects = dict(worlds[world])
        uuid = list(objects)[which % len(objects)]
        objects[uuid] = changed(objects[uuid], how)
        attempt(objects)

    check()


def test_changed_objects_are_refused_or_harmless(worlds: list[Objects]) -> None:
    run(worlds, 600, random=False)


@pytest.fixture(scope="session")
def stock(top: Path, cache_path: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Objects]:
    """TAs of OP-TEE's dev kit: an example of ours, and one of Debian's with its library."""
    cache, reporter, out = Cache(cache_path), Silent(), tmp_path_factory.mktemp("hello")
    source = TaSource(top / "guest/optee/examples/hello/ta")
    kit, compiler = find_dev_kit(cache, reporter), find_cross_compiler()
    hello = build_ta(source, kit, compiler, out=out, cache=cache, reporter=reporter).path
    files = {UUID(path.stem): path for path in find_optee_tests(cache, reporter).applications}
    return [
        {UUID(hello.stem): read(hello.read_bytes()).payload},
        {uuid: read(files[uuid].read_bytes()).payload for uuid in (LINKED, *NEEDED)},
    ]


@pytest.mark.fetch
def test_changed_stock_tas_are_refused_or_harmless(stock: list[Objects]) -> None:
    assert all(attempt(objects) for objects in stock)
    run(stock, 100, random=False)


@pytest.mark.fetch
@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
def test_many_changed_stock_tas_are_refused_or_harmless(stock: list[Objects]) -> None:
    run(stock, 10_000, random=True)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
def test_many_changed_objects_are_refused_or_harmless(worlds: list[Objects]) -> None:
    run(worlds, 20_000, random=True)
