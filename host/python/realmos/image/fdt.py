# SPDX-License-Identifier: BSD-3-Clause
"""Reading flattened device trees (Devicetree Specification 0.4, chapter 5), to say what is in them.

What is read may be anybody's: nothing but a ConfigError comes of bytes that are no device tree.
"""

import struct

from realmos.errors import ConfigError

_HEADER = struct.Struct(">7I")  # magic, totalsize, off_dt_struct, off_dt_strings, …
_MAGIC = 0xD00DFEED
_BEGIN_NODE, _END_NODE, _PROP, _NOP, _END = 1, 2, 3, 4, 9
_CELL = 4


def properties(data: bytes) -> dict[str, bytes]:
    """Return the value of each property, by its path (`/chosen/bootargs`), in their order.

    Raises:
        ConfigError: the bytes are no device tree.
    """
    try:
        return _read(data)
    except (struct.error, ValueError) as error:
        raise ConfigError(f"not a flattened device tree: {error}") from error


def show(value: bytes) -> str:
    """Return a property's value for people: text if it is that, else cells in hexadecimal."""
    words = value.removesuffix(b"\0").split(b"\0")
    if value.endswith(b"\0") and all(word and word.isascii() for word in words):
        texts = [word.decode() for word in words]
        if all(text.isprintable() for text in texts):
            return ", ".join(f'"{text}"' for text in texts)
    cells = (value[at : at + _CELL].hex() for at in range(0, len(value), _CELL))
    return f"<{' '.join(cells)}>"


def _read(data: bytes) -> dict[str, bytes]:
    magic, _, at, strings, *_ = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise ValueError("another magic number")
    found: dict[str, bytes] = {}
    path: list[str] = []
    while True:
        (token,) = struct.unpack_from(">I", data, at)
        at += _CELL
        if token == _BEGIN_NODE:
            name = _string(data, at)
            path.append(name)
            at += _aligned(len(name) + 1)
        elif token == _END_NODE and path:
            path.pop()
        elif token == _PROP:
            size, name_at = struct.unpack_from(">2I", data, at)
            at += 2 * _CELL
            if at + size > len(data):
                raise ValueError("it is cut short")
            found["/".join((*path, _string(data, strings + name_at)))] = data[at : at + size]
            at += _aligned(size)
        elif token == _END:
            return found
        elif token != _NOP:
            raise ValueError(f"an unknown token {token:#x}")


def _string(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode("ascii")


def _aligned(size: int) -> int:
    return -(-size // _CELL) * _CELL
