# SPDX-License-Identifier: BSD-3-Clause
"""A client beside the TEE core: with its TAs in one realm, and not in one trust domain with them.

The client is a child of the core's process that has another user, a directory of its own, and the
socket of a hub. It reads and prints what the process would, but for errors: these come through the
core, whose standard error is not the client's to fill or to change. Its end is the process's, too.
If the core ends before, its calls are answered as by a TEE that is dead.
"""

import contextlib
import fcntl
import os
import select
import socket
import threading
from pathlib import Path

from realmos_agent.tee.client_process import become, give
from realmos_agent.tee.core import Core, Options
from realmos_agent.tee.hub import Hub

HOME, LIBRARIES, SOCKET = "client", "lib", "tee.socket"
"""In the directory of TAs: the client's directory, libraries that are for it, and its way here."""
_SOCKET_VARIABLE = "REALMOS_TEE_SOCKET"
_LIBRARY_VARIABLE = "LD_LIBRARY_PATH"
_SIGNAL_BASE = 128
_END_S = 10.0
_PIECE = select.PIPE_BUF  # what a pipe takes in one piece
_STDERR = 2


def run_client(options: Options, argv: list[str]) -> int:
    """Run a core and a client of it; return what a shell would call the client's status.

    Args:
        options: of the core.
        argv: the client's program and its arguments.

    Raises:
        OSError: the client's directory or its process cannot be made, or the TA key not be read.
        StoreError: there is no store as the options want it.
        ValueError: the TA key is none.
    """
    home = os.path.join(options.ta_dir, HOME)
    os.makedirs(home, exist_ok=True)
    give(home)
    ready, go = os.pipe()
    errors, said = os.pipe()
    pid = os.fork()  # while there are no threads, and no secrets
    if pid == 0:
        os.close(go)
        os.close(errors)
        os.dup2(said, _STDERR)
        os.close(said)
        become(argv, home, _environment(options.ta_dir, home), ready)
    os.close(ready)
    os.close(said)
    try:
        with _Copier(errors):
            return _serve(options, Path(options.ta_dir, SOCKET), pid, go)
    finally:
        os.close(go)


class _Copier:
    """Copies what the client says on its standard error, until it has ended.

    Args:
        source: a pipe that it comes by; this object's to close.
    """

    def __init__(self, source: int) -> None:
        self._source = source
        os.set_blocking(source, False)
        self._ended, self._end = os.pipe()
        self._thread = threading.Thread(target=self._copy, daemon=True)
        self._thread.start()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        os.close(self._end)
        self._thread.join()

    def _copy(self) -> None:
        # An error: nobody reads what goes there, or the client has ended, and left nothing.
        with contextlib.suppress(OSError):
            while self._ended not in select.select((self._source, self._ended), (), ())[0]:
                if not self._pass_on():
                    break
            # What the client has left behind may go on for ever.
            left = fcntl.fcntl(self._source, fcntl.F_GETPIPE_SZ)
            while left > 0 and (size := self._pass_on()):
                left -= size
        os.close(self._source)
        os.close(self._ended)

    def _pass_on(self) -> int:
        data = os.read(self._source, _PIECE)
        view = memoryview(data)
        while view:
            view = view[os.write(_STDERR, view) :]
        return len(data)


def _serve(options: Options, path: Path, pid: int, go: int) -> int:
    ours, hubs = socket.socketpair()
    with ours, hubs:
        core = Core(options, ours.fileno())
        thread = threading.Thread(target=_serve_core, args=(core, ours), daemon=True)
        with Hub(path, hubs, on_end=_tell_end, connects=bool(options.sockets)):
            give(str(path))
            thread.start()
            os.write(go, b"x")
            _, status = os.waitpid(pid, 0)
        thread.join(_END_S)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else _SIGNAL_BASE - code


def _serve_core(core: Core, ours: socket.socket) -> None:
    """Serve the hub, which learns of the end, whatever that comes from."""
    try:
        core.serve(ours.fileno())
    finally:
        with contextlib.suppress(OSError):
            ours.shutdown(socket.SHUT_RDWR)


def _tell_end(reason: str) -> None:
    os.write(2, f"tee: the TEE has ended: {reason}\n".encode())


def _environment(directory: str, home: str) -> dict[str, str]:
    libraries = (os.path.join(directory, LIBRARIES), os.environ.get(_LIBRARY_VARIABLE, ""))
    return {
        **os.environ,
        "HOME": home,
        _SOCKET_VARIABLE: os.path.join(directory, SOCKET),
        _LIBRARY_VARIABLE: ":".join(filter(None, libraries)),
    }
