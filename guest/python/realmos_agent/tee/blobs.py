# SPDX-License-Identifier: BSD-3-Clause
"""Blobs over the tee wire (docs/tee-wire.md): the frames, and the core's end of them.

The core asks the hub, which is on the untrusted side, to keep what secure storage has sealed. What
comes back is checked there; here no more than that it is an answer.
"""

import errno
import os
import struct

from realmos_agent.tee import client_numbers, wire
from realmos_agent.tee.questions import Questions
from realmos_agent.tee.storage import BLOB_MAX, NAME

REQUESTS = frozenset(
    (
        client_numbers.KIND_BLOB_GET,
        client_numbers.KIND_BLOB_PUT,
        client_numbers.KIND_BLOB_DELETE,
        client_numbers.KIND_BLOB_NAMES,
    )
)
FROM_CORE = wire.FROM_CORE | REQUESTS | {client_numbers.KIND_GONE}
"""Kinds of frames that a core sends to its hub."""

_NAME = struct.Struct(client_numbers.BLOB_FORMAT)
_HELD = struct.Struct(client_numbers.HELD_FORMAT)


def request(kind: int, number: int, name: str, blob: bytes) -> wire.Frame:
    """Return what asks for something; `name` is empty in BLOB_NAMES."""
    return wire.Frame(kind, 0, number, _NAME.pack(name.encode()) + blob)


def parsed_request(frame: wire.Frame) -> tuple[str, bytes]:
    """Return name and blob of a request.

    Raises:
        WireError: it is none.
    """
    if frame.client or len(frame.body) < _NAME.size:
        raise wire.WireError("what asks for a blob is cut short, or a client's")
    name = frame.body[: _NAME.size].rstrip(b"\0").decode("ascii", "replace")
    blob = frame.body[_NAME.size :]
    named = frame.kind != client_numbers.KIND_BLOB_NAMES
    if bool(NAME.fullmatch(name)) is not named or (name and not named):
        raise wire.WireError(f"{name!r} is no name of a blob")
    if len(blob) > (BLOB_MAX if frame.kind == client_numbers.KIND_BLOB_PUT else 0):
        raise wire.WireError(f"{len(blob)} bytes with a name of a blob")
    return name, blob


def answer(number: int, *, error: int = 0, found: bytes | None = None) -> wire.Frame:
    """Return what answers a request: an error, or what was found."""
    head = _HELD.pack(error, found is not None)
    return wire.Frame(client_numbers.KIND_HELD, 0, number, head + (found or b""))


def packed_names(names: list[str]) -> bytes:
    """Return names as they travel."""
    return b"".join(_NAME.pack(name.encode()) for name in names)


class RemoteBackend(Questions):
    """Blobs that the hub keeps; may be used by several threads.

    Args:
        send: sends the bytes of one frame.
        seconds: how long it waits for an answer.
    """

    def get(self, name: str) -> bytes | None:
        """Return a blob, None if there is none."""
        return self._ask(client_numbers.KIND_BLOB_GET, name)

    def put(self, name: str, blob: bytes) -> None:
        """Make or replace a blob."""
        self._ask(client_numbers.KIND_BLOB_PUT, name, blob)

    def delete(self, name: str) -> None:
        """Forget a blob, if there is one."""
        self._ask(client_numbers.KIND_BLOB_DELETE, name)

    def names(self) -> list[str]:
        """Return the names of all blobs, as far as they are such."""
        found = self._ask(client_numbers.KIND_BLOB_NAMES) or b""
        if len(found) % _NAME.size:
            raise OSError(errno.EPROTO, "the hub's list of blobs is cut short")
        names = (
            field.rstrip(b"\0").decode("ascii", "replace") for (field,) in _NAME.iter_unpack(found)
        )
        return [name for name in names if NAME.fullmatch(name)]

    def _ask(self, kind: int, name: str = "", blob: bytes = b"") -> bytes | None:
        """Ask the hub, and return what it found.

        Raises:
            OSError: it could not, does not answer, or not so that it makes sense.
        """
        body = self.ask(kind, _NAME.pack(name.encode()) + blob)
        if len(body) < _HELD.size or len(body) > _HELD.size + BLOB_MAX:
            raise OSError(errno.EPROTO, f"the hub answered with {len(body)} bytes")
        error, there = _HELD.unpack_from(body)
        if error == errno.ENOSYS:
            raise OSError(error, "the hub was given no directory for objects: --storage DIR")
        if error:
            known = os.strerror(error) if error in errno.errorcode else f"error {error:#x}"
            raise OSError(error, f"the hub says: {known}")
        return body[_HELD.size :] if there else None
