# SPDX-License-Identifier: BSD-3-Clause
"""Who does what the core asks of its hub, one thing after the other, in a thread of its own."""

import queue
import threading
from collections import deque

from realmos_agent.tee import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Clerk:
    """Takes requests, and has answers.

    Args:
        serve: does what a frame asks for, and returns the answer's.
        wake: called, by the thread, when there is an answer.
        most: requests that may wait.
        patience: seconds that what is under way may take at the end.
    """

    def __init__(
        self,
        serve: "Callable[[wire.Frame], bytes]",
        wake: "Callable[[], None]",
        *,
        most: int,
        patience: float,
    ) -> None:
        self._do = serve
        self._wake = wake
        self._most = most
        self._patience = patience
        self._asked: queue.Queue[wire.Frame | None] = queue.Queue()
        self._answers: deque[bytes] = deque()
        self._thread: threading.Thread | None = None

    def take(self, frame: wire.Frame) -> bool:
        """Take a request, unless there are too many."""
        if self._asked.qsize() >= self._most:
            return False
        if self._thread is None:
            name = f"tee {type(self).__name__.lower()}"
            self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
            self._thread.start()
        self._asked.put_nowait(frame)
        return True

    def answer(self, data: bytes) -> None:
        """Have an answer."""
        self._answers.append(data)
        self._wake()

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
            self._thread.join(self._patience)

    def _serve(self) -> None:
        while (frame := self._asked.get()) is not None:
            self.answer(self._do(frame))
