# SPDX-License-Identifier: BSD-3-Clause
"""Kernels: what is no realm's kernel is refused with the reason, before anything boots."""

import lzma
import struct
from pathlib import Path

import pytest
from realmos import process
from realmos.cache import Cache, sha256_file
from realmos.errors import ConfigError, SourceError
from realmos.image import kernel
from realmos.image.recipe import DebianKernel
from realmos.progress import Silent
from realmos.source import Lock, Package

CONFIG = """
CONFIG_ARM_CCA_GUEST=m
CONFIG_VIRTIO_MMIO=m
CONFIG_VIRTIO_CONSOLE=y
CONFIG_BLK_DEV_INITRD=y
# CONFIG_PCI is not set
"""


def header(
    *,
    text_offset: int = 0,
    image_size: int = 0x10000,
    flags: int = 0xA,
    magic: bytes = b"ARM\x64",
) -> bytes:
    fixed = struct.pack("<2I3Q", 0x91005A4D, 0x14000000, text_offset, image_size, flags)
    return (fixed + bytes(24) + magic + bytes(4)).ljust(4096, b"\0")


def image(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_header_of_a_good_image_is_read(tmp_path: Path) -> None:
    path = image(tmp_path / "Image", header(text_offset=0x80000, image_size=0x123000))
    assert kernel.parse_header(path) == (0x123000, 0x80000)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "too short"),
        (header()[:63], "too short"),
        (header(magic=b"ARMd"[::-1]), "the magic number is absent"),
        (b"\x1f\x8b" + bytes(100), "it is compressed"),
        (b"MZ\0\0zimg" + bytes(100), "it is compressed"),
        (b"\x7fELF" + bytes(100), "the magic number is absent"),
        (header(flags=0xB), "big-endian"),
        (header(flags=0xC), "pages are not of 4 KiB"),
        (header(flags=0xE), "pages are not of 4 KiB"),
        (header(image_size=4095), "less than its size"),
    ],
)
def test_what_is_no_bootable_image_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        kernel.parse_header(image(tmp_path / "Image", data))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CONFIG_ARM_CCA_GUEST=n",
        "# CONFIG_ARM_CCA_GUEST is not set",
        "CONFIG_ARM_CCA_GUEST_EXTRA=y",
    ],
)
def test_kernel_without_realm_support_is_refused(text: str) -> None:
    config = kernel.parse_config(CONFIG.replace("CONFIG_ARM_CCA_GUEST=m", text))
    message = r"Linux 6\.12 is a kernel without realm support"
    with pytest.raises(ConfigError, match=message) as caught:
        kernel.check_realm_support(config, "Linux 6.12")
    assert "6.13" in caught.value.hint


def test_kernel_that_cannot_reach_its_console_is_refused() -> None:
    config = kernel.parse_config(CONFIG.replace("CONFIG_VIRTIO_CONSOLE=y", ""))
    with pytest.raises(ConfigError, match="without CONFIG_VIRTIO_CONSOLE"):
        kernel.check_realm_support(config, "it")


class Packages:
    """A fake set of Debian's kernel packages, locked and in the cache."""

    def __init__(self, path: Path) -> None:
        self.cache = Cache(path / "cache")
        self.files: dict[str, bytes] = {
            "usr/lib/modules/7.3/vmlinuz": header(),
            "usr/lib/modules/7.3/config": CONFIG.encode(),
            "usr/lib/modules/7.3/modules.builtin": b"kernel/fs/configfs/configfs.ko\n",
            "usr/lib/modules/7.3/kernel/virtio_mmio.ko.xz": lzma.compress(b"module"),
            "usr/lib/modules/7.3/kernel/cca/arm-cca-guest.ko": b"report",
        }
        self._path = path

    def lock(self) -> Lock:
        root = self._path / "package"
        for name, data in self.files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        (root / "DEBIAN").mkdir()
        (root / "DEBIAN" / "control").write_text(
            "Package: linux-binary-7.3\nVersion: 7.3-1\nArchitecture: arm64\n"
            "Maintainer: n\nDescription: d\n",
            "utf-8",
        )
        deb = self._path / "k.deb"
        process.run(["dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, deb])
        size, sha256 = deb.stat().st_size, sha256_file(deb)
        self.cache.add_file(deb, sha256)
        package = Package("linux-binary-7.3", "7.3-1", "arm64", "trixie", size, sha256)
        return Lock((package,), image="linux")


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    return Packages(tmp_path)


def build(packages: Packages, *modules: str) -> kernel.Kernel:
    recipe = DebianKernel(modules=modules, lazy_modules=())
    return kernel.build_debian(recipe, packages.lock(), packages.cache, Silent())


def test_kernel_and_its_modules_come_out_of_the_packages(packages: Packages) -> None:
    found = build(packages, "virtio_mmio", "arm_cca_guest", "configfs")
    assert found.path.read_bytes() == header()
    assert found.sha256 == sha256_file(found.path)
    assert (found.release, found.image_size) == ("7.3", 0x10000)
    assert found.origin == "Debian package linux-binary-7.3 7.3-1"
    assert found.modules is not None
    modules = {path.name: path.read_bytes() for path in found.modules.glob("*.ko")}
    assert modules == {"virtio_mmio.ko": b"module", "arm_cca_guest.ko": b"report"}


SIGNATURE_TEXT = b"~Module signature appended~\n"


def test_signatures_of_modules_are_left_out(packages: Packages) -> None:
    signed = b"module" + b"signature" + bytes(8) + (9).to_bytes(4, "big") + SIGNATURE_TEXT
    packages.files["usr/lib/modules/7.3/kernel/virtio_mmio.ko.xz"] = lzma.compress(signed)
    found = build(packages, "virtio_mmio")
    assert found.modules is not None
    assert (found.modules / "virtio_mmio.ko").read_bytes() == b"module"


@pytest.mark.parametrize(
    "module",
    [
        b"",
        b"module",
        SIGNATURE_TEXT,
        bytes(8) + (1).to_bytes(4, "big") + SIGNATURE_TEXT,
        b"module" + bytes(8) + (7).to_bytes(4, "big") + SIGNATURE_TEXT,
    ],
)
def test_a_module_whose_end_is_no_signature_is_left_as_it_is(module: bytes) -> None:
    assert kernel.without_signature(module) == module


def test_older_layout_of_packages_is_known(packages: Packages) -> None:
    for name in ("vmlinuz", "config"):
        data = packages.files.pop(f"usr/lib/modules/7.3/{name}")
        packages.files[f"boot/{name}-6.18"] = data
    assert build(packages).release == "6.18"


def test_kernel_package_without_realm_support_is_refused_and_not_kept(packages: Packages) -> None:
    packages.files["usr/lib/modules/7.3/config"] = b"CONFIG_VIRTIO_MMIO=m\n"
    with pytest.raises(ConfigError, match=r"Linux 7\.3 is a kernel without realm support"):
        build(packages)
    assert not [entry for entry in packages.cache.entries() if entry.kind == "kernel"]


def test_module_that_is_nowhere_is_named(packages: Packages) -> None:
    with pytest.raises(ConfigError, match=r"Linux 7\.3 has no module nosuch"):
        build(packages, "nosuch")


def test_package_without_a_kernel_is_refused(packages: Packages) -> None:
    del packages.files["usr/lib/modules/7.3/vmlinuz"]
    with pytest.raises(SourceError, match="hold no kernel"):
        build(packages)


def test_lock_without_a_kernel_is_refused(tmp_path: Path) -> None:
    recipe = DebianKernel(modules=(), lazy_modules=())
    with pytest.raises(ConfigError, match="has no kernel"):
        kernel.build_debian(recipe, Lock(image="linux"), Cache(tmp_path), Silent())
