# SPDX-License-Identifier: BSD-3-Clause
"""Where a broker is: a socket in the file system, or a port of this machine."""

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from realmos.errors import ConfigError

_LOOPBACK = "127.0.0.1"
_BACKLOG = 16
_PATIENCE_S = 5.0
_PATH_MAX = 107  # sockaddr_un, without the NUL


@dataclass(frozen=True)
class Address:
    """A unix socket's path, or a port of the loopback interface."""

    path: Path | None = None
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Return the address that `PATH` or `127.0.0.1:PORT` stands for.

        Raises:
            ConfigError: it stands for none.
        """
        host, colon, port = text.rpartition(":")
        if colon and "/" not in text:
            if host not in {_LOOPBACK, "localhost"}:
                raise ConfigError(
                    f"{text}: a broker is on this machine",
                    hint=f"give a socket's path, or {_LOOPBACK}:PORT",
                )
            if not port.isdecimal() or not int(port) < 1 << 16:
                raise ConfigError(f"{text}: {port or 'nothing'} is no port")
            return cls(port=int(port))
        if not text or len(os.fsencode(text)) > _PATH_MAX:
            raise ConfigError(
                f"{text!r:.60} is no path of a socket: it has 1 to {_PATH_MAX} bytes",
                hint=f"give a shorter path, or {_LOOPBACK}:PORT",
            )
        return cls(path=Path(text))

    def __str__(self) -> str:
        """Return what `parse` makes this of."""
        return f"{_LOOPBACK}:{self.port}" if self.path is None else str(self.path)

    def connect(self) -> socket.socket:
        """Connect to the broker.

        Raises:
            OSError: there is none.
        """
        if self.path is None:
            return socket.create_connection((_LOOPBACK, self.port), timeout=_PATIENCE_S)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(_PATIENCE_S)
            connection.connect(os.fspath(self.path))
        except OSError:
            connection.close()
            raise
        return connection

    def require(self) -> None:
        """Make sure that a broker is there.

        Raises:
            ConfigError: none is.
        """
        try:
            self.connect().close()
        except OSError as error:
            raise ConfigError(
                f"no broker answers at {self}: {error.strerror or error}",
                hint="start one in another terminal: realmos broker serve",
            ) from error

    @contextmanager
    def listening(self) -> Iterator[socket.socket]:
        """Listen there; a socket in the file system is the user's alone, and gone at the end.

        Raises:
            ConfigError: it cannot be had, for instance as another broker has it.
        """
        with self._bound() as listener:
            listener.listen(_BACKLOG)
            yield listener

    @contextmanager
    def _bound(self) -> Iterator[socket.socket]:
        try:
            if self.path is None:
                listener = socket.create_server((_LOOPBACK, self.port))
            else:
                self._remove_stale(self.path)
                listener = _bind_private(self.path)
        except OSError as error:
            raise ConfigError(
                f"the broker cannot listen at {self}: {error.strerror}",
                hint="give another address with --listen",
            ) from error
        try:
            with listener:
                yield listener
        finally:
            if self.path is not None:
                self.path.unlink(missing_ok=True)

    def _remove_stale(self, path: Path) -> None:
        """Remove a socket that a dead broker left."""
        try:
            if not stat.S_ISSOCK(path.lstat().st_mode):
                raise ConfigError(f"{path} is there already, and is no socket")
        except FileNotFoundError:
            return
        try:
            self.connect().close()
        except ConnectionRefusedError:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
        else:
            raise ConfigError(
                f"another broker listens at {path}", hint="end it, or give another --listen"
            )


def _bind_private(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    # A socket has the mode that the mask leaves it, and is there from then on.
    mask = os.umask(0o177)
    try:
        listener.bind(os.fspath(path))
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(mask)
    return listener
