# SPDX-License-Identifier: BSD-3-Clause
"""The parts of a flash image, each with its hash and where it comes from."""

import string
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from realmos_abi import load

from realmos.cache import sha256_file
from realmos.errors import FirmwareError
from realmos.source.lock import SourceFile

_ELF = b"\x7fELF"
_FIP = b"\x01\x00\x64\xaa"
_HEAD = 64
"""As much is looked at; code of so many bytes is never all letters."""
_TEXT = frozenset(string.printable.encode())


@dataclass(frozen=True)
class Component:
    """One image in the flash.

    Attributes:
        name: `bl1`, `bl2`, `bl31`, `rmm` or `bl33`.
        path: the raw image.
        sha256: its hash.
        version: of what it was built from.
        origin: where it comes from, for people.
        symbols: the ELF file with its symbols, if there is one; of an image that the user brings
            the one of its name beside it (`my.elf` beside `my.bin`), when they fit each other.
        brought: the user's file, not built here.
    """

    name: str
    path: Path
    sha256: str
    version: str
    origin: str
    symbols: Path | None = None
    brought: bool = False

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.path.stat().st_size


@dataclass(frozen=True)
class Firmware:
    """All components of a flash image.

    Attributes:
        sources: the files of the source packages that components were built from.
        compiler: versions of compiler and linker.
    """

    bl1: Component
    bl2: Component
    bl31: Component
    rmm: Component
    bl33: Component
    sources: tuple[SourceFile, ...]
    compiler: str

    @property
    def components(self) -> tuple[Component, ...]:
        """All of them, in boot order."""
        return (self.bl1, self.bl2, self.bl31, self.rmm, self.bl33)


def from_build(name: str, path: Path, *, version: str, origin: str, elf: Path) -> Component:
    """Return the component that a build has made."""
    return Component(name, path, sha256_file(path), version, origin, elf)


def from_file(name: str, path: Path) -> Component:
    """Return a component that the user brings, once it looks like one.

    Args:
        name: `rmm` or `bl33`.
        path: the user's file.

    Raises:
        FirmwareError: it is absent, empty, too large, or what no raw image of code can be.
    """
    option = f"--{name}"
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise FirmwareError(
            f"{option} {path} cannot be read: {error.strerror}", hint="give a raw image file"
        ) from error
    if head.startswith(_ELF):
        raise FirmwareError(
            f"{option} {path} is an ELF file; the loader takes a raw image",
            hint=f"aarch64-linux-gnu-objcopy -O binary {path} {path.stem}.bin",
        )
    if head.startswith(_FIP):
        raise FirmwareError(
            f"{option} {path} is a whole firmware package (FIP), not one image",
            hint=f"give the {name} image that the package was made from",
        )
    limit = _limit(name)
    if not 0 < size <= limit:
        problem = "is empty" if size == 0 else f"has {size} bytes, {limit} are allowed"
        raise FirmwareError(f"{option} {path} {problem}", hint="give a raw image file")
    _check_code(head, f"{option} {path}")
    origin = f"file {path.resolve()}"
    digest = sha256_file(path)
    return Component(name, path, digest, "", origin, _elf_beside(path), brought=True)


def _check_code(head: bytes, what: str) -> None:
    """Check that an image begins with code for AArch64, where it is entered.

    Raises:
        FirmwareError: it cannot, and the machine would stand still without a word.
    """
    hint = "give the raw image that objcopy -O binary makes of the ELF file"
    if _TEXT.issuperset(head):
        raise FirmwareError(f"{what} is text, not a raw image", hint=hint)
    word = int.from_bytes(head[:4], "little")
    # The main groups of A64 that hold no instruction: DDI 0487, C4.1.
    group = word >> 25 & 0xF
    if group in {1, 3} or (group == 0 and word >> 31 == 0):
        raise FirmwareError(
            f"{what} does not begin with code for AArch64: {word:#010x} is no instruction",
            hint=hint,
        )


def _elf_beside(image: Path) -> Path | None:
    """Return the ELF file of the image's name beside it, if the image was made from just that."""
    elf = image.with_suffix(".elf").resolve()
    try:
        with elf.open("rb") as file:
            return elf if _is_made_from(image.read_bytes(), ELFFile(file)) else None
    except (ELFError, OSError):
        return None


def _is_made_from(image: bytes, elf: ELFFile) -> bool:
    """Whether a raw image holds an ELF file's code where that, linked to its address, has it."""
    sections = [s for s in elf.iter_sections("SHT_PROGBITS") if s["sh_flags"] & SH_FLAGS.SHF_ALLOC]
    code = [s for s in sections if s["sh_flags"] & SH_FLAGS.SHF_EXECINSTR and s["sh_size"]]
    base = min((s["sh_addr"] for s in sections), default=0)
    return (
        elf["e_type"] == "ET_EXEC"
        and bool(code)
        and all(image[s["sh_addr"] - base :].startswith(s.data()) for s in code)
    )


def _limit(name: str) -> int:
    platform = load("platform")
    if name == "rmm":
        return platform["QEMU_RMM_IMAGE_LIMIT"]
    return platform["QEMU_FLASH_SIZE"] - platform["QEMU_FLASH_FIP_OFFSET"]
