# SPDX-License-Identifier: BSD-3-Clause
"""Kills a process at each of its writes to a store, and looks at what is left: a program.

    python store_kills.py DIR directory|hub

The process has the directory itself, or a stream to a hub that has it and lives on. Prints a line a
kill: the change, and `old` or `new`. Whatever else is left ends this with a status that is not 0.
"""

import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from realmos.tee.hub import Hub
from realmos_agent.tee import client_numbers, wire
from realmos_agent.tee.blobs import RemoteBackend
from realmos_agent.tee.storage import DirectoryBackend, Store

KEY, TA = bytes(range(32)), b"T" * 16
CHANGES: dict[str, Callable[[Store], object]] = {
    "write": lambda store: store.write(TA, b"one", b"new"),
    "make": lambda store: store.write(TA, b"two", b"new"),
    "remove": lambda store: store.remove(TA, b"one"),
    "rename": lambda store: store.rename(TA, b"one", b"three"),
}
REAL_WRITE = os.write
State = dict[bytes, bytes]


class Fuse:
    """Ends the process at one of the moments to come, once it is lit."""

    def __init__(self, moments: int) -> None:
        self._left = moments
        self.lit = False

    def moment(self) -> None:
        """End it, if this is the one."""
        if self.lit and not self._left:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= self.lit

    def around(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """Have a moment before and after a call."""

        def call(*arguments: Any) -> Any:  # noqa: ANN401 - whatever is called
            self.moment()
            done = real(*arguments)
            self.moment()
            return done

        return call

    def write(self, fd: int, data: memoryview) -> int:
        """Write half, as `os.write` may, between two moments."""
        self.moment()
        done = REAL_WRITE(fd, data[: (len(data) + 1) // 2])
        self.moment()
        return done


def change_directory(path: Path, change: str, fuse: Fuse) -> None:
    """Change a store in a directory."""
    store = Store(DirectoryBackend(str(path)), KEY)
    store.ids(TA)
    for name in ("open", "fsync", "rename", "unlink"):
        setattr(os, name, fuse.around(getattr(os, name)))
    os.write = fuse.write  # type: ignore[assignment] # all that is written here are views
    fuse.lit = True
    CHANGES[change](store)


def change_by_hub(stream: socket.socket, change: str, fuse: Fuse) -> None:
    """Change a store that a hub holds."""

    def send(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[fuse.write(stream.fileno(), view) :]

    def receive() -> None:
        framer = wire.Framer(wire.TO_CORE | {client_numbers.KIND_HELD})
        while data := stream.recv(1 << 16):
            framer.feed(data)
            while (frame := framer.next_frame()) is not None:
                backend.take(frame)

    backend = RemoteBackend(send)
    threading.Thread(target=receive, daemon=True).start()
    store = Store(backend, KEY)
    store.ids(TA)
    fuse.lit = True
    CHANGES[change](store)


def is_killed(act: Callable[[], None]) -> bool:
    """Act in a process of its own; return whether that was killed."""
    child = os.fork()
    if not child:
        status = 1
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) not in (0, -signal.SIGKILL):
        raise SystemExit(f"the process that was to be killed ended with {status:#x}")
    return os.WIFSIGNALED(status)


def is_killed_by_hub(path: Path, change: str, fuse: Fuse) -> bool:
    ours, its = socket.socketpair()
    held = DirectoryBackend(str(path))
    with tempfile.TemporaryDirectory() as home, Hub(Path(home) / "tee", its, store=held):
        killed = is_killed(lambda: change_by_hub(ours, change, fuse))
        ours.close()
    held.close()
    return killed


def state_of(path: Path) -> State:
    """Return what is there now, after a look that it is all, and that it can be gone on with."""
    held = DirectoryBackend(str(path))
    store = Store(held, KEY)
    found = {object_id: store.read(TA, object_id) for object_id in store.ids(TA)}
    if len(held.names()) != 1 + len(found):
        raise SystemExit(f"something was left behind: {held.names()}")
    store.write(TA, b"after", b"life")
    store.remove(TA, b"after")
    held.close()
    return found


def outcome_of(path: Path, change: str, at: int, *, by_hub: bool) -> tuple[State, bool]:
    """Kill at one moment; return what is left, and whether it came to that."""
    held = DirectoryBackend(str(path))
    Store(held, KEY).write(TA, b"one", b"old")
    held.close()
    fuse = Fuse(at)
    if by_hub:
        killed = is_killed_by_hub(path, change, fuse)
    else:
        killed = is_killed(lambda: change_directory(path, change, fuse))
    return state_of(path), killed


def main() -> None:
    """Kill at every moment of every change."""
    # Who is killed loses nothing by it, and it costs more than all the rest.
    os.fsync = lambda fd: None  # noqa: ARG005 -- as the real one calls it
    home, by_hub = Path(sys.argv[1]), sys.argv[2] == "hub"
    old = {b"one": b"old"}
    for change in CHANGES:
        at, killed, outcomes = 0, True, list[State]()
        while killed:
            path = home / f"{change}-{at}"
            found, killed = outcome_of(path, change, at, by_hub=by_hub)
            outcomes.append(found)
            at += 1
        new = outcomes[-1]
        for found in outcomes:
            if found not in (old, new) or new == old:
                raise SystemExit(f"{change} left {found}")
            sys.stdout.write(f"{change} {'old' if found == old else 'new'}\n")


if __name__ == "__main__":
    main()
