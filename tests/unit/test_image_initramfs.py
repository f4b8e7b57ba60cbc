# SPDX-License-Identifier: BSD-3-Clause
"""The agent's part of the initramfs: which modules PID 1 loads, and what is refused."""

from pathlib import Path

import pytest
from realmos.cache import Cache
from realmos.errors import ConfigError, SourceError
from realmos.image import Kernel, initramfs, load
from realmos.image._target import find_target
from realmos.image.recipe import DebianKernel
from realmos.progress import Silent
from realmos.source import Lock, Package


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    for name in ("virtio_mmio", "configfs"):
        (tmp_path / f"{name}.ko").write_bytes(name.encode())
    return Kernel(tmp_path / "Image", "", 0, 0, 0, "7.3-cloud", "test", tmp_path)


def contents(kernel: Kernel, recipe: DebianKernel, rsi: Path | None = None) -> dict[str, bytes]:
    nodes = initramfs._module_nodes(recipe, kernel, rsi)  # noqa: SLF001
    return {node.path: node.data for node in nodes}


def listed(found: dict[str, bytes], name: str = "modules") -> list[str]:
    lines = found[f"etc/realmos/{name}"].decode().splitlines()
    assert all(found[line.removeprefix("/")] for line in lines)
    return [line.removeprefix("/usr/lib/modules/7.3-cloud/") for line in lines]


def test_modules_are_shipped_and_those_to_load_listed_in_order(kernel: Kernel) -> None:
    found = contents(kernel, DebianKernel(("virtio_mmio", "configfs"), ()))
    assert found["usr/lib/modules/7.3-cloud/configfs.ko"] == b"configfs"
    assert listed(found) == ["virtio_mmio.ko", "configfs.ko"]
    assert listed(found, "lazy-modules") == []


def test_lazy_modules_are_shipped_and_listed_apart(kernel: Kernel) -> None:
    found = contents(kernel, DebianKernel(("virtio_mmio",), ("configfs",)))
    assert listed(found) == ["virtio_mmio.ko"]
    assert listed(found, "lazy-modules") == ["configfs.ko"]


def test_the_module_of_ours_is_the_last_of_the_lazy_ones(kernel: Kernel, tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    ours = tmp_path / "ours" / "realm_rsi.ko"
    ours.write_bytes(b"rsi")
    found = contents(kernel, DebianKernel((), ("configfs",)), ours)
    assert listed(found, "lazy-modules") == ["configfs.ko", "realm_rsi.ko"]
    assert found["usr/lib/modules/7.3-cloud/realm_rsi.ko"] == b"rsi"


def test_module_that_is_built_in_is_not_listed(kernel: Kernel) -> None:
    assert listed(contents(kernel, DebianKernel(("built_in", "virtio_mmio"), ()))) == [
        "virtio_mmio.ko"
    ]


def test_kernel_without_modules_has_empty_lists() -> None:
    kernel = Kernel(Path("Image"), "", 0, 0, 0, "7.3-realm", "test", None)
    empty = {"etc/realmos/modules": b"", "etc/realmos/lazy-modules": b""}
    assert contents(kernel, DebianKernel((), ())) == empty


def test_lock_without_a_root_file_system_is_refused(tmp_path: Path, kernel: Kernel) -> None:
    only_kernel = Package("linux-binary-7.3", "1", "arm64", "trixie", 1, "0" * 64)
    lock = Lock((only_kernel,), image="linux")
    with pytest.raises(ConfigError, match="nothing for a root file system"):
        initramfs.build_initramfs(load("linux"), kernel, lock, Cache(tmp_path / "c"), Silent())


def test_tree_without_a_c_library_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no arm64 C library"):
        find_target(tmp_path, Cache(tmp_path / "cache"), Silent())
