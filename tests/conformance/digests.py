# SPDX-License-Identifier: BSD-3-Clause
"""The measurements that rem.c expects, from DEN0137 A7.1 and hashlib: python3 digests.py."""

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path

HEADER = Path(__file__).with_name("digests.h")
PAGE = 0x1000
BLOCK = 0x200000
HAND_BASE, HAND_PAGES = 0x10000, 4
DATA_IPA = 0x100000
NO_MEASURE, MEASURE = 0, 1
DATA, REC, RIPAS = 0, 1, 2
ALGORITHMS = {"SHA_256": (0, hashlib.sha256), "SHA_512": (1, hashlib.sha512)}
VALUE = bytes(range(64))


class Chain:
    """A measurement, extended step by step."""

    def __init__(self, name: str) -> None:
        self.number, self._hash = ALGORITHMS[name]
        self.size = self._hash().digest_size
        self.value = bytes(self.size)

    def digest(self, data: bytes) -> bytes:
        """Return the hash of the data, padded to the size of a measurement."""
        return self._hash(data).digest().ljust(64, b"\0")

    def descriptor(self, kind: int, *parts: bytes) -> None:
        """Extend the RIM by a descriptor of 256 bytes."""
        head = struct.pack("<B7xQ", kind, 0x100) + self.value.ljust(64, b"\0")
        self.value = self._hash((head + b"".join(parts)).ljust(0x100, b"\0")).digest()

    def rem(self, value: bytes) -> "Chain":
        """Extend the measurement as a REM."""
        self.value = self._hash(self.value + value).digest()
        return self


def rim(name: str) -> bytes:
    """Return the RIM of rem.c's known realm."""
    chain = Chain(name)
    params = struct.pack("<QQQQQQB", 0, 33, 0, 1, 1, 0, chain.number)
    chain.value = chain.digest(params.ljust(PAGE, b"\0"))[: chain.size]
    for base in range(0, BLOCK, PAGE):
        chain.descriptor(RIPAS, struct.pack("<QQ", base, base + PAGE))
    for page in range(HAND_PAGES):
        chain.descriptor(DATA, struct.pack("<QQ", HAND_BASE + page * PAGE, NO_MEASURE))
    content = chain.digest(struct.pack("<512Q", *range(512)))
    chain.descriptor(DATA, struct.pack("<QQ", DATA_IPA, MEASURE), content)
    chain.descriptor(RIPAS, struct.pack("<QQ", 2 * BLOCK, 3 * BLOCK))
    rec = struct.pack("<Q", 1).ljust(0x200, b"\0") + struct.pack("<Q", HAND_BASE)
    chain.descriptor(REC, chain.digest(rec.ljust(PAGE, b"\0")))
    return chain.value


def digests() -> Iterator[tuple[str, bytes]]:
    """Yield the name and value of every digest."""
    for name in ALGORITHMS:
        yield f"RIM_{name}", rim(name)
        yield f"REM_{name}", Chain(name).rem(VALUE).value
        yield f"REM_TWICE_{name}", Chain(name).rem(VALUE).rem(VALUE).value
    for size in (0, 1, 33):
        yield f"REM_OF_{size}_SHA_256", Chain("SHA_256").rem(VALUE[:size]).value


def header() -> str:
    """Return the text of digests.h."""
    lines = [
        "/* SPDX-License-Identifier: BSD-3-Clause */",
        "/* Measurements as RSI_MEASUREMENT_READ gives them; made by digests.py. */",
        "#pragma once",
        "",
        "/* clang-format off */",
    ]
    for name, value in digests():
        words = struct.unpack("<8Q", value.ljust(64, b"\0"))
        text = ", ".join(f"0x{word:016X}" for word in words)
        lines.append(f"#define DIGEST_{name} {{ {text} }}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    HEADER.write_text(header())
