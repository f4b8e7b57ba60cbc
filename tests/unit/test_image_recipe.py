# SPDX-License-Identifier: BSD-3-Clause
"""Recipes: those that come with realmos are whole, broken ones are refused with file and key."""

from pathlib import Path

import pytest
from realmos.errors import ConfigError
from realmos.image import recipe
from realmos.image.recipe import DebianKernel, SourceKernel

GOOD = """
description = "for tests"
[kernel]
origin = "debian"
modules = ["virtio_mmio"]
[root]
include = ["usr/*"]
files = "files"
[root.links]
"usr/bin/sh" = "busybox"
[boot]
device_tree = "realm.dts.j2"
cmdline = "cmdline.j2"
swiotlb_mib = 8
headroom_mib = 64
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with all that a recipe refers to."""
    path = tmp_path / "mine"
    (path / "files").mkdir(parents=True)
    for name in ("realm.dts.j2", "cmdline.j2", "kernel.config"):
        (path / name).write_text("", "utf-8")
    (path / "image.toml").write_text(GOOD, "utf-8")
    return path


def change(directory: Path, old: str, new: str) -> None:
    assert old in GOOD
    (directory / "image.toml").write_text(GOOD.replace(old, new), "utf-8")


@pytest.mark.parametrize("name", recipe.names())
def test_recipes_that_come_with_realmos_are_whole(name: str) -> None:
    found = recipe.load(name)
    assert found.name == name
    assert (found.directory / "packages.lock").is_file()
    assert (found.directory / "packages.toml").is_file()


def test_linux_and_small_are_there() -> None:
    assert {"linux", "small"} <= set(recipe.names())
    assert isinstance(recipe.load("linux").kernel, DebianKernel)
    assert isinstance(recipe.load("small").kernel, SourceKernel)
    assert recipe.load("small").root == recipe.load("linux").root


def test_small_has_the_packages_of_linux() -> None:
    def packages(name: str) -> set[str]:
        text = (recipe.load(name).directory / "packages.lock").read_text("utf-8")
        return {line for line in text.splitlines() if not line.startswith(("deb linux-", "#"))}

    assert packages("small") == packages("linux")


def test_recipe_is_read_from_any_directory(directory: Path) -> None:
    found = recipe.load(str(directory))
    assert found.name == "mine"
    assert found.kernel == DebianKernel(modules=("virtio_mmio",), lazy_modules=())
    assert found.root.links == (("usr/bin/sh", "busybox"),)
    assert (found.boot.swiotlb, found.boot.headroom) == (8 << 20, 64 << 20)


def test_unknown_image_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match="no image nosuch") as caught:
        recipe.load("nosuch")
    assert "linux, small" in caught.value.hint


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("description", "describtion", "description is missing"),
        ('origin = "debian"', 'origin = "elsewhere"', "origin must be debian or source"),
        ('origin = "debian"', "", "origin is missing"),
        ("modules =", "modlues =", r"\[kernel\]: unknown key modlues"),
        ('["virtio_mmio"]', "[1]", "modules must be a list of texts"),
        ('["virtio_mmio"]', '"virtio_mmio"', "modules must be a list of texts"),
        ('files = "files"', 'files = "nosuch"', "files: there is no .*nosuch"),
        ('files = "files"', 'files = "files"\noptimize = 3', "optimize must be one of 0, 1, 2"),
        ('files = "files"', 'files = "files"\noptimize = true', "optimize must be a whole number"),
        ('= "busybox"', "= 1", "links must be a table of texts"),
        ("swiotlb_mib = 8", "swiotlb_mib = -8", "swiotlb_mib must be a whole number"),
        ("headroom_mib = 64", "", "headroom_mib is missing"),
        ("[boot]", "[boto]", "unknown key boto"),
        ("[kernel]", "[[kernel]]", "kernel must be a table"),
        ("[boot]", "[boot", "image.toml"),
    ],
)
def test_broken_recipe_is_refused(directory: Path, old: str, new: str, message: str) -> None:
    change(directory, old, new)
    with pytest.raises(ConfigError, match=message):
        recipe.load(str(directory))


def test_recipe_without_a_table_is_refused(directory: Path) -> None:
    (directory / "image.toml").write_text(GOOD.partition("[boot]")[0], "utf-8")
    with pytest.raises(ConfigError, match=r"table \[boot\] is missing"):
        recipe.load(str(directory))


def test_recipe_takes_what_it_lacks_from_the_one_it_extends(directory: Path) -> None:
    child = directory.parent / "child"
    child.mkdir()
    (child / "kernel.config").write_text("", "utf-8")
    (child / "image.toml").write_text(
        'description = "d"\nextends = "mine"\n'
        '[kernel]\norigin = "source"\nfragment = "kernel.config"\nsteps = 10\n',
        "utf-8",
    )
    found = recipe.load(str(child))
    assert found.kernel == SourceKernel(child / "kernel.config", 10, ())
    assert found.boot.cmdline == directory / "cmdline.j2"


def test_recipe_extends_none_that_extends(directory: Path) -> None:
    for name, base in (("child", "mine"), ("grandchild", "child")):
        (directory.parent / name).mkdir()
        text = f'description = "d"\nextends = "{base}"\n'
        (directory.parent / name / "image.toml").write_text(text, "utf-8")
    recipe.load(str(directory.parent / "child"))
    with pytest.raises(ConfigError, match="itself extends"):
        recipe.load(str(directory.parent / "grandchild"))
