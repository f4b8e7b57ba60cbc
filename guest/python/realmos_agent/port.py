# SPDX-License-Identifier: BSD-3-Clause
"""The byte stream to the build machine: a virtio-serial port, found by its name.

A port behaves in its own way when nobody is connected on the other side: reads return nothing,
poll reports a hang-up without end, and both stop as soon as somebody connects. The agent
therefore stops watching it and looks again every `RETRY_MS`.
"""

import errno
import os

RETRY_MS = 25
# What the kernel takes in one write to a port.
_WRITE_MAX = 32 << 10
_READ_MAX = 64 << 10
_SYS = "/sys/class/virtio-ports"


def find_port(name: str, sys: str = _SYS) -> str | None:
    """Return the device of the port called `name`, or None when there is none (yet).

    QEMU wants the ports of one machine to have different names, so a dot and the realm's number
    may follow.
    """
    try:
        ports = sorted(os.listdir(sys))
    except FileNotFoundError:
        return None
    for port in ports:
        found = _name_of(f"{sys}/{port}")
        if found == name or found.startswith(f"{name}."):
            return f"/dev/{port}"
    return None


def _name_of(port: str) -> str:
    """Return a port's name; a console's port has none."""
    try:
        with open(f"{port}/name", encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


class Port:
    """Non-blocking reads, and writes through a queue.

    Args:
        read_fd: where bytes come from.
        write_fd: where they go; the same descriptor, for a port.
    """

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self.read_fd = read_fd
        self.write_fd = write_fd
        self._queue: list[memoryview] = []
        self._partial = False
        self.pending = 0
        for fd in (read_fd, write_fd):
            os.set_blocking(fd, False)

    def read(self) -> bytes | None:
        """Return what has arrived, None when nothing has, or b"" when nobody is connected."""
        pieces: list[bytes] = []
        # The kernel hands out a port's bytes a page at a time.
        while sum(map(len, pieces)) < _READ_MAX:
            try:
                piece = os.read(self.read_fd, _READ_MAX)
            except BlockingIOError:
                return b"".join(pieces) if pieces else None
            except OSError as error:
                if error.errno not in (errno.ECONNRESET, errno.EIO):  # a socket, a terminal
                    raise
                piece = b""
            if not piece:
                break  # the next read says so again
            pieces.append(piece)
        return b"".join(pieces)

    def send(self, frame: bytes) -> None:
        """Queue one frame."""
        self._queue.append(memoryview(frame))
        self.pending += len(frame)

    def drop(self) -> None:
        """Forget all queued frames, except the rest of one that is partly written."""
        del self._queue[1 if self._partial else 0 :]
        self.pending = sum(map(len, self._queue))

    def clear(self) -> None:
        """Forget all that is queued: nobody is there to read it."""
        self._partial = False
        self.drop()

    def flush(self) -> None:
        """Write as much of the queue as the port takes now."""
        while self._queue:
            head = self._queue[0]
            try:
                count = os.write(self.write_fd, head[:_WRITE_MAX])
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (errno.EPIPE, errno.ECONNRESET, errno.EIO):
                    self.clear()  # the next read finds the disconnection
                    return
                raise
            self.pending -= count
            self._partial = count < len(head)
            if self._partial:
                self._queue[0] = head[count:]
            else:
                del self._queue[0]
