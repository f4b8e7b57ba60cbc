# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta run --local` with the hello TA: unmodified clients, of arm64 and of this machine."""

import platform
from collections.abc import Callable
from pathlib import Path

import pytest
from realmos import cli, process
from realmos.cache import Cache
from realmos.progress import Silent
from realmos.source import find_cross_compiler
from realmos.tee import TaSource, build_ta, find_client_headers, find_dev_kit, find_optee_tests
from realmos.tee.libteec import build_libteec

pytestmark = pytest.mark.fetch

HELLO = "guest/optee/examples/hello"


@pytest.fixture(scope="module")
def cache(cache_path: Path) -> Cache:
    return Cache(cache_path)


@pytest.fixture(scope="module")
def hello(top: Path, cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hello TA's file."""
    out = tmp_path_factory.mktemp("hello")
    kit, compiler = find_dev_kit(cache, Silent()), find_cross_compiler()
    source = TaSource(top / HELLO / "ta")
    return build_ta(source, kit, compiler, out=out, cache=cache, reporter=Silent()).path


@pytest.fixture
def make_client(top: Path, cache: Cache, tmp_path: Path) -> Callable[[Path, str], Path]:
    """A function that makes the client, linked with a library, by the compiler of a prefix."""

    def make(library: Path, prefix: str) -> Path:
        export, out = tmp_path / "export", tmp_path / "out"
        (export / "lib").mkdir(parents=True)
        (export / "include").symlink_to(find_client_headers(cache, Silent()))
        (export / "lib" / "libteec.so").symlink_to(library)
        words = [f"CROSS_COMPILE={prefix}", f"TEEC_EXPORT={export}", f"O={out}"]
        process.run(["make", "-C", top / HELLO / "host", *words])
        return out / "hello"

    return make


def test_client_linked_with_debians_library_calls_the_ta(
    hello: Path,
    cache: Cache,
    make_client: Callable[[Path, str], Path],
    capfd: pytest.CaptureFixture[str],
) -> None:
    root = find_optee_tests(cache, Silent()).root
    library = root / "usr/lib/aarch64-linux-gnu/libteec.so.2"
    client = make_client(library, find_cross_compiler().prefix)
    assert cli.main(["ta", "run", "--local", str(hello), "--", str(client), "41", "Hi, you"]) == 0
    said = capfd.readouterr()
    assert said.out == "41 becomes 42\nHi, you becomes HI, YOU\n"
    assert "hello from a Trusted Application" in said.err
    assert "development key" in said.err


@pytest.mark.skipif(platform.machine() == "aarch64", reason="the test above is of this machine")
def test_client_of_this_machine_calls_the_ta(
    hello: Path,
    cache: Cache,
    make_client: Callable[[Path, str], Path],
    capfd: pytest.CaptureFixture[str],
) -> None:
    client = make_client(build_libteec(cache, Silent()).path, "")
    assert cli.main(["ta", "run", "--local", str(hello), "--", str(client)]) == 0
    assert "42 becomes 43\n" in capfd.readouterr().out


def test_failure_of_the_ta_is_the_clients_status(
    hello: Path,
    cache: Cache,
    make_client: Callable[[Path, str], Path],
    capfd: pytest.CaptureFixture[str],
) -> None:
    root = find_optee_tests(cache, Silent()).root
    library = root / "usr/lib/aarch64-linux-gnu/libteec.so.2"
    client = make_client(library, find_cross_compiler().prefix)
    last = str(2**32 - 1)
    assert cli.main(["ta", "run", "--local", str(hello), "--", str(client), last]) == 1
    assert "incrementing: result 0xffff300f, origin 4" in capfd.readouterr().err
