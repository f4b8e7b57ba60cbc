# SPDX-License-Identifier: BSD-3-Clause
"""The real images: the same bytes twice, and whole. They take minutes, a network, and disk."""

import shutil
from pathlib import Path

import pytest
from realmos.cache import Cache
from realmos.image import Image, build_image
from realmos.image._target import find_target
from realmos.progress import Silent

pytestmark = [pytest.mark.exhaustive, pytest.mark.timeout(3600)]

IMPORT_ALL = """
import importlib, pkgutil, sys, warnings
warnings.simplefilter("ignore")
for place in sys.argv[2:]:
    for module in pkgutil.walk_packages([sys.argv[1] + place], onerror=print):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except BaseException as error:
                print("FAILED", module.name, repr(error))
print("done", len(sys.modules))
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def image(cache: Cache) -> Image:
    return build_image("linux", cache, Silent())


def with_downloads_of(cache: Cache, path: Path) -> Cache:
    """Return a cache in which nothing is built but everything downloaded."""
    for name in ("files", "apt"):
        shutil.copytree(cache.path / name, path / name, symlinks=True)
    return Cache(path)


def test_image_is_the_same_to_the_byte_when_built_anew(
    cache: Cache, image: Image, tmp_path: Path
) -> None:
    again = build_image("linux", with_downloads_of(cache, tmp_path), Silent())
    assert again.kernel.sha256 == image.kernel.sha256
    assert again.initrd.sha256 == image.initrd.sha256


def test_image_is_found_again_without_a_network(
    cache: Cache, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("REALMOS_DEBIAN_MIRROR", "http://127.0.0.1:9/debian")
    assert build_image("linux", cache, Silent()) == image


def test_every_module_shipped_can_be_imported(cache: Cache, image: Image, tmp_path: Path) -> None:
    assert image.initrd.size > 0
    tree = next((cache.path / "built").glob("rootfs-*")) / "tree"
    script = tmp_path / "import_all.py"
    script.write_text(IMPORT_ALL, "utf-8")
    python = next(tree.glob("usr/lib/python3.*"))
    places = [f"/{python.relative_to(tree)}", "/usr/lib/python3/dist-packages"]
    printed = find_target(tree, cache, Silent()).run("usr/bin/python3", "-I", script, tree, *places)
    assert not [line for line in printed.splitlines() if line.startswith("FAILED")]
    assert "done" in printed
    assert not list(tree.rglob("*.py"))


def test_small_kernel_is_the_same_to_the_byte_when_built_anew(cache: Cache, tmp_path: Path) -> None:
    first = build_image("small", cache, Silent())
    again = build_image("small", with_downloads_of(cache, tmp_path), Silent())
    assert again.kernel.sha256 == first.kernel.sha256
    assert again.initrd.sha256 == first.initrd.sha256
