# SPDX-License-Identifier: BSD-3-Clause
"""Changes of CBOR that leave it CBOR: what changes bytes alone rarely gets past the lengths.

Byte strings that hold CBOR themselves are taken apart too, so that a change of a claim reaches the
claims, with all lengths around it right.
"""

import random
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from operator import getitem, setitem
from typing import Any, Final

import cbor2


@dataclass
class Wrapped:
    """A byte string that holds CBOR."""

    content: Any


@dataclass
class Tagged:
    """A tagged item."""

    number: Any
    content: Any


ODD: Final[tuple[object, ...]] = (
    0, 1, -1, 23, 255, 2**16, 2**32, 2**64 - 1, -(2**64), 1.5, float("nan"), True, False, None,
    "", "\x1b[2J", "sha-512", "cca.rem3", b"", b"\0" * 32, b"\xff" * 48, b"\1" * 64, [], {},
    Tagged(32, "a"), Tagged(560, b"\2" * 32), Tagged(2, b"\xff" * 9),
)  # fmt: skip
"""Values to put in place of others."""


def mutate(data: bytes, seed: int) -> bytes:
    """Return CBOR with one to three changes; other data as it is."""
    chance = random.Random(seed)  # noqa: S311 (no secret)
    tree = _opened(data)
    if not isinstance(tree, Wrapped):
        return data
    for _ in range(chance.randint(1, 3)):
        _change(tree, chance)
    try:
        return _closed(tree.content)
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError):
        return data


def _opened(value: Any) -> Any:  # noqa: ANN401 (any CBOR)
    """Return a value with all that is nested in it open to changes."""
    if isinstance(value, bytes):
        try:
            inner = cbor2.loads(value, semantic_decoders={})
            whole = cbor2.dumps(inner) == value
        except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError):
            return value
        opens = whole and isinstance(inner, list | tuple | Mapping | cbor2.CBORTag)
        return Wrapped(_opened(inner)) if opens else value
    if isinstance(value, cbor2.CBORTag):
        return Tagged(value.tag, _opened(value.value))
    if isinstance(value, list | tuple):
        return [_opened(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _opened(item) for key, item in value.items()}
    return value


def _closed(value: Any) -> bytes:  # noqa: ANN401 (any CBOR)
    return cbor2.dumps(_plain(value))


def _plain(value: Any) -> Any:  # noqa: ANN401 (any CBOR)
    if isinstance(value, Wrapped):
        return _closed(value.content)
    if isinstance(value, Tagged):
        number = value.number
        fits = type(number) is int and 0 <= number < 1 << 64
        return cbor2.CBORTag(number if fits else 0, _plain(value.content))
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _change(tree: Wrapped, chance: random.Random) -> None:
    """Change one value, or leave one out, or add one, anywhere."""
    places: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []
    _collect(tree, places)
    containers = [get() for get, _ in places if isinstance(get(), list | dict)]
    if containers and chance.random() < 0.4:
        container = chance.choice(containers)
        keys = list(container) if isinstance(container, dict) else list(range(len(container)))
        if keys and chance.random() < 0.5:
            del container[chance.choice(keys)]
        elif isinstance(container, list):
            container.append(deepcopy(chance.choice([*container, *ODD])))
        else:
            key = chance.choice([*range(6), 10, 256, 265, 2395, 44235, 44243, "x", "\x1b"])
            container[key] = deepcopy(chance.choice([*container.values(), *ODD]))
        return
    get, put = chance.choice(places)
    other, _ = chance.choice(places)
    closely = chance.random() < 0.5
    put(_nudged(get(), chance) if closely else deepcopy(chance.choice([other(), *ODD])))


def _collect(
    tree: Any,  # noqa: ANN401 (any CBOR)
    places: list[tuple[Callable[[], Any], Callable[[Any], None]]],
) -> None:
    if isinstance(tree, Wrapped | Tagged):
        for name in ("number", "content") if isinstance(tree, Tagged) else ("content",):
            places.append((partial(getattr, tree, name), partial(setattr, tree, name)))
            _collect(getattr(tree, name), places)
        return
    keys: Any = ()
    if isinstance(tree, dict | list):
        keys = list(tree) if isinstance(tree, dict) else range(len(tree))
    for key in keys:
        places.append((partial(getitem, tree, key), partial(setitem, tree, key)))
        _collect(tree[key], places)


def _nudged(value: Any, chance: random.Random) -> Any:  # noqa: ANN401 (any CBOR)
    """Return something close to a value."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + chance.choice((-1, 1, 256, -value))
    if isinstance(value, str):
        return chance.choice((value[:-1], value + "x", value.upper(), value.encode()))
    if isinstance(value, bytes) and value:
        at = chance.randrange(len(value))
        flipped = value[:at] + bytes([value[at] ^ 1 << chance.randrange(8)]) + value[at + 1 :]
        return chance.choice((flipped, value[:-1], value + b"\0", value[: len(value) // 2]))
    return value
