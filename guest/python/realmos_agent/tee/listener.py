# SPDX-License-Identifier: BSD-3-Clause
"""The socket that clients connect to."""

import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_BACKLOG = 64
_PATH_MAX = 107


class SocketError(OSError):
    """No socket for clients can be made; says why."""


def listen(path: "Path") -> socket.socket:
    """Return a socket that listens at `path`, for its owner alone.

    Raises:
        SocketError: there can be none.
    """
    if len(str(path).encode()) > _PATH_MAX:
        raise SocketError(f"the path of the TEE's socket is too long: {path}")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise SocketError(f"no socket can be made at {path}: {error.strerror}") from error
    listener.setblocking(False)
    return listener
