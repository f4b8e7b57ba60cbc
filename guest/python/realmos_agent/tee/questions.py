# SPDX-License-Identifier: BSD-3-Clause
"""Questions that the core asks the hub over the tee wire, and the answers, by any threads."""

import errno
import threading

from realmos_agent.tee import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 120.0
"""How long the core waits for an answer: the hub's disk may be slow, and its realm emulated."""


class Questions:
    """Asks, and waits.

    Args:
        send: sends the bytes of one frame.
        seconds: how long to wait for an answer.
    """

    def __init__(self, send: "Callable[[bytes], None]", seconds: float = SECONDS) -> None:
        self._send = send
        self._seconds = seconds
        self._lock = threading.Condition()
        self._last = 0
        self._waiting: set[int] = set()
        self._answers: dict[int, bytes] = {}
        self._late: dict[int, Callable[[bytes], None]] = {}
        self._over = False

    def take(self, frame: wire.Frame) -> None:
        """Take an answer of the hub's.

        Raises:
            WireError: nobody has asked.
        """
        with self._lock:
            if frame.client or not 0 < frame.request <= self._last:
                raise wire.WireError("an answer to what nobody asked")
            if frame.request in self._waiting:
                self._waiting.remove(frame.request)
                self._answers[frame.request] = frame.body
                self._lock.notify_all()
            late = self._late.pop(frame.request, None)
        if late is not None:
            late(frame.body)

    def end(self) -> None:
        """Tell all who wait that no answer will come any more."""
        with self._lock:
            self._over = True
            self._lock.notify_all()

    def ask(self, kind: int, body: bytes, late: "Callable[[bytes], None] | None" = None) -> bytes:
        """Ask the hub, and return the body of its answer.

        Args:
            kind: of the frame that asks.
            body: its body.
            late: takes the body of an answer that comes too late, and does not wait.

        Raises:
            TimeoutError: there is none in time.
            OSError: there will be none.
        """
        with self._lock:
            self._last += 1
            number = self._last
            self._waiting.add(number)
        sent = False
        try:
            self._send(wire.Frame(kind, 0, number, body).to_bytes())
            sent = True
            with self._lock:
                self._lock.wait_for(lambda: number in self._answers or self._over, self._seconds)
        finally:
            with self._lock:
                self._waiting.discard(number)
                answer, over = self._answers.pop(number, None), self._over
                if late is not None and sent and answer is None and not over:
                    self._late[number] = late
        if answer is None and over:
            raise OSError(errno.EPIPE, "the hub has ended")
        if answer is None:
            raise TimeoutError(
                errno.ETIMEDOUT, f"the hub did not answer within {self._seconds:g} s"
            )
        return answer
