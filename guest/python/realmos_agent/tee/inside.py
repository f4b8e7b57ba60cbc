# SPDX-License-Identifier: BSD-3-Clause
"""A client beside the TEE core: with its TAs in one realm, and not in one trust domain with them.

The client is a child of the core's process that has another user, a directory of its own, and the
socket of a hub. What it prints and reads is the process's own; its end is the process's, too. If
the core ends before, its calls are answered as by a TEE that is dead.
"""

import _signal  # type: ignore[import-not-found] # `signal` without its import of enum
import contextlib
import os
import socket
import stat
import threading
from pathlib import Path

from realmos_agent.tee.core import Core, Options
from realmos_agent.tee.hub import Hub

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

USER = 1000
"""The client's user and group if the core is root: nobody else's in a realm."""
HOME, LIBRARIES, SOCKET = "client", "lib", "tee.socket"
"""In the directory of TAs: the client's directory, libraries that are for it, and its way here."""
_SOCKET_VARIABLE = "REALMOS_TEE_SOCKET"
_LIBRARY_VARIABLE = "LD_LIBRARY_PATH"
_NOT_STARTED = 127
_SIGNAL_BASE = 128
_END_S = 10.0
_NICE, _OOM_SCORE = 5, "1000"  # as runners have them


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
    _give(home)
    ready, go = os.pipe()
    pid = os.fork()  # while there are no threads, and no secrets
    if pid == 0:
        os.close(go)
        _become(argv, home, _environment(options.ta_dir, home), ready)
    os.close(ready)
    try:
        return _serve(options, Path(options.ta_dir, SOCKET), pid, go)
    finally:
        os.close(go)


def _serve(options: Options, path: Path, pid: int, go: int) -> int:
    ours, hubs = socket.socketpair()
    with ours, hubs:
        core = Core(options, ours.fileno())
        thread = threading.Thread(target=_serve_core, args=(core, ours), daemon=True)
        with Hub(path, hubs, on_end=_tell_end, connects=bool(options.sockets)):
            _give(str(path))
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


def _give(path: str) -> None:
    if os.geteuid() == 0:
        os.chown(path, USER, USER)


def _environment(directory: str, home: str) -> dict[str, str]:
    libraries = (os.path.join(directory, LIBRARIES), os.environ.get(_LIBRARY_VARIABLE, ""))
    return {
        **os.environ,
        "HOME": home,
        _SOCKET_VARIABLE: os.path.join(directory, SOCKET),
        _LIBRARY_VARIABLE: ":".join(filter(None, libraries)),
    }


def _stand_back() -> None:
    """Go before TAs when memory runs out, and after them for the processor."""
    os.nice(_NICE)
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write(_OOM_SCORE)


def _give_pipes() -> None:
    """Let the client open its own /dev/stdin, /dev/stdout and /dev/stderr."""
    for fd in range(3):
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            os.fchown(fd, USER, USER)


def _become(argv: list[str], home: str, environment: dict[str, str], ready: int) -> "NoReturn":
    """Wait for the core, and turn this child into the client; or end with it."""
    try:
        if not os.read(ready, 1):
            os._exit(_NOT_STARTED)  # the core has failed, and said why
        os.close(ready)
        os.chdir(home)
        _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
        _stand_back()
        if os.geteuid() == 0:
            _give_pipes()
            os.setgroups([])
            os.setresgid(USER, USER, USER)
            os.setresuid(USER, USER, USER)
        os.execvpe(argv[0], argv, environment)
    except OSError as error:
        os.write(2, f"tee: {argv[0]} cannot be run: {error.strerror}\n".encode())
    finally:
        os._exit(_NOT_STARTED)
