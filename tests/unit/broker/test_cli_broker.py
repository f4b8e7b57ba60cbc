# SPDX-License-Identifier: BSD-3-Clause
"""`realmos broker`, as a user has it: what is kept, what is shown, and what never is."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from realmos.broker import Address, KeyFile, Passphrase, Store
from realmos.cli import main

VALUE = "a secret of the owner's"
NEW_RIM = b"\x99" * 32
PATIENCE = 30.0

MakePolicy = Callable[..., str]
Realmos = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "broker"


@pytest.fixture
def realmos(folder: Path) -> Realmos:
    """Return a function that runs `realmos broker` on a store."""

    def run(kind: str, *words: str | Path) -> int:
        return main(["broker", kind, "--store", str(folder), *map(str, words)])

    return run


@pytest.fixture
def policy(tmp_path: Path, policy_text: str) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(policy_text, "utf-8")
    return path


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(VALUE, "utf-8")
    return path


def owner_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def kept(folder: Path) -> Store:
    return Store(folder, KeyFile(folder / "key"))


def test_secret_is_kept_shown_by_name_alone_and_forgotten(
    realmos: Realmos, folder: Path, policy: Path, secret: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert realmos("add", "name", "--policy", policy, "--from", secret) == 0
    assert kept(folder).read().secrets["name"].value == VALUE.encode()
    assert realmos("list") == 0
    assert realmos("list", "--json") == 0
    said = "".join(capsys.readouterr())
    assert "name" in said
    assert VALUE not in said
    assert realmos("remove", "name") == 0
    assert realmos("remove", "name") == 1
    assert "there is no secret 'name'" in capsys.readouterr().err


def test_secret_comes_in_byte_for_byte(
    realmos: Realmos, folder: Path, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"\xff\0line\n"))
    monkeypatch.setattr(sys, "stdin", stream)
    assert realmos("add", "name", "--policy", policy) == 0
    assert kept(folder).read().secrets["name"].value == b"\xff\0line\n"


def test_secret_is_replaced_only_on_request(
    realmos: Realmos, policy: Path, secret: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("add", "name", "--policy", policy, "--from", secret)
    assert realmos(*words) == 0
    assert realmos(*words) == 1
    assert "--replace" in capsys.readouterr().err
    assert realmos(*words, "--replace") == 0


def test_policy_that_leaves_the_program_open_is_pointed_out(
    realmos: Realmos, policy: Path, secret: Path, make_policy: MakePolicy,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    policy.write_text(make_policy(rem1=None), "utf-8")
    assert realmos("add", "name", "--policy", policy, "--from", secret) == 0
    assert "says nothing of REM 1" in capsys.readouterr().err


@pytest.mark.parametrize("size", [0, 0xF001])
def test_secret_of_no_size_or_too_large_is_refused(
    realmos: Realmos, policy: Path, secret: Path, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    secret.write_bytes(bytes(size))
    assert realmos("add", "name", "--policy", policy, "--from", secret) == 1
    assert "a secret has 1 to 61440 bytes" in capsys.readouterr().err


def test_files_that_are_not_there_are_named(
    realmos: Realmos, tmp_path: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    none = tmp_path / "none"
    assert realmos("add", "name", "--policy", none) == 1
    assert f"the policy {none} cannot be read" in " ".join(capsys.readouterr().err.split())
    assert realmos("add", "name", "--policy", policy, "--from", none) == 1
    assert realmos("list") == 1
    assert "no store of a broker" in capsys.readouterr().err


def test_passphrase_locks_the_store(
    realmos: Realmos, tmp_path: Path, folder: Path, policy: Path, secret: Path
) -> None:
    words = tmp_path / "passphrase"
    words.write_text("four words or so\n", "utf-8")
    lock = ("--passphrase-file", words)
    assert realmos("add", "name", "--policy", policy, "--from", secret, *lock) == 0
    assert not (folder / "key").exists()
    assert realmos("list") == 1
    assert Store(folder, Passphrase(b"four words or so")).read().secrets.keys() == {"name"}


def test_a_brokers_key_is_there_before_anything_that_it_keeps(
    realmos: Realmos, policy: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For a program, or a TEE, whose measurements take the key, and so its policy, too."""
    keys, told = [], []
    for _ in range(2):
        assert realmos("key") == 0
        out, err = capsys.readouterr()
        keys.append(out)
        told.append(err)
    assert told == [f"made a new broker in {folder}, for there was none\n", ""]
    assert realmos("identity", "ledger", "--policy", policy) == 0
    capsys.readouterr()
    assert realmos("key") == 0
    assert [*keys, capsys.readouterr().out] == [keys[0]] * 3


def test_identity_passes_on_by_its_owners_signature(
    realmos: Realmos,
    folder: Path,
    policy: Path,
    make_policy: MakePolicy,
    capsys: pytest.CaptureFixture[str],
) -> None:
    owner = policy.with_name("owner.pem")
    owner.write_text(owner_key(), "ascii")
    assert realmos("identity", "ledger", "--policy", policy, "--owner", owner) == 0
    assert realmos("identity", "ledger", "--policy", policy, "--owner", owner) == 1
    before = kept(folder).read().identities["ledger"]
    assert "PRIVATE" not in before.owner
    capsys.readouterr()
    assert realmos("key") == 0
    key = capsys.readouterr().out.strip()
    new, word = policy.with_name("new.toml"), policy.with_name("word")
    new.write_text(make_policy(rim=NEW_RIM), "utf-8")
    signing = [
        "broker", "sign", "ledger", "--owner", str(owner), "--old", str(policy),
        "--new", str(new), "--broker", key, "--out", str(word),
    ]  # fmt: skip
    assert main(signing) == 0
    assert realmos("succeed", word) == 0
    after = kept(folder).read().identities["ledger"]
    assert (after.key, after.counter, after.serial) == (before.key, before.counter, 1)
    assert NEW_RIM.hex() in after.policy
    assert realmos("succeed", word) == 1
    assert "has the number 1, and the next" in " ".join(capsys.readouterr().err.split())
    assert realmos("list", "--json") == 0
    shown = capsys.readouterr().out
    assert json.loads(shown)["identities"][0]["serial"] == 1
    assert before.key.hex() not in shown
    assert realmos("remove", "ledger", "--identity") == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_broker_serves_until_it_is_told_to_end(
    realmos: Realmos, folder: Path, policy: Path, secret: Path, number: int
) -> None:
    assert realmos("add", "name", "--policy", policy, "--from", secret) == 0
    words = [sys.executable, "-m", "realmos.cli", "broker", "serve", "--store", str(folder)]
    broker = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (folder / "socket").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        with Address.parse(str(folder / "socket")).connect() as silent:
            silent.recv(1)
            os.kill(broker.pid, number)
            _, said = broker.communicate(timeout=PATIENCE)
    finally:
        broker.kill()
        broker.communicate()
    assert broker.returncode == 0
    assert f"realmos run --broker {folder}/socket" in said
    assert said.rstrip().endswith("ended")
    assert not (folder / "socket").exists()


def test_run_without_the_broker_it_names_ends_before_a_boot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--broker", str(tmp_path / "none"), "--", "true"]) == 1
    said = capsys.readouterr().err
    assert "no broker answers" in said
    assert "realmos broker serve" in said
