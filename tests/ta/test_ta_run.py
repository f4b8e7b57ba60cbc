# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta run --local` with our example TAs, called by clients of arm64 and of this machine."""

import platform
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from realmos import cli, process
from realmos.cache import Cache
from realmos.progress import Silent
from realmos.source import find_cross_compiler
from realmos.tee import TaSource, build_ta, find_client_headers, find_dev_kit, find_optee_tests
from realmos.tee.libteec import build_libteec

pytestmark = pytest.mark.fetch

Build = Callable[[str], Path]
MakeClient = Callable[[str, Path, str], Path]


@pytest.fixture(scope="module")
def cache(cache_path: Path) -> Cache:
    return Cache(cache_path)


@pytest.fixture(scope="module")
def build(top: Path, cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A function that builds an example's TA."""
    kit, compiler = find_dev_kit(cache, Silent()), find_cross_compiler()

    def make(name: str) -> Path:
        out = tmp_path_factory.mktemp(name)
        source = TaSource(top / "guest/optee/examples" / name / "ta")
        return build_ta(source, kit, compiler, out=out, cache=cache, reporter=Silent()).path

    return make


@pytest.fixture
def make_client(top: Path, cache: Cache, tmp_path: Path) -> MakeClient:
    """A function that makes an example's client, linked with a library, by a prefix's compiler."""

    def make(name: str, library: Path, prefix: str) -> Path:
        export, out = tmp_path / "export", tmp_path / "out"
        (export / "lib").mkdir(parents=True)
        (export / "include").symlink_to(find_client_headers(cache, Silent()))
        (export / "lib" / "libteec.so").symlink_to(library)
        words = [f"CROSS_COMPILE={prefix}", f"TEEC_EXPORT={export}", f"O={out}"]
        process.run(["make", "-C", top / "guest/optee/examples" / name / "host", *words])
        return out / name

    return make


@pytest.fixture
def arm64_hello(cache: Cache, make_client: MakeClient) -> Path:
    """The hello TA's client for arm64, linked with Debian's library."""
    root = find_optee_tests(cache, Silent()).root
    library = root / "usr/lib/aarch64-linux-gnu/libteec.so.2"
    return make_client("hello", library, find_cross_compiler().prefix)


@pytest.fixture
def make_own(cache: Cache, make_client: MakeClient) -> Build:
    """A function that makes an example's client for this machine, linked with our library."""
    return lambda name: make_client(name, build_libteec(cache, Silent()).path, "")


def test_client_linked_with_debians_library_calls_the_ta(
    build: Build, arm64_hello: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [str(build("hello")), "--", str(arm64_hello), "41", "Hi, you"]
    assert cli.main(["ta", "run", "--local", *words]) == 0
    said = capfd.readouterr()
    assert said.out == "41 becomes 42\nHi, you becomes HI, YOU\n"
    assert "hello from a Trusted Application" in said.err
    assert "development key" in said.err


@pytest.mark.skipif(platform.machine() == "aarch64", reason="the test above is of this machine")
def test_client_of_this_machine_calls_the_ta(
    build: Build, make_own: Build, capfd: pytest.CaptureFixture[str]
) -> None:
    assert (
        cli.main(["ta", "run", "--local", str(build("hello")), "--", str(make_own("hello"))]) == 0
    )
    assert "42 becomes 43\n" in capfd.readouterr().out


def test_failure_of_the_ta_is_the_clients_status(
    build: Build, arm64_hello: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [str(build("hello")), "--", str(arm64_hello), str(2**32 - 1)]
    assert cli.main(["ta", "run", "--local", *words]) == 1
    assert "incrementing: result 0xffff300f, origin 4" in capfd.readouterr().err


def test_counter_goes_on_in_another_session(
    build: Build, make_own: Build, capfd: pytest.CaptureFixture[str]
) -> None:
    client = make_own("counter")
    script = f"{client} read; {client}; {client}; {client} read"
    words = [str(build("counter")), "--", "sh", "-c", script]
    assert cli.main(["ta", "run", "--local", *words]) == 0
    assert capfd.readouterr().out.split() == ["0", "1", "2", "2"]


def test_signer_signs_with_one_key(
    build: Build, make_own: Build, capfd: pytest.CaptureFixture[str]
) -> None:
    client = make_own("signer")
    script = f"{client} key; printf message | {client} sign -; {client} key"
    words = [str(build("signer")), "--", "sh", "-c", script]
    assert cli.main(["ta", "run", "--local", *words]) == 0
    key, signature, again = map(bytes.fromhex, capfd.readouterr().out.split())
    assert key == again
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
    r, s = (int.from_bytes(signature[at : at + 32]) for at in (0, 32))
    public.verify(encode_dss_signature(r, s), b"message", ec.ECDSA(hashes.SHA256()))
