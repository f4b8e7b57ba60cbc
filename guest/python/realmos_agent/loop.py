# SPDX-License-Identifier: BSD-3-Clause
"""The agent's event loop: file descriptors, their handlers, and one thread.

Built on poll(2) rather than epoll: a forked workload would share an epoll set with the agent.
"""

import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

READ = select.POLLIN
WRITE = select.POLLOUT


class Loop:
    """Calls the handler of each watched descriptor that is ready."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._watched: dict[int, tuple[int, Callable[[], None]]] = {}

    def watch(self, fd: int, events: int, handler: "Callable[[], None]") -> None:
        """Call `handler` whenever `fd` is ready for `events`; with no events, stop doing so.

        An error or a hang-up counts as ready, and shows when the handler reads or writes.
        """
        if not events:
            self.forget(fd)
        elif self._watched.get(fd) != (events, handler):
            self._poll.register(fd, events)
            self._watched[fd] = (events, handler)

    def forget(self, fd: int) -> None:
        """Stop watching `fd`; call it before closing the descriptor."""
        if self._watched.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def wait(self, timeout_ms: int | None) -> None:
        """Handle what is ready, waiting at most `timeout_ms` for it (None: for ever)."""
        for fd, _ in self._poll.poll(timeout_ms):
            # A handler may have made the agent forget a descriptor that is still in this list.
            if fd in self._watched:
                self._watched[fd][1]()
