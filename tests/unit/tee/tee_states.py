# SPDX-License-Identifier: BSD-3-Clause
"""Key objects and operation states, as the tests of cryptography make them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import strategies as st
from realmos_agent.tee import numbers
from realmos_agent.tee.crypto import operation
from realmos_agent.tee.crypto.objects import TransientObject
from realmos_agent.tee.crypto.operation import State
from realmos_agent.tee.errors import TeeError

ROOM = 1 << 20  # capacity enough for anything here


def key(object_type: int, value: bytes) -> TransientObject:
    """Return a symmetric key object."""
    made = TransientObject(object_type, len(value) * 8)
    made.populate(((numbers.ATTR_SECRET_VALUE, value),))
    return made


def state(algorithm: int, mode: int, *keys: TransientObject | None) -> State:
    return operation.create(algorithm, mode, *keys)


@contextmanager
def refused(code: int) -> Iterator[None]:
    """Expect a result."""
    with pytest.raises(TeeError) as caught:
        yield
    assert hex(caught.value.code) == hex(code)


def pieces(data: bytes, block: int = 1) -> st.SearchStrategy[list[bytes]]:
    """Cuts of some data into pieces, all but the last of whole blocks."""
    places = st.lists(st.integers(0, len(data) // block), max_size=5)
    return places.map(lambda at: _cut(data, sorted(place * block for place in at)))


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = [*places, len(data)]
    return [data[start:end] for start, end in zip([0, *places], ends, strict=True)]


def fed(update: Callable[[bytes], bytes | None], given: list[bytes]) -> bytes:
    """Feed pieces; return what came of them."""
    return b"".join(update(piece) or b"" for piece in given)
