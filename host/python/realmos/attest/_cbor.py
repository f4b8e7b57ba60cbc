# SPDX-License-Identifier: BSD-3-Clause
"""Strict decoding of CBOR from a peer that may be hostile.

A scanner walks over the bytes first and refuses all that this format has no use for, at a cost that
is bounded by the input's size. Only what it let pass goes to cbor2, which turns it into values.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final, TypeGuard

import cbor2

from realmos.errors import TokenError

MAX_SIZE: Final = 1 << 16
"""Bytes of input at most: 16 times what an RMM's token usually has."""
MAX_DEPTH: Final = 12
"""Containers and tags in one another at most. Tokens need 4."""

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _OTHER = range(8)
_KEY_TYPES: Final = (_UNSIGNED, _NEGATIVE, _TEXT)
_INDEFINITE: Final = 31
_FALSE, _NULL, _HALF, _DOUBLE = 20, 22, 25, 27
# The smallest number that each size of argument is the shortest for.
_ARGUMENTS: Final = {24: (1, 24), 25: (2, 1 << 8), 26: (4, 1 << 16), 27: (8, 1 << 32)}


def decode(data: bytes, what: str) -> object:
    """Decode the one item that `data` is.

    Maps become read-only mappings with integers and texts as keys, arrays tuples, and tagged items
    `cbor2.CBORTag`, whatever cbor2 would make of them: a token's dates, regular expressions
    and references are not to be evaluated.

    Args:
        data: the bytes.
        what: what they ought to be; the field that errors name.

    Raises:
        TokenError: `data` is larger than `MAX_SIZE`, deeper than `MAX_DEPTH`, not well-formed, not
            in shortest form, of indefinite length, has a key twice, or something follows.
    """
    if len(data) > MAX_SIZE:
        raise TokenError(f"{len(data)} bytes, more than {MAX_SIZE}", field=what)
    tags = _Scanner(data, what).scan()
    try:
        return cbor2.loads(
            data,
            semantic_decoders={tag: partial(_keep, tag) for tag in tags},
            allow_duplicate_keys=False,
            allow_indefinite=False,
            max_depth=MAX_DEPTH + 1,
            immutable=True,
        )
    except cbor2.CBORDecodeError as error:
        cause = f": {error.__cause__}" if error.__cause__ else ""
        raise TokenError(f"not strict CBOR: {error}{cause}", field=what) from error


def untag(value: object, tags: tuple[int, ...], what: str) -> tuple[int, object]:
    """Return the number and content of an item that has to have one of `tags`.

    Raises:
        TokenError: it has not.
    """
    expected = " or ".join(f"tag {tag}" for tag in tags)
    if not isinstance(value, cbor2.CBORTag) or value.tag not in tags:
        found = f"tag {value.tag}" if isinstance(value, cbor2.CBORTag) else kind(value)
        raise TokenError(f"expected {expected}, found {found}", field=what)
    return value.tag, value.value


def is_map(value: object) -> TypeGuard[Mapping[object, object]]:
    """Return whether a decoded value is a map."""
    return isinstance(value, Mapping)


def freeze(value: Mapping[object, object]) -> Mapping[object, object]:
    """Return a read-only copy of a map."""
    return MappingProxyType(dict(value))


def kind(value: object) -> str:
    """Return what CBOR calls a decoded value, for messages."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, tuple):
        return f"an array of {len(value)}"
    if is_map(value):
        return f"a map of {len(value)}"
    if isinstance(value, cbor2.CBORTag):
        return f"an item with tag {value.tag}"
    names = {int: "an integer", str: "a text", float: "a floating point number"}
    return names.get(type(value), "a simple value")


def _keep(tag: int, value: object, immutable: bool) -> cbor2.CBORTag:  # noqa: ARG001 (cbor2's)
    return cbor2.CBORTag(tag, value)


class _Scanner:
    """One pass over the heads of all items. No recursion, no memory but a stack of `MAX_DEPTH`."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._what = what
        self._at = 0
        self._tags: set[int] = set()
        # For each open container: items left in it, and whether it is a map.
        self._open: list[tuple[int, bool]] = []

    def scan(self) -> set[int]:
        """Return the tags in use."""
        self._item()
        while self._open:
            left, is_map = self._open.pop()
            if left:
                self._open.append((left - 1, is_map))
                self._item(key=is_map and left % 2 == 0)
        if self._at != len(self._data):
            raise self._error(f"{len(self._data) - self._at} bytes follow its end")
        return self._tags

    def _item(self, *, key: bool = False) -> None:
        major, info, argument = self._head()
        if key and major not in _KEY_TYPES:
            raise self._error("a key of a map is no integer or text")
        if major in {_BYTES, _TEXT}:
            if argument > len(self._data) - self._at:
                raise self._error("it is cut short")
            self._at += argument
        elif major in {_ARRAY, _MAP}:
            self._enter(argument * (2 if major == _MAP else 1), is_map=major == _MAP)
        elif major == _TAG:
            self._tags.add(argument)
            self._enter(1, is_map=False)
        elif major == _OTHER and not (_FALSE <= info <= _NULL or _HALF <= info <= _DOUBLE):
            raise self._error("a simple value other than false, true and null")

    def _enter(self, count: int, *, is_map: bool) -> None:
        if count > len(self._data) - self._at:
            raise self._error("it is cut short")
        if len(self._open) == MAX_DEPTH:
            raise self._error(f"items are nested more than {MAX_DEPTH} deep")
        self._open.append((count, is_map))

    def _head(self) -> tuple[int, int, int]:
        if self._at == len(self._data):
            raise self._error("it is cut short")
        first = self._data[self._at]
        major, info = first >> 5, first & 31
        self._at += 1
        if info == _INDEFINITE:
            raise self._error("indefinite lengths are not allowed")
        if info < min(_ARGUMENTS):
            return major, info, info
        if info not in _ARGUMENTS:
            raise self._error("a reserved length")
        size, least = _ARGUMENTS[info]
        if size > len(self._data) - self._at:
            raise self._error("it is cut short")
        argument = int.from_bytes(self._data[self._at : self._at + size])
        self._at += size
        if major != _OTHER and argument < least:
            raise self._error("a number is not in its shortest form")
        return major, info, argument

    def _error(self, problem: str) -> TokenError:
        return TokenError(f"not strict CBOR at byte {self._at}: {problem}", field=self._what)
