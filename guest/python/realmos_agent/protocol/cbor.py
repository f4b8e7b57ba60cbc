# SPDX-License-Identifier: BSD-3-Clause
"""The subset of CBOR (RFC 8949) that payloads are written in, decoded strictly.

Integers, byte and text strings, booleans, null, arrays, and maps with text keys; core
deterministic encoding except that maps keep their order. All else is refused: tags, floats,
indefinite lengths, integers longer than they need be, a key twice, anything behind the item.
General decoders accept those by design, and tags make them build regular expressions or
big numbers out of hostile bytes; the general one of the guest also takes a quarter of a second
to import. A test compares this one with it.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Value: TypeAlias = "bool | int | bytes | str | tuple[Value, ...] | dict[str, Value] | None"

_UINT, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_SIMPLE_VALUES = {20: False, 21: True, 22: None}
_DEPTH_MAX = 4
# The least value that needs 1, 2, 4 or 8 bytes behind the initial one.
_LEAST = (24, 1 << 8, 1 << 16, 1 << 32)


class CborError(ValueError):
    """Bytes that are not one well-formed item of the subset."""


def encode(value: "Value") -> bytes:
    """Return the encoding of `value`.

    Raises:
        TypeError: a type that is not in the subset.
        OverflowError: an integer beyond 64 bits.
    """
    out: list[bytes] = []
    _encode(value, out)
    return b"".join(out)


def _head(major: int, argument: int) -> bytes:
    if argument < _LEAST[0]:
        return bytes((major << 5 | argument,))
    power = sum(argument >= least for least in _LEAST[1:])
    return bytes((major << 5 | 24 + power,)) + argument.to_bytes(1 << power, "big")


def _encode(value: "Value", out: list[bytes]) -> None:
    if value is None or value is True or value is False:
        out.append(bytes((_SIMPLE << 5 | {False: 20, True: 21, None: 22}[value],)))
    elif isinstance(value, int):
        out.append(_head(_UINT, value) if value >= 0 else _head(_NEGATIVE, -1 - value))
    elif isinstance(value, bytes):
        out += (_head(_BYTES, len(value)), value)
    elif isinstance(value, str):
        text = value.encode()
        out += (_head(_TEXT, len(text)), text)
    elif isinstance(value, tuple):
        out.append(_head(_ARRAY, len(value)))
        for item in value:
            _encode(item, out)
    elif isinstance(value, dict):
        out.append(_head(_MAP, len(value)))
        for key, item in value.items():
            _encode(key, out)
            _encode(item, out)
    else:
        raise TypeError(f"{type(value).__name__} is not encoded")


def decode(data: bytes) -> "Value":
    """Return the one item that `data` holds; arrays become tuples.

    Raises:
        CborError: `data` is anything else.
    """
    try:
        value, end = _decode(data, 0, 0)
    except IndexError:
        raise CborError("the item is cut short") from None
    except UnicodeDecodeError:
        raise CborError("a text string is not UTF-8") from None
    if end != len(data):
        raise CborError(f"{len(data) - end} bytes behind the item")
    return value


def _argument(data: bytes, at: int) -> tuple[int, int]:
    info = data[at] & 31
    if info < _LEAST[0]:
        return info, at + 1
    power = info - 24
    if power >= len(_LEAST):
        raise CborError("an indefinite or reserved length")
    end = at + 1 + (1 << power)
    if end > len(data):
        raise IndexError
    argument = int.from_bytes(data[at + 1 : end], "big")
    if argument < _LEAST[power]:
        raise CborError("a number longer than it need be")
    return argument, end


def _decode(data: bytes, at: int, depth: int) -> tuple["Value", int]:
    major = data[at] >> 5
    if major == _SIMPLE:
        if data[at] & 31 not in _SIMPLE_VALUES:
            raise CborError("a float or an unassigned simple value")
        return _SIMPLE_VALUES[data[at] & 31], at + 1
    argument, at = _argument(data, at)
    if major == _UINT:
        return argument, at
    if major == _NEGATIVE:
        return -1 - argument, at
    if major in (_BYTES, _TEXT):
        end = at + argument
        if end > len(data):
            raise IndexError
        return (data[at:end] if major == _BYTES else data[at:end].decode()), end
    if major == _TAG:
        raise CborError("a tag")
    if depth == _DEPTH_MAX:
        raise CborError("nested too deep")
    return (_array if major == _ARRAY else _map)(data, at, argument, depth + 1)


def _array(data: bytes, at: int, count: int, depth: int) -> tuple["Value", int]:
    items = []
    for _ in range(count):
        item, at = _decode(data, at, depth)
        items.append(item)
    return tuple(items), at


def _map(data: bytes, at: int, count: int, depth: int) -> tuple["Value", int]:
    items: dict[str, Value] = {}
    for _ in range(count):
        key, at = _decode(data, at, depth)
        if not isinstance(key, str):
            raise CborError("a key that is not text")
        if key in items:
            raise CborError(f"the key {key[:40]!r} twice")
        items[key], at = _decode(data, at, depth)
    return items, at
