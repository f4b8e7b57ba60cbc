# SPDX-License-Identifier: BSD-3-Clause
"""Debian's arm64 kernel: its Image, configuration and modules, out of locked packages."""

import lzma
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from realmos.cache import Cache, sha256_file
from realmos.errors import ConfigError, SourceError
from realmos.image.recipe import DebianKernel
from realmos.progress import Reporter
from realmos.source import Lock, fetch, unpack

IMAGE = "Image"
CONFIG = "config"
REALM_SUPPORT = "CONFIG_ARM_CCA_GUEST"

# Linux Documentation/arch/arm64/booting.rst: code0, code1, text_offset, image_size, flags, …
_HEADER = struct.Struct("<2I6Q2I")
_MAGIC = int.from_bytes(b"ARM\x64", "little")
_BIG_ENDIAN = 1 << 0
_PAGE_SIZE_MASK = 3 << 1
_PAGE_SIZE_UNSPECIFIED, _PAGE_SIZE_4K = 0 << 1, 1 << 1
_RECIPE = 3

# Linux include/linux/module_signature.h: the signature, this, and the text are a module's end.
_SIGNATURE = struct.Struct(">8xI")
_SIGNATURE_TEXT = b"~Module signature appended~\n"


@dataclass(frozen=True)
class Kernel:
    """A kernel ready to boot.

    Attributes:
        path: the Image.
        sha256: its hash.
        size: bytes of the file.
        image_size: bytes of memory it takes, its zeroed data included.
        text_offset: where it lies, from a 2 MiB boundary.
        release: as `uname -r` says it.
        origin: where it comes from, for people.
        modules: directory of its modules, uncompressed; None if it has none.
    """

    path: Path
    sha256: str
    size: int
    image_size: int
    text_offset: int
    release: str
    origin: str
    modules: Path | None


def parse_header(path: Path) -> tuple[int, int]:
    """Return (image_size, text_offset) of an arm64 Image.

    Raises:
        ConfigError: it is no such Image, or not one for 4 KiB pages in little-endian order.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        raise _no_image(path, "it is too short")
    _, _, text_offset, image_size, flags, _, _, _, magic, _ = _HEADER.unpack(header)
    if magic != _MAGIC:
        compressed = header.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"MZ\0\0zimg"))
        raise _no_image(path, "it is compressed" if compressed else "the magic number is absent")
    if flags & _BIG_ENDIAN:
        raise _no_image(path, "it is big-endian")
    if flags & _PAGE_SIZE_MASK not in {_PAGE_SIZE_UNSPECIFIED, _PAGE_SIZE_4K}:
        raise _no_image(path, "its pages are not of 4 KiB, as the realm's are")
    if image_size < path.stat().st_size:
        raise _no_image(path, "its header says less than its size")
    return image_size, text_offset


def parse_config(text: str) -> dict[str, str]:
    """Return the options that a kernel configuration sets, with their values."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def check_realm_support(config: Mapping[str, str], what: str) -> None:
    """Refuse a kernel that cannot be a realm's.

    Raises:
        ConfigError: it has no realm support, or cannot reach its devices.
    """
    if config.get(REALM_SUPPORT) not in {"y", "m"}:
        raise ConfigError(
            f"{what} is a kernel without realm support: {REALM_SUPPORT} is not set",
            hint="use Linux 6.13 or newer; Debian has it in trixie-backports",
        )
    lacking = [name for name in _NEEDED if config.get(name) not in {"y", "m"}]
    if lacking:
        raise ConfigError(f"{what} is a kernel without {', '.join(lacking)}")


_NEEDED = ("CONFIG_VIRTIO_MMIO", "CONFIG_VIRTIO_CONSOLE", "CONFIG_BLK_DEV_INITRD")


def is_kernel_package(name: str) -> bool:
    """Return whether a locked package is part of the kernel, or of what its modules need."""
    return name.startswith("linux-")


def is_headers_package(name: str) -> bool:
    """Return whether a locked package holds headers of the kernel."""
    return name.startswith("linux-headers-")


def build_debian(recipe: DebianKernel, lock: Lock, cache: Cache, reporter: Reporter) -> Kernel:
    """Return the kernel of the lock, unpacked into the cache.

    Raises:
        ConfigError: it has no realm support, or lacks a module that the recipe names.
        SourceError: it cannot be downloaded, or its packages do not hold it.
    """
    packages = lock.select(
        lambda package: is_kernel_package(package.name) and not is_headers_package(package.name)
    )
    if not packages.packages:
        raise ConfigError(
            "the package lock has no kernel", hint=f"move the lock: realmos lock {lock.image}"
        )
    modules = (*recipe.modules, *recipe.lazy_modules)

    def make(out: Path) -> None:
        debs = fetch(packages, cache, reporter)
        with cache.scratch() as root, reporter.task("Unpacking the kernel"):
            for deb in debs.values():
                unpack(deb, root)
            _keep(root, modules, out)

    inputs = {"lock": packages.digest, "modules": modules, "recipe": _RECIPE}
    home = cache.build("kernel", inputs, make)
    image = packages.packages[-1]
    for package in packages.packages:
        if package.name.startswith(("linux-binary-", "linux-image-")):
            image = package
    return describe(home, f"Debian package {image.name} {image.version}", home)


def describe(home: Path, origin: str, modules: Path | None) -> Kernel:
    """Return the kernel that was built into `home`."""
    path = home / IMAGE
    image_size, text_offset = parse_header(path)
    return Kernel(
        path=path,
        sha256=sha256_file(path),
        size=path.stat().st_size,
        image_size=image_size,
        text_offset=text_offset,
        release=(home / "release").read_text("utf-8"),
        origin=origin,
        modules=modules,
    )


def _keep(root: Path, modules: Sequence[str], out: Path) -> None:
    """Copy what the image needs of an unpacked kernel to `out`."""
    image, config, release = _find(root)
    check_realm_support(parse_config(config.read_text("utf-8")), f"Linux {release}")
    parse_header(image)
    image.replace(out / IMAGE)
    config.replace(out / CONFIG)
    (out / "release").write_text(release, "utf-8")
    for name in modules:
        data = _module(root, name)
        if data is None and not _is_built_in(root, name):
            raise ConfigError(f"Linux {release} has no module {name}")
        if data is not None:
            (out / f"{name}.ko").write_bytes(without_signature(data))


def _find(root: Path) -> tuple[Path, Path, str]:
    """Return (Image, configuration, release), which two layouts of packages hold."""
    for image in [*root.glob("usr/lib/modules/*/vmlinuz"), *root.glob("boot/vmlinuz-*")]:
        in_boot = image.parent.name == "boot"
        release = image.name.removeprefix("vmlinuz-") if in_boot else image.parent.name
        config = image.parent / (f"config-{release}" if in_boot else "config")
        if config.is_file():
            return image, config, release
    raise SourceError("the kernel's packages hold no kernel with its configuration")


def _module(root: Path, name: str) -> bytes | None:
    for path in sorted(root.glob("usr/lib/modules/*/kernel/**/*.ko*")):
        bare, _, ending = path.name.partition(".ko")
        if bare.replace("-", "_") != name.replace("-", "_"):
            continue
        data = path.read_bytes()
        if ending == ".xz":
            return lzma.decompress(data)
        if ending:
            raise SourceError(f"module {name} is compressed in a way not known here: {ending}")
        return data
    return None


def without_signature(module: bytes) -> bytes:
    """Return a module without its maker's signature, which the kernel takes long to check.

    Nothing is lost: Debian's kernel loads unsigned modules, and the realm's initial measurement
    covers every byte of those in the image.
    """
    end = len(module) - len(_SIGNATURE_TEXT) - _SIGNATURE.size
    if end < 0 or not module.endswith(_SIGNATURE_TEXT):
        return module
    (size,) = _SIGNATURE.unpack_from(module, end)
    return module[: end - size] if size <= end else module


def _is_built_in(root: Path, name: str) -> bool:
    lists = root.glob("usr/lib/modules/*/modules.builtin")
    built_in = {Path(line).stem for path in lists for line in path.read_text("utf-8").splitlines()}
    return name.replace("-", "_") in {stem.replace("-", "_") for stem in built_in}


def _no_image(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{path} is not a kernel that can boot in a realm: {why}",
        hint="an uncompressed arm64 Image with 4 KiB pages is needed",
    )
