# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta run --local` with our example TAs, called by clients of arm64 and of this machine."""

import platform
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from realmos import cli

pytest_plugins = ["ta_examples"]
pytestmark = pytest.mark.fetch

Build = Callable[[str], Path]


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


def test_counter_goes_on_in_another_tee_if_it_is_kept(
    build: Build, make_own: Build, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    client, store = make_own("counter"), tmp_path / "store"
    words = ["--storage", str(store), str(build("counter")), "--", str(client)]
    for number in ("1", "2"):
        assert cli.main(["ta", "run", "--local", *words]) == 0
        said = capfd.readouterr()
        assert said.out.split() == [number]
        assert "under a key that everybody has" in said.err
    held = {file.name: file.read_bytes() for file in store.iterdir()}
    assert "index" in held
    damaged = store / "index"
    damaged.write_bytes(held["index"][:-1] + bytes([held["index"][-1] ^ 1]))
    assert cli.main(["ta", "run", "--local", *words]) != 0
    assert "the index was not sealed under this store's key" in capfd.readouterr().err
    assert {file.name for file in store.iterdir()} == held.keys()


def test_a_directory_of_something_else_is_not_touched(
    build: Build, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes").write_text("mine")
    words = ["--storage", str(tmp_path), str(build("counter")), "--", "true"]
    assert cli.main(["ta", "run", "--local", *words]) == 1
    assert "is no store of objects, and not empty" in capfd.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["notes"]


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


def test_signer_gets_no_token_where_there_is_no_realm(
    build: Build, make_own: Build, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [str(build("signer")), "--", str(make_own("signer")), "attest", "2a"]
    assert cli.main(["ta", "run", "--local", *words]) == 1
    said = capfd.readouterr().err
    assert "getting a token: result 0xffff000a" in said
    assert "edb617fa-9fed-4d89-825b-716277701d5b gets no token: " in said
