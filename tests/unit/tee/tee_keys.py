# SPDX-License-Identifier: BSD-3-Clause
"""Key objects for tests, and the one way to say what fails with which result."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto import asymmetric
from realmos_agent.tee.crypto.asymmetric import AsymmetricState
from realmos_agent.tee.crypto.derive import DeriveState
from realmos_agent.tee.crypto.objects import Attribute, TransientObject
from realmos_agent.tee.errors import TeeError, name_of

Content = bytes | str | int | tuple[int, int]


@contextmanager
def fails(code: int) -> Iterator[None]:
    """Expect a system call to fail with a result."""
    with pytest.raises(TeeError) as caught:
        yield
    assert name_of(caught.value.code) == name_of(code)


def content(given: Content) -> Attribute:
    """Return an attribute of bytes, of hexadecimal digits, of a number, or of values."""
    if isinstance(given, str):
        return bytes.fromhex(given)
    if isinstance(given, int):
        return given.to_bytes((given.bit_length() + 7) // 8, "big")
    return given


def attributes(given: Mapping[int, Content]) -> tuple[tuple[int, Attribute], ...]:
    """Return attributes as a system call has them."""
    return tuple((name, content(value)) for name, value in given.items())


def key(object_type: int, size: int, given: Mapping[int, Content]) -> TransientObject:
    """Return an object that is populated."""
    made = TransientObject(object_type, size)
    made.populate(attributes(given))
    return made


def generated(
    object_type: int, size: int, given: Mapping[int, Content] | None = None
) -> TransientObject:
    """Return an object with a new key."""
    made = TransientObject(object_type, size)
    made.generate(size, attributes(given or {}))
    return made


def public_of(pair: TransientObject, object_type: int) -> TransientObject:
    """Return the public key of a pair."""
    made = TransientObject(object_type, pair.max_size)
    made.copy_from(pair)
    return made


def state(algorithm: int, mode: int, of: TransientObject) -> AsymmetricState:
    """Return the state of an asymmetric operation."""
    made = asymmetric.make(algorithm, mode, of, None)
    assert isinstance(made, AsymmetricState)
    return made


def derived(
    algorithm: int,
    of: TransientObject,
    params: Mapping[int, Content],
    *,
    room: int = 4096,
    ephemeral: TransientObject | None = None,
) -> bytes:
    """Return the key that a derivation gives."""
    made = asymmetric.make(algorithm, n.MODE_DERIVE, of, ephemeral)
    assert isinstance(made, DeriveState)
    target = TransientObject(n.TYPE_GENERIC_SECRET, room)
    made.derive(attributes(params), target)
    return target.secret()
