# SPDX-License-Identifier: BSD-3-Clause
"""What clients give this realm to work on: measured into REM 1 first, and written down.

A verifier replays the log and compares what comes of it with REM 1 in a token. The log therefore
needs no protection. A realm whose image has no device for REM 1 serves plain clients all the same,
and makes no channel; one that has it, but could not keep REM 1 for its agent, takes no work.
"""

import errno
import os

from realmos_agent import attestation
from realmos_agent.protocol import eventlog, measurement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from realmos_agent.protocol.measurement import Event


class Ledger:
    """The events so far.

    Args:
        path: the log; a file that is there is replaced, as it is another agent's.
        complain: told, once, if there is no way to REM 1.
    """

    def __init__(self, path: bytes, complain: "Callable[[str], None]") -> None:
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o600)
        self._size = 0
        self._open = False
        self._fault = ""
        self._algorithm = self._claim(complain)

    @property
    def measures(self) -> bool:
        """Whether REM 1 takes the events."""
        return self._algorithm is not None

    def _claim(self, complain: "Callable[[str], None]") -> str | None:
        """Keep REM 1 for the agent; return the realm's hash, None if there is no REM 1."""
        try:
            attestation.claim(measurement.REM_INDEX)
            return attestation.config().hash_algorithm
        except attestation.NoDeviceError as error:
            complain(f"REM 1 will not tell what runs here: {error}")
        except attestation.AttestationError as error:
            self._fault = f"REM 1 could not be kept for the agent: {error}"
            complain(self._fault)
        return None

    def record(self, event: "Event") -> None:
        """Measure an event, before what it tells of happens.

        Raises:
            OSError: REM 1 did not take it, so it must not happen.
        """
        if self._fault:
            raise OSError(errno.EIO, self._fault)
        self._open = not isinstance(event, measurement.EndEvent)
        data = measurement.encode(event)
        self._write(eventlog.entry(data))
        if self._algorithm is not None:
            try:
                attestation.measure(
                    measurement.REM_INDEX, measurement.digest(data, self._algorithm)
                )
            except attestation.AttestationError as error:
                raise OSError(errno.EIO, str(error)) from error

    def end(self) -> None:
        """Note that a session is over: what follows finds nothing that it put in its directory."""
        if self._open:
            self._open = False
            try:
                self.record(measurement.EndEvent())
            except OSError as error:
                self._fault = f"REM 1 did not take the end of a session: {error.strerror}"

    def _write(self, entry: bytes) -> None:
        """Append an entry, whole or not at all."""
        view = memoryview(entry)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(entry)
