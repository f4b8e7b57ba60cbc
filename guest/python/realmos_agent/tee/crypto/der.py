# SPDX-License-Identifier: BSD-3-Clause
"""The little DER of libcrypto's signatures and SM2 ciphertexts, to and from plain bytes."""

__all__ = ["integer", "octets", "raw_signature", "read", "sequence", "signature"]

_INTEGER = 0x02
_OCTETS = 0x04
_SEQUENCE = 0x30
_SHORT = 0x80


def signature(raw: bytes) -> bytes:
    """Return r and s in a row as a DER signature."""
    half = len(raw) // 2
    return sequence(integer(raw[:half]), integer(raw[half:]))


def raw_signature(encoded: bytes, size: int) -> bytes:
    """Return a DER signature as r and s in a row, each of `size` bytes."""
    r, s = read(encoded)
    return _padded(r, size) + _padded(s, size)


def integer(number: bytes) -> bytes:
    """Return an INTEGER of a number's big-endian bytes."""
    shortest = number.lstrip(b"\0")
    sign = b"\0" if not shortest or shortest[0] & _SHORT else b""
    return _element(_INTEGER, sign + shortest)


def octets(content: bytes) -> bytes:
    """Return an OCTET STRING."""
    return _element(_OCTETS, content)


def sequence(*elements: bytes) -> bytes:
    """Return a SEQUENCE."""
    return _element(_SEQUENCE, b"".join(elements))


def read(encoded: bytes) -> list[bytes]:
    """Return the contents of a SEQUENCE's elements; `encoded` is libcrypto's, and well formed."""
    content, _ = _next(encoded, 0)
    found = []
    at = 0
    while at < len(content):
        element, at = _next(content, at)
        found.append(element)
    return found


def _padded(number: bytes, size: int) -> bytes:
    return number.lstrip(b"\0").rjust(size, b"\0")


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < _SHORT:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _SHORT | len(length))) + length + content


def _next(data: bytes, at: int) -> tuple[bytes, int]:
    """Return the content of the element at an offset, and the offset of what follows."""
    size = data[at + 1]
    at += 2
    if size & _SHORT:
        count = size & ~_SHORT
        size = int.from_bytes(data[at : at + count], "big")
        at += count
    return data[at : at + size], at + size
