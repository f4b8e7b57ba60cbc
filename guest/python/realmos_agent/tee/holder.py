# SPDX-License-Identifier: BSD-3-Clause
"""The hub's end of blobs: who does what the core asks, in a thread of its own, one by one."""

import errno
import queue
import threading
from collections import deque

from realmos_agent.tee import blobs, client_numbers, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from realmos_agent.tee.storage import Backend

WAITING_MAX = 4
"""Requests that may wait; a core has one at a time."""
_JOIN_S = 60.0


class Holder:
    """Holds blobs for a core.

    Args:
        backend: where they are; None to refuse.
        wake: called, by the thread, when there is an answer.
    """

    def __init__(self, backend: "Backend | None", wake: "Callable[[], None]") -> None:
        self._backend = backend
        self._wake = wake
        self._asked: queue.Queue[wire.Frame | None] = queue.Queue(WAITING_MAX + 1)
        self._answers: deque[bytes] = deque()
        self._thread: threading.Thread | None = None

    def ask(self, frame: wire.Frame) -> None:
        """Take a request.

        Raises:
            WireError: there are too many.
        """
        if self._asked.qsize() >= WAITING_MAX:
            raise wire.WireError("it asks for more blobs at a time than it needs")
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="tee holder", daemon=True)
            self._thread.start()
        self._asked.put_nowait(frame)

    def take_answers(self) -> list[bytes]:
        """Return the frames that are for the core."""
        found = []
        while self._answers:
            found.append(self._answers.popleft())
        return found

    def close(self) -> None:
        """Do what was asked for, and end."""
        if self._thread is not None:
            self._asked.put_nowait(None)
            self._thread.join(_JOIN_S)

    def _serve(self) -> None:
        while (frame := self._asked.get()) is not None:
            self._answers.append(answered(self._backend, frame))
            self._wake()


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
