# SPDX-License-Identifier: BSD-3-Clause
"""The content-addressed cache: what is corrupt is never served, what is whole is built once."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from realmos.cache import Cache, key_of, sha256_file
from realmos.errors import ConfigError, IntegrityError


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def put(cache: Cache, tmp_path: Path, data: bytes) -> tuple[Path, str]:
    source = tmp_path / "source"
    source.write_bytes(data)
    digest = sha256_file(source)
    return cache.add_file(source, digest), digest


def test_bytes_with_another_hash_are_refused_and_not_kept(cache: Cache, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"data")
    with pytest.raises(IntegrityError, match="expected 0000"):
        cache.add_file(source, "0" * 64)
    assert cache.find_file("0" * 64) is None


def test_a_corrupt_file_is_removed_and_reported_as_absent(cache: Cache, tmp_path: Path) -> None:
    path, digest = put(cache, tmp_path, b"data")
    path.chmod(0o644)
    path.write_bytes(b"dat\0")
    assert cache.find_file(digest) is None
    assert not path.exists()


def test_a_whole_file_is_found_under_its_hash(cache: Cache, tmp_path: Path) -> None:
    path, digest = put(cache, tmp_path, b"data")
    assert cache.find_file(digest) == path
    assert path.read_bytes() == b"data"


def test_a_build_that_fails_leaves_nothing(cache: Cache) -> None:
    def fail(out: Path) -> None:
        (out / "half").write_text("half")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        cache.build("thing", {"a": 1}, fail)
    assert cache.built("thing", {"a": 1}) is None
    assert list((cache.path / "tmp").iterdir()) == []


def test_the_same_inputs_are_built_once_and_other_inputs_again(cache: Cache) -> None:
    made: list[Path] = []

    def make(out: Path) -> None:
        made.append(out)
        (out / "file").write_text("x")

    first = cache.build("thing", {"a": 1}, make)
    assert cache.build("thing", {"a": 1}, make) == first
    assert cache.build("thing", {"a": 2}, make) != first
    assert len(made) == 2


def make_tree(out: Path) -> None:
    (out / "file").write_text("good")
    (out / "below" / "deep").mkdir(parents=True)
    (out / "below" / "deep" / "file").write_text("good")
    (out / "below" / "link").symlink_to("deep")


def rewrite(path: Path, name: str, text: str) -> None:
    """Change a file's bytes, but neither its size nor its times."""
    times = (path / name).stat()
    (path / name).write_text(text)
    os.utime(path / name, ns=(times.st_atime_ns, times.st_mtime_ns))


def relink(path: Path) -> None:
    (path / "below" / "link").unlink()
    (path / "below" / "link").symlink_to("/etc")


@pytest.mark.parametrize(
    "corrupt",
    [
        lambda path: rewrite(path, "file", "evil"),
        lambda path: rewrite(path, "below/deep/file", "evil"),
        lambda path: (path / "below" / "deep" / "file").unlink(),
        lambda path: (path / "below" / "another").write_text("evil"),
        relink,
        lambda path: (path / ".complete").write_bytes(b"\xff{"),
        lambda path: (path / ".complete").write_text("[]"),
        lambda path: (path / ".complete").unlink(),
    ],
    ids=["top", "deep", "removed", "added", "link", "mark", "strange mark", "no mark"],
)
def test_an_output_changed_behind_our_back_is_built_again(
    cache: Cache, corrupt: Callable[[Path], None]
) -> None:
    path = cache.build("thing", {}, make_tree)
    before = {name: (path / name).stat().st_ino for name in ("file", "below/deep/file")}
    assert cache.build("thing", {}, make_tree) == path
    assert before == {name: (path / name).stat().st_ino for name in before}
    corrupt(path)
    assert cache.build("thing", {}, make_tree) == path
    assert (path / "file").read_text() == "good"
    assert (path / "below" / "link" / "file").read_text() == "good"
    assert not (path / "below" / "another").exists()


def test_the_name_of_an_output_is_known_before_it_is_built(cache: Cache) -> None:
    assert cache.name("thing", {"a": 1}) == cache.build("thing", {"a": 1}, make_tree).name


def test_two_builders_of_one_output_build_it_once(cache: Cache) -> None:
    made: list[int] = []
    gate = threading.Barrier(2)

    def make(out: Path) -> None:
        made.append(1)
        (out / "file").write_text("x")

    def build() -> None:
        gate.wait()
        Cache(cache.path).build("thing", {}, make)

    threads = [threading.Thread(target=build) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_pruning_removes_everything_and_says_how_much(cache: Cache, tmp_path: Path) -> None:
    put(cache, tmp_path, b"x" * 10000)
    assert cache.prune() >= 10000
    assert cache.entries() == []


def test_the_key_depends_on_values_not_on_their_order() -> None:
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    assert key_of({"a": 1}) != key_of({"a": 2})


def test_a_cache_that_cannot_be_made_names_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as caught:
        Cache(tmp_path / "file" / "cache")
    assert "REALMOS_CACHE" in caught.value.hint
