# SPDX-License-Identifier: BSD-3-Clause
"""The anchor's file: made once, private, and never written over."""

import errno
import json
import os
import shutil
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest
from realmos.anchor import DevelopmentAnchor, choose_anchor, load_anchor
from realmos.errors import ConfigError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "data" / "realmos"


@pytest.fixture
def kept(home: Path) -> Path:
    """The file of an anchor that was made."""
    load_anchor(home)
    return home / "anchor" / "development.json"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def same(one: DevelopmentAnchor, other: DevelopmentAnchor) -> bool:
    return (one.cpak.private_numbers(), one.rak_root, one.instance_id) == (
        other.cpak.private_numbers(), other.rak_root, other.instance_id,
    )  # fmt: skip


def test_first_use_makes_an_anchor_and_every_later_one_finds_it(home: Path) -> None:
    first = load_anchor(home)
    assert same(load_anchor(home), first)
    assert not same(load_anchor(home.parent / "elsewhere"), first)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_its_user_can_read_it_whatever_the_umask(home: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        load_anchor(home)
    finally:
        os.umask(before)
    assert mode(home / "anchor") == 0o700
    assert mode(home / "anchor" / "development.json") == 0o600
    assert len(list((home / "anchor").iterdir())) == 1


def test_it_is_in_the_users_data_directory_or_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platformdirs, "user_data_path", lambda _name: tmp_path / "user")
    monkeypatch.delenv("REALMOS_DATA", raising=False)
    usual = load_anchor()
    assert same(load_anchor(tmp_path / "user"), usual)
    monkeypatch.setenv("REALMOS_DATA", str(tmp_path / "own"))
    assert same(load_anchor(), load_anchor(tmp_path / "own"))
    assert not same(load_anchor(), usual)


def test_the_sample_anchor_needs_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REALMOS_DATA", str(tmp_path / "own"))
    assert choose_anchor("sample") is None
    assert not (tmp_path / "own").exists()
    made = choose_anchor("development")
    assert made is not None
    assert same(made, load_anchor())


def test_secrets_are_not_in_what_is_printed(home: Path) -> None:
    anchor = load_anchor(home)
    assert anchor.rak_root.hex() not in repr(anchor)
    assert repr(anchor.rak_root) not in repr(anchor)


def test_users_that_make_it_at_once_get_the_same(home: Path) -> None:
    count = 8
    start, found = threading.Barrier(count), list[DevelopmentAnchor]()

    def use() -> None:
        start.wait()
        found.append(load_anchor(home))

    threads = [threading.Thread(target=use) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == count
    assert all(same(each, found[0]) for each in found)
    assert [path.name for path in (home / "anchor").iterdir()] == ["development.json"]


def test_one_that_comes_second_takes_what_the_first_has_made(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rival = load_anchor(home.parent / "rival")
    link = os.link

    def late(source: str, target: Path) -> None:
        shutil.copy2(home.parent / "rival" / "anchor" / "development.json", target)
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    assert same(load_anchor(home), rival)
    assert [path.name for path in (home / "anchor").iterdir()] == ["development.json"]


@pytest.mark.parametrize("bits", [0o644, 0o640, 0o602])
def test_a_file_that_is_open_to_others_is_refused_with_the_command(kept: Path, bits: int) -> None:
    kept.chmod(bits)
    with pytest.raises(ConfigError, match="open to them") as caught:
        load_anchor(kept.parents[1])
    assert f"chmod 600 {kept}" in caught.value.hint
    assert mode(kept) == bits


def test_a_directory_that_is_open_to_others_is_refused_with_the_command(kept: Path) -> None:
    kept.parent.chmod(0o755)
    with pytest.raises(ConfigError, match="open to them") as caught:
        load_anchor(kept.parents[1])
    assert f"chmod 700 {kept.parent}" in caught.value.hint


def test_another_users_anchor_is_refused(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: kept.stat().st_uid + 1)
    with pytest.raises(ConfigError, match="belongs to another user"):
        load_anchor(kept.parents[1])


def changed(**members: object) -> Callable[[dict[str, object]], bytes]:
    return lambda anchor: json.dumps(anchor | members).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda _: b"{",
        lambda _: b"\xff\xfe",
        lambda _: b"[" * 4000,
        lambda _: b"[]",
        lambda _: b" " * 5000,
        lambda anchor: json.dumps(anchor).encode()[:-20],
        lambda anchor: json.dumps(anchor).encode().ljust(5000),
        lambda anchor: json.dumps({**anchor, "rak_root": None}).encode(),
        lambda anchor: json.dumps({k: v for k, v in anchor.items() if k != "cpak"}).encode(),
        changed(format="realmos development anchor 2"),
        changed(cpak="00" * 48),
        changed(cpak="ff" * 48),
        changed(cpak="11" * 47),
        changed(rak_root="11" * 47),
        changed(rak_root="11" * 49),
        changed(rak_root="xy" * 48),
        changed(instance_id="01" * 32),
        changed(instance_id="02" * 33),
        changed(instance_id=33),
    ],
)
def test_a_file_that_is_no_anchor_is_named_and_left_alone(
    kept: Path, change: Callable[[dict[str, object]], bytes]
) -> None:
    data = change(json.loads(kept.read_bytes()))
    kept.write_bytes(data)
    with pytest.raises(ConfigError, match="is not the anchor") as caught:
        load_anchor(kept.parents[1])
    assert str(kept) in str(caught.value)
    assert f"mv {kept}" in caught.value.hint
    assert kept.read_bytes() == data


def test_what_is_no_file_is_refused(kept: Path) -> None:
    kept.unlink()
    os.mkfifo(kept, 0o600)
    with pytest.raises(ConfigError, match="is not a file"):
        load_anchor(kept.parents[1])


def test_a_link_to_nowhere_is_not_followed_to_make_an_anchor(kept: Path, tmp_path: Path) -> None:
    kept.unlink()
    kept.symlink_to(tmp_path / "target")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_anchor(kept.parents[1])
    assert not (tmp_path / "target").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot be made") as caught:
        load_anchor(tmp_path / "data")
    assert "REALMOS_DATA" in caught.value.hint
    assert (tmp_path / "data").read_text() == "in the way"


def test_a_full_disk_leaves_nothing_behind(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(os, "fsync", full)
        with pytest.raises(ConfigError, match="No space left on device"):
            load_anchor(home)
    assert list((home / "anchor").iterdir()) == []
    load_anchor(home)
