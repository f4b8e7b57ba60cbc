# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures: the example TAs, built with the dev kit, and their clients."""

from collections.abc import Callable
from pathlib import Path

import pytest
from realmos import process
from realmos.cache import Cache
from realmos.progress import Silent
from realmos.source import find_cross_compiler
from realmos.tee import (
    ClientSource,
    TaSource,
    build_client,
    build_ta,
    find_client_headers,
    find_dev_kit,
    find_optee_tests,
)
from realmos.tee.libteec import build_architecture

Build = Callable[[str], Path]


@pytest.fixture(scope="session")
def cache(cache_path: Path) -> Cache:
    return Cache(cache_path)


@pytest.fixture(scope="session")
def build(top: Path, cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A function that builds an example's TA."""
    kit, compiler = find_dev_kit(cache, Silent()), find_cross_compiler()

    def make(name: str) -> Path:
        out = tmp_path_factory.mktemp(name)
        source = TaSource(top / "guest/optee/examples" / name / "ta")
        return build_ta(source, kit, compiler, out=out, cache=cache, reporter=Silent()).path

    return make


@pytest.fixture
def make_debians(top: Path, cache: Cache, tmp_path: Path) -> Build:
    """A function that makes an example's client for arm64, linked with Debian's library."""
    root = find_optee_tests(cache, Silent()).root
    library = root / "usr/lib/aarch64-linux-gnu/libteec.so.2"

    def make(name: str) -> Path:
        export, out = tmp_path / "export", tmp_path / "out"
        (export / "lib").mkdir(parents=True)
        (export / "include").symlink_to(find_client_headers(cache, Silent()))
        (export / "lib" / "libteec.so").symlink_to(library)
        prefix = find_cross_compiler().prefix
        words = [f"CROSS_COMPILE={prefix}", f"TEEC_EXPORT={export}", f"O={out}"]
        process.run(["make", "-C", top / "guest/optee/examples" / name / "host", *words])
        return out / name

    return make


@pytest.fixture
def arm64_hello(make_debians: Build) -> Path:
    """The hello TA's client for arm64, linked with Debian's library."""
    return make_debians("hello")


@pytest.fixture
def make_own(top: Path, cache: Cache, tmp_path: Path) -> Callable[..., Path]:
    """A function that makes an example's client, for this machine or another, with our library."""

    def make(name: str, architecture: str = build_architecture()) -> Path:
        source = ClientSource(top / "guest/optee/examples" / name / "host", architecture)
        out = tmp_path / architecture
        (program,) = build_client(source, out=out, cache=cache, reporter=Silent())
        return program

    return make
