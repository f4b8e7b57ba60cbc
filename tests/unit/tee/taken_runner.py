# SPDX-License-Identifier: BSD-3-Clause
"""A runner that a hostile TA has taken over: its end of the socket is the test's."""

import os
import signal
import socket
import struct
from collections.abc import Callable

from realmos_agent.tee import runner_numbers as wire
from realmos_agent.tee.budget import Share
from realmos_agent.tee.parts import Entry
from realmos_agent.tee.runner import RunnerProcess

ENTRY = Entry(0, 0, 0, 0, 0, 0, (0,) * 8)
MIB = 1 << 20


class Taken:
    """A process that does nothing, and its socket, in the hands of the test."""

    def __init__(self, large: Share | None = None) -> None:
        ours, self.end = socket.socketpair()
        self.pid = os.posix_spawn("/bin/sleep", ["sleep", "600"], {})
        self.runner = RunnerProcess(self.pid, ours, large)

    def say(self, kind: int, body: bytes = b"", length: int | None = None) -> None:
        if length is None:
            length = wire.LENGTH_MIN + len(body)
        self.end.sendall(struct.pack(wire.FRAME_FORMAT, length, kind) + body)

    def done(self, status: int = 0) -> None:
        self.say(wire.DONE, struct.pack(wire.DONE_FORMAT, status))

    def heard(self) -> list[tuple[int, bytes]]:
        """Return what the core has said so far."""
        data = self.end.recv(MIB, socket.MSG_DONTWAIT)
        frames = []
        while data:
            length, kind = struct.unpack_from(wire.FRAME_FORMAT, data)
            frames.append((kind, data[8 : 4 + length]))
            data = data[4 + length :]
        return frames

    def leave(self) -> None:
        self.end.close()
        os.kill(self.pid, signal.SIGTERM)


MakeTaken = Callable[[Share | None], Taken]
