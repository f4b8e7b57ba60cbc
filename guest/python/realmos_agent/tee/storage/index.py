# SPDX-License-Identifier: BSD-3-Clause
"""The index: which blob holds which object, of which change of the store, after which other."""

import struct
from typing import NamedTuple

from realmos_agent.tee.storage.errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeAlias

    Address: TypeAlias = tuple[bytes, bytes]

MARK_SIZE = 32
NO_MARK = bytes(MARK_SIZE)
"""What comes before the first index."""
_HEAD = struct.Struct("<8sQ32sI")  # magic, generation, the mark before, number of objects
_MAGIC = b"RTEEIDX2"
_ENTRY = struct.Struct("<16sB16sI")  # TA, size of the object id that follows, name, size


class Entry(NamedTuple):
    """Where an object is.

    Attributes:
        name: of the blob.
        size: of what is in it, in bytes.
    """

    name: str
    size: int


class Index(NamedTuple):
    """What is in the index.

    Attributes:
        generation: how many changes of the store led to it.
        before: the mark (SHA-256 of the sealed blob) of the index that it came after.
        entries: by the TA's UUID and the object id.
    """

    generation: int
    before: bytes
    entries: "Mapping[Address, Entry]"


EMPTY = Index(0, NO_MARK, {})


def packed(index: Index) -> bytes:
    """Return an index as bytes."""
    out = [_HEAD.pack(_MAGIC, index.generation, index.before, len(index.entries))]
    for (ta, object_id), (name, size) in sorted(index.entries.items()):
        out.append(_ENTRY.pack(ta, len(object_id), bytes.fromhex(name), size) + object_id)
    return b"".join(out)


def parsed(content: bytes) -> Index:
    """Read what `packed` wrote: it was authenticated, so it can be of another version only.

    Raises:
        StoreError: it is.
    """
    if content[: len(_MAGIC)] != _MAGIC:
        raise StoreError("the index is of another version of realmos")
    _, generation, before, count = _HEAD.unpack_from(content)
    return Index(generation, before, dict(_entries(content, count)))


def _entries(content: bytes, count: int) -> "Iterator[tuple[Address, Entry]]":
    at = _HEAD.size
    for _ in range(count):
        ta, id_size, name, size = _ENTRY.unpack_from(content, at)
        at += _ENTRY.size + id_size
        yield (ta, content[at - id_size : at]), Entry(name.hex(), size)
