# SPDX-License-Identifier: BSD-3-Clause
"""What runs in a realm that is measured: a core, the bench's client, and a stopwatch between them.

    bench HOME CLIENT [ARG …] -- [CORE'S OPTION …]

HOME has libteec.so.2, and gets a socket. The client's requests go to the core one by one, as a
client of one thread makes them. What each takes is noted at the core's edge: from when it is sent
until its answer is there. The client prints what it measured itself; then comes a line for each
request: `edge: KIND FROM NS`.
"""

import os
import socket
import struct
import sys
from time import monotonic_ns
from typing import NoReturn

from realmos_agent.tee import client_numbers
from realmos_agent.tee.__main__ import main as serve_tee

_HEADER = struct.Struct(client_numbers.HEADER_FORMAT)
_CLIENT = 1
_SOCKET = "bench.socket"
_SOCKET_VARIABLE = "REALMOS_TEE_SOCKET"

Edge = tuple[int, int, int]
"""Of a request: its kind, when it was sent, and how long its answer took."""


def main() -> int:
    """Do what the command line says; return the client's status."""
    home, words = sys.argv[1], sys.argv[2:]
    at = words.index("--")
    path = f"{home}/{_SOCKET}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        core = _start_core(words[at + 1 :], listener)
        environment = {**os.environ, "LD_LIBRARY_PATH": home, _SOCKET_VARIABLE: path}
        pid = os.posix_spawn(words[0], words[:at], environment)
        client, _ = listener.accept()
    with core, client:
        edges = _serve(client, core)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    for kind, begin, took in edges:
        sys.stdout.write(f"edge: {kind} {begin} {took}\n")
    return status


def _start_core(options: list[str], listener: socket.socket) -> socket.socket:
    """Start a core as another process; return the stream to it."""
    ours, its = socket.socketpair()
    with its:
        if os.fork() == 0:
            ours.close()
            listener.close()
            _be_core(options, its)
    return ours


def _be_core(options: list[str], stream: socket.socket) -> NoReturn:
    os.dup2(stream.fileno(), 0)
    os.dup2(stream.fileno(), 1)
    sys.argv = ["tee", *options]
    serve_tee()


def _serve(client: socket.socket, core: socket.socket) -> list[Edge]:
    """Do what the hub does for one client, and time it."""
    edges = []
    while request := _frame(client, _CLIENT):
        begin = monotonic_ns()
        core.sendall(request)
        answer = _frame(core, 0)
        took = monotonic_ns() - begin
        client.sendall(answer)
        edges.append((_HEADER.unpack_from(request)[2], begin, took))
    return edges


def _frame(source: socket.socket, client: int) -> bytearray:
    """Return the next frame as that of another client number; nothing at the stream's end."""
    head = source.recv(_HEADER.size, socket.MSG_WAITALL)
    if len(head) < _HEADER.size:
        return bytearray()
    magic, length, kind, flags, _, request = _HEADER.unpack(head)
    frame = bytearray(_HEADER.size + length)
    _HEADER.pack_into(frame, 0, magic, length, kind, flags, client, request)
    if length:
        source.recv_into(memoryview(frame)[_HEADER.size :], length, socket.MSG_WAITALL)
    return frame


if __name__ == "__main__":
    sys.exit(main())
