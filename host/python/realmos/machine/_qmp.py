# SPDX-License-Identifier: BSD-3-Clause
"""QEMU's control protocol, through qemu.qmp's blocking client."""

import contextlib
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from qemu.qmp import QMPError
from qemu.qmp.legacy import QEMUMonitorProtocol

from realmos.errors import MachineError

_POLL_SECONDS = 0.01
_GONE = (OSError, EOFError, QMPError)
"""What the library raises when QEMU refuses, does not answer (TimeoutError), or has gone."""


class Qmp:
    """A connection to one QEMU's control socket.

    Args:
        path: the socket.
        timeout: seconds that one command may take.

    Raises:
        MachineError: there is no QEMU behind the socket, or a command fails.
    """

    def __init__(self, path: Path, *, timeout: float = 60.0) -> None:
        self._client = QEMUMonitorProtocol(str(path))
        self._client.settimeout(timeout)
        try:
            self._client.connect()
        except _GONE as error:
            self._client.close()
            raise MachineError(f"QEMU's control socket does not answer: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; QEMU goes on. A QEMU that has gone is no error here."""
        with contextlib.suppress(*_GONE):
            self._client.close()

    def command(self, name: str, **arguments: object) -> object:
        """Run one QMP command and return its result."""
        try:
            return self._client.cmd(name, **arguments)
        except _GONE as error:
            raise MachineError(f"QEMU refused {name}: {error}") from error

    def wait_migration(self, *, timeout: float) -> None:
        """Wait until a migration that was started has completed.

        Raises:
            MachineError: it failed, or took longer than `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            info = self.command("query-migrate")
            status = info.get("status") if isinstance(info, dict) else None
            if status == "completed":
                return
            if status in {"failed", "cancelled"}:
                raise MachineError(f"the snapshot failed: {info}")
            if time.monotonic() > deadline:
                raise MachineError(f"the snapshot is still {status} after {timeout:.0f} s")
            time.sleep(_POLL_SECONDS)
