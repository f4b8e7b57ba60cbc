# SPDX-License-Identifier: BSD-3-Clause
"""The firmware image package (FIP), from which TF-A's BL1 and BL2 load everything after them.

A table of contents, each entry naming an image by its UUID, and the images behind it. Written here
rather than by TF-A's fiptool, which needs a native compiler and OpenSSL's headers.
Format: TF-A, include/tools_share/firmware_image_package.h.
"""

import struct
from collections.abc import Mapping
from uuid import UUID

_HEADER = struct.Struct("<IIQ")
_ENTRY = struct.Struct("<16sQQQ")
_MAGIC = 0xAA640001
_SERIAL = 0x12345678
_ALIGNMENT = 64

UUIDS = {
    "bl2": UUID("5ff9ec0b-4d22-3e4d-a544-c39d81c73f0a"),
    "bl31": UUID("47d4086d-4cfe-9846-9b95-2950cbbd5a00"),
    "bl32": UUID("05d0e189-53dc-1347-8d2b-500a4b7a3e38"),
    "bl32_extra1": UUID("0b70c29b-2a5a-7840-9f65-0a5682738288"),
    "rmm": UUID("6c0762a6-12f2-4b56-92cb-ba8f633606d9"),
    "bl33": UUID("d6d0eea7-fcea-d54b-9782-9934f234b6e4"),
}


def build_fip(images: Mapping[str, bytes]) -> bytes:
    """Return the package that holds `images`, keyed by the names of `UUIDS`.

    The same images give the same bytes, in whatever order they come.
    """
    header = _HEADER.pack(_MAGIC, _SERIAL, 0)
    names = [name for name in UUIDS if name in images]
    offset = _aligned(len(header) + _ENTRY.size * (len(names) + 1))
    entries, payload = b"", b""
    for name in names:
        image = images[name]
        entries += _ENTRY.pack(UUIDS[name].bytes, offset + len(payload), len(image), 0)
        payload += image.ljust(_aligned(len(image)), b"\0")
    entries += _ENTRY.pack(bytes(16), offset + len(payload), 0, 0)
    return (header + entries).ljust(offset, b"\0") + payload


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
