# SPDX-License-Identifier: BSD-3-Clause
"""The agent's part of the initramfs: which modules PID 1 loads, and what is refused."""

from pathlib import Path

import pytest
from realmos.cache import Cache
from realmos.errors import ConfigError, SourceError
from realmos.image import Kernel, initramfs, load
from realmos.image._target import find_target
from realmos.progress import Silent
from realmos.source import Lock, Package


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    for name in ("virtio_mmio", "configfs"):
        (tmp_path / f"{name}.ko").write_bytes(name.encode())
    return Kernel(tmp_path / "Image", "", 0, 0, 0, "7.3-cloud", "test", tmp_path)


def test_modules_are_shipped_and_those_to_load_listed_in_order(kernel: Kernel) -> None:
    nodes = initramfs._module_nodes(kernel, ("virtio_mmio", "configfs"))  # noqa: SLF001
    found = {node.path: node.data for node in nodes}
    assert found["usr/lib/modules/7.3-cloud/configfs.ko"] == b"configfs"
    assert found["etc/realmos/modules"].decode().splitlines() == [
        "/usr/lib/modules/7.3-cloud/virtio_mmio.ko",
        "/usr/lib/modules/7.3-cloud/configfs.ko",
    ]


def test_lazy_modules_are_shipped_but_not_listed(kernel: Kernel) -> None:
    nodes = initramfs._module_nodes(kernel, ("virtio_mmio",))  # noqa: SLF001
    found = {node.path: node.data for node in nodes}
    assert "usr/lib/modules/7.3-cloud/configfs.ko" in found
    assert b"configfs" not in found["etc/realmos/modules"]


def test_module_that_is_built_in_is_not_listed(kernel: Kernel) -> None:
    nodes = initramfs._module_nodes(kernel, ("built_in", "virtio_mmio"))  # noqa: SLF001
    listed = next(node.data for node in nodes if node.path == "etc/realmos/modules")
    assert listed == b"/usr/lib/modules/7.3-cloud/virtio_mmio.ko\n"


def test_kernel_without_modules_has_an_empty_list() -> None:
    kernel = Kernel(Path("Image"), "", 0, 0, 0, "7.3-realm", "test", None)
    nodes = initramfs._module_nodes(kernel, ())  # noqa: SLF001
    assert [(node.path, node.data) for node in nodes] == [("etc/realmos/modules", b"")]


def test_lock_without_a_root_file_system_is_refused(tmp_path: Path, kernel: Kernel) -> None:
    only_kernel = Package("linux-binary-7.3", "1", "arm64", "trixie", 1, "0" * 64)
    lock = Lock((only_kernel,), image="linux")
    with pytest.raises(ConfigError, match="nothing for a root file system"):
        initramfs.build_initramfs(load("linux"), kernel, lock, Cache(tmp_path / "c"), Silent())


def test_tree_without_a_c_library_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no arm64 C library"):
        find_target(tmp_path, Cache(tmp_path / "cache"), Silent())
