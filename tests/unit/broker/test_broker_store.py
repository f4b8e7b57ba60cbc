# SPDX-License-Identifier: BSD-3-Clause
"""The broker's store: what is kept, what nobody can read, and what a failure leaves behind."""

import errno
import os
import subprocess
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from realmos.broker import Content, Identity, KeyFile, Passphrase, Secret, Store
from realmos.errors import ConfigError, IntegrityError, RealmosError
from realmos_agent.protocol import cbor

VALUE = b"nobody may read this"
POLICY = "a policy that is as secret as the rest"


def filled(store: Store) -> Store:
    store.update(lambda content: content.with_secret(Secret("name", POLICY, VALUE)))
    return store


def reopened(store: Store, lock: KeyFile | Passphrase | None = None) -> Store:
    folder = store.path.parent
    return Store(folder, lock or KeyFile(folder / "key"))


def test_what_is_kept_is_there_for_the_next_process(store: Store) -> None:
    filled(store)
    identity = Identity("who", POLICY, "", 7, 0, bytes(32))
    kept = store.update(lambda content: content.with_identity(identity))
    found = reopened(store).read()
    assert found == kept
    assert found.secrets["name"].value == VALUE
    assert found.identities == {"who": identity}


def test_nothing_that_is_kept_is_readable_in_the_file(store: Store) -> None:
    data = filled(store).path.read_bytes()
    for text in (VALUE, POLICY.encode(), b"name", store.read().signer):
        assert text not in data


def test_equal_contents_make_different_files(store: Store) -> None:
    before = filled(store).path.read_bytes()
    store.update(lambda content: content)
    assert store.path.read_bytes() != before


def test_files_are_private_and_nothing_else_is_left(store: Store) -> None:
    folder = filled(store).path.parent
    assert folder.stat().st_mode & 0o777 == 0o700
    found = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert found == {"store": 0o600, "key": 0o600, "lock": 0o600}


def test_store_that_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(ConfigError, match="no store of a broker") as caught:
        store.read()
    assert "realmos broker add" in caught.value.hint


def test_file_that_is_open_to_others_is_refused(store: Store) -> None:
    filled(store).path.chmod(0o640)
    with pytest.raises(ConfigError, match="others can read") as caught:
        store.read()
    assert caught.value.hint.startswith("chmod 600 ")


def test_store_cut_short_anywhere_is_an_error_and_stays_as_it_is(store: Store) -> None:
    data = filled(store).path.read_bytes()
    for size in range(0, len(data), 7):
        store.path.write_bytes(data[:size])
        with pytest.raises(IntegrityError, match="store"):
            reopened(store).read()
        with pytest.raises(IntegrityError):
            filled(reopened(store))
        assert store.path.read_bytes() == data[:size]


def test_no_changed_byte_is_believed(store: Store) -> None:
    data = filled(store).path.read_bytes()
    for at in range(len(data)):
        store.path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(RealmosError, match="store"):
            reopened(store).read()


def test_bytes_behind_the_store_are_refused(store: Store) -> None:
    store.path.write_bytes(filled(store).path.read_bytes() + b"\0")
    with pytest.raises(IntegrityError, match="cut short or is no store"):
        reopened(store).read()


def test_another_key_is_told_from_a_changed_store(store: Store, tmp_path: Path) -> None:
    filled(store)
    other = tmp_path / "other"
    other.write_text("ab" * 32, "ascii")
    other.chmod(0o600)
    with pytest.raises(ConfigError, match="locked with another key"):
        reopened(store, KeyFile(other)).read()


def test_key_file_that_is_gone_is_not_made_anew(store: Store) -> None:
    filled(store)
    store.path.with_name("key").unlink()
    for use in (lambda: reopened(store).read(), lambda: filled(reopened(store))):
        with pytest.raises(ConfigError, match=r"key .* is not there"):
            use()
    assert not store.path.with_name("key").exists()


@pytest.mark.parametrize("content", ["", "ab" * 31, "zz" * 32, "ab" * 600])
def test_key_file_of_another_form_is_refused(store: Store, content: str) -> None:
    path = filled(store).path.with_name("key")
    path.write_text(content, "ascii")
    with pytest.raises(ConfigError, match=r"not a key|larger than"):
        reopened(store).read()


def test_passphrase_opens_what_it_locked(tmp_path: Path) -> None:
    filled(Store(tmp_path / "b", Passphrase(b"words")))
    assert Store(tmp_path / "b", Passphrase(b"words")).read().secrets["name"].value == VALUE
    with pytest.raises(ConfigError, match="another key or passphrase"):
        Store(tmp_path / "b", Passphrase(b"word")).read()
    with pytest.raises(ConfigError, match="locked with a passphrase"):
        Store(tmp_path / "b", KeyFile(tmp_path / "key")).read()


def test_key_file_is_not_taken_for_a_passphrase(store: Store) -> None:
    filled(store)
    with pytest.raises(ConfigError, match="locked with a key file"):
        reopened(store, Passphrase(b"words")).read()
    with pytest.raises(ConfigError, match="empty"):
        Passphrase(b"").new()


@pytest.mark.parametrize(
    "change", [{"n": 1 << 40}, {"n": 3}, {"r": 1 << 20}, {"p": 0}, {"salt": b""}, {"n": b"1"}]
)
def test_costs_that_a_store_asks_for_are_bounded(
    change: "dict[str, cbor.Value]",
) -> None:
    derivation: dict[str, cbor.Value] = {
        "kind": "scrypt", "salt": bytes(16), "n": 1 << 14, "r": 8, "p": 1,
    }  # fmt: skip
    Passphrase(b"words").key(derivation)
    with pytest.raises(IntegrityError, match="head was changed"):
        Passphrase(b"words").key({**derivation, **change})


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_failure_while_writing_leaves_the_previous_content(
    store: Store, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    before = filled(store).path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(ConfigError, match=r"cannot be written: No space.*is unchanged") as caught:
        store.update(lambda content: content.with_secret(Secret("more", POLICY, b"x" * 999)))
    monkeypatch.undo()
    assert "disk full" in caught.value.hint
    assert store.path.read_bytes() == before
    assert {path.name for path in store.path.parent.iterdir()} == {"store", "key", "lock"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "none", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_full_disk_leaves_the_previous_content(small_disk: Path) -> None:
    store = filled(Store(small_disk, KeyFile(small_disk / "key")))
    with pytest.raises(ConfigError, match="No space left"):
        store.update(lambda content: content.with_secret(Secret("more", POLICY, b"x" * 60_000)))
    assert reopened(store).read().secrets.keys() == {"name"}


def test_read_only_disk_leaves_the_previous_content(small_disk: Path) -> None:
    store = filled(Store(small_disk, KeyFile(small_disk / "key")))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(ConfigError, match="Read-only file system") as caught:
        filled(store)
    assert "read-only" in caught.value.hint
    assert reopened(store).read().secrets.keys() == {"name"}


def test_refused_change_leaves_the_previous_content(store: Store) -> None:
    before = filled(store).path.read_bytes()

    def refuse(_content: Content) -> Content:
        raise ConfigError("no")

    with pytest.raises(ConfigError, match="no"):
        store.update(refuse)
    assert store.path.read_bytes() == before


def test_writers_take_turns(store: Store) -> None:
    filled(store)

    def add(number: int) -> None:
        secret = Secret(f"s{number}", POLICY, b"v")
        reopened(store).update(lambda content: content.with_secret(secret))

    threads = [threading.Thread(target=add, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.read().secrets) == 13


def test_an_identity_from_before_there_were_marks_has_none() -> None:
    parts: dict[str, cbor.Value] = {
        "signer": bytes(32),
        "secrets": (),
        "identities": (("who", POLICY, "", 7, 0, VALUE),),
    }
    identity = Content.decode(cbor.encode(parts)).identities["who"]
    assert (identity.counter, identity.mark) == (7, b"")


def test_secrets_are_in_no_repr_and_no_traceback(store: Store) -> None:
    content = filled(store).read()
    secret = content.secrets["name"]
    identity = Identity("who", POLICY, "", 0, 0, VALUE)
    shown = repr([content, secret, identity, Passphrase(VALUE), content.with_identity(identity)])
    assert repr(VALUE)[2:-1] not in shown
    assert repr(content.signer)[2:-1] not in shown
    with pytest.raises(ConfigError, match="has 1 to") as caught:
        Secret("name", POLICY, VALUE * 10_000)
    assert VALUE.decode() not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "x" * 64, "é", "a\n"])
def test_name_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="no name"):
        Secret(name, POLICY, VALUE)
