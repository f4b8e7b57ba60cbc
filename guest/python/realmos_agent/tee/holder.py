# SPDX-License-Identifier: BSD-3-Clause
"""The hub's end of blobs: who does what the core asks, in a thread of its own, one by one."""

import errno
from functools import partial

from realmos_agent.tee import blobs, client_numbers, wire
from realmos_agent.tee.clerk import Clerk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from realmos_agent.tee.storage import Backend

WAITING_MAX = 4
"""Requests that may wait: a core has one at a time, beside those that it has given up."""
_JOIN_S = 60.0


class Holder(Clerk):
    """Holds blobs for a core.

    Args:
        backend: where they are; None to refuse.
        wake: called, by the thread, when there is an answer.
    """

    def __init__(self, backend: "Backend | None", wake: "Callable[[], None]") -> None:
        super().__init__(partial(answered, backend), wake, most=WAITING_MAX, patience=_JOIN_S)

    def ask(self, frame: wire.Frame) -> None:
        """Take a request, or refuse it when there are too many."""
        if not self.take(frame):
            self.answer(blobs.answer(frame.request, error=errno.EBUSY).to_bytes())


def answered(backend: "Backend | None", frame: wire.Frame) -> bytes:
    """Do what a frame asks for, and return the answer's frame."""
    try:
        return blobs.answer(frame.request, found=_done(backend, frame)).to_bytes()
    except wire.WireError:  # which may be that no frame has room for all names
        return blobs.answer(frame.request, error=errno.EBADMSG).to_bytes()
    except OSError as error:
        return blobs.answer(frame.request, error=error.errno or errno.EIO).to_bytes()


def _done(backend: "Backend | None", frame: wire.Frame) -> bytes | None:
    """Do what is asked for.

    Raises:
        WireError: it makes no sense.
        OSError: it cannot be done.
    """
    if backend is None:
        raise OSError(errno.ENOSYS, "there is no store")
    name, blob = blobs.parsed_request(frame)
    if frame.kind == client_numbers.KIND_BLOB_GET:
        return backend.get(name)
    if frame.kind == client_numbers.KIND_BLOB_NAMES:
        return blobs.packed_names(backend.names())
    if frame.kind == client_numbers.KIND_BLOB_PUT:
        backend.put(name, blob)
    else:
        backend.delete(name)
    return None
