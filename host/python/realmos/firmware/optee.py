# SPDX-License-Identifier: BSD-3-Clause
"""The peer's flash image: TF-A without RME, and OP-TEE as Debian has built it.

OP-TEE is one image behind a header that says where it goes; this build of it has no pager.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from realmos.cache import Cache, sha256_file
from realmos.errors import FirmwareError
from realmos.firmware.flash import layout
from realmos.firmware.tfa import build_optee_tfa
from realmos.progress import Reporter
from realmos.source import fetch, find_cross_compiler, lock_file, read
from realmos.source.deb import extract

PEER_LOCK: Final = "peer"
"""The name of the lock, for `realmos lock`."""
PACKAGE: Final = "optee-os"
PEER_KERNEL: Final = 0x4400_0000
"""Where Linux is to lie when the machine starts."""

_PLATFORM = "vexpress-qemu_armv8a"
_FILES = {"bl32": "tee-header_v2.bin", "bl32_extra1": "tee-pager_v2.bin"}
_FLASH = "flash.bin"
_ONE_IMAGE = b"OPTE\x02\x01"  # its magic number, its version and AArch64
_COUNT_AT = 8


@dataclass(frozen=True)
class OpteeFlash:
    """A flash image that starts OP-TEE, and then Linux, which must lie at `PEER_KERNEL`.

    Attributes:
        path: the image.
        sha256: its hash.
        optee: OP-TEE's version, as Debian calls it.
        tfa: TF-A's.
    """

    path: Path
    sha256: str
    optee: str
    tfa: str


def build_optee_flash(cache: Cache, reporter: Reporter) -> OpteeFlash:
    """Return the peer's flash image, building what the cache does not hold.

    Raises:
        FirmwareError: the package holds another kind of OP-TEE than this is made for.
        SourceError: TF-A's source, or OP-TEE, cannot be had.
        ToolError: a program that builds need is absent or fails.
    """
    tfa = build_optee_tfa(cache, reporter, find_cross_compiler(), kernel=PEER_KERNEL)
    lock = read(lock_file(PEER_LOCK))
    version = lock.version(PACKAGE)
    lock = lock.select(lambda package: package.name == PACKAGE)
    stages = (tfa.bl1, tfa.bl2, tfa.bl31)
    inputs = {"lock": lock.digest, "files": _FILES} | {each.name: each.sha256 for each in stages}

    def make(out: Path) -> None:
        images = {each.name: each.path.read_bytes() for each in stages}
        package = fetch(lock, cache, reporter)[PACKAGE]
        with cache.scratch() as work:
            for name, file in _FILES.items():
                extract(package, f"usr/lib/optee/{_PLATFORM}/{file}", work / file)
                images[name] = (work / file).read_bytes()
        _check_header(images["bl32"])
        (out / _FLASH).write_bytes(layout(images))

    path = cache.build("peer-flash", inputs, make) / _FLASH
    return OpteeFlash(path, sha256_file(path), version, tfa.bl31.version)


def _check_header(header: bytes) -> None:
    """Refuse an OP-TEE that is not one image for AArch64.

    Raises:
        FirmwareError: it is not.
    """
    count = int.from_bytes(header[_COUNT_AT : _COUNT_AT + 4], "little")
    if not header.startswith(_ONE_IMAGE) or count != 1:
        raise FirmwareError(
            f"{PACKAGE} does not hold OP-TEE as one image for AArch64",
            hint=f"this realmos and the lock do not fit: undo `realmos lock {PEER_LOCK}`",
        )
