# SPDX-License-Identifier: BSD-3-Clause
"""Package recipes: what is malformed is named, and moving a lock says what changed."""

from dataclasses import replace
from pathlib import Path

import pytest
from realmos import tree
from realmos.cache import Cache
from realmos.errors import ConfigError
from realmos.progress import Silent
from realmos.source import lock, recipe
from realmos.source.lock import Lock, Package

DEB = Package("libc6", "2.41", "arm64", "trixie", 1, "ab" * 32)


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "images"
    (folder / "linux").mkdir(parents=True)
    (folder / "linux" / "packages.toml").write_text('[[binary]]\nnames = ["libc6"]\n', "utf-8")
    monkeypatch.setattr(tree, "images", lambda: folder)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[binary]]\nnames = 1\n", "needs names"),
        ('[[binary]]\nsuite = "trixie"\n', "needs names"),
        ('[[binary]]\nnames = ["a", 1]\n', "needs names"),
        ('[[binary]]\nnames = ["a"]\nversion = "1"\n', "has no version"),
        ('[[source]]\nnames = ["a"]\nkeep = ["a"]\n', "has no keep"),
        ('[[debian]]\nnames = ["a"]\n', "unknown section debian"),
        ("[[binary\n", "cannot be read"),
    ],
)
def test_malformed_recipe_is_refused(images: Path, cache: Cache, text: str, problem: str) -> None:
    (images / "linux" / "packages.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=problem):
        recipe.move_lock("linux", cache, Silent())


def test_unknown_lock_lists_those_there_are(images: Path, cache: Cache) -> None:
    assert images.is_dir()
    with pytest.raises(ConfigError, match="no package lock nosuch") as caught:
        recipe.move_lock("nosuch", cache, Silent())
    assert caught.value.hint == "one of: linux, qemu"


def test_moved_lock_is_written_and_its_changes_are_told(
    images: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = recipe.lock_file("linux")
    lock.write(Lock((DEB, replace(DEB, name="old"))), path)
    newer = Lock((replace(DEB, version="2.42"), replace(DEB, name="zlib1g")))
    monkeypatch.setattr(recipe, "resolve", lambda *_args, **_options: newer)
    assert recipe.move_lock("linux", cache, Silent()) == [
        "libc6: 2.41 -> 2.42",
        "old: 2.41 -> gone",
        "zlib1g: new -> 2.41",
    ]
    assert lock.read(path) == replace(newer, image="linux")
    assert recipe.move_lock("linux", cache, Silent()) == ["nothing has changed"]
    assert path.is_relative_to(images)


def test_recipes_in_the_tree_are_well_formed() -> None:
    for path in tree.images().glob("*/packages.toml"):
        assert recipe.load_recipe(path)
