# SPDX-License-Identifier: BSD-3-Clause
"""What clients give this realm to work on: measured into REM 1 first, and written down.

A verifier replays the log and compares what comes of it with REM 1 in a token. The log therefore
needs no protection, and a realm without a way to REM 1 (one whose image has no device for it)
serves its client all the same: its tokens show that nothing was measured.
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
        except attestation.AttestationError as error:
            complain(f"REM 1 will not tell what runs here: {error}")
            return None

    def record(self, event: "Event") -> None:
        """Measure an event, before what it tells of happens.

        Raises:
            OSError: REM 1 did not take it, so it must not happen.
        """
        data = measurement.encode(event)
        _write(self._fd, eventlog.entry(data))
        if self._algorithm is not None:
            try:
                attestation.measure(
                    measurement.REM_INDEX, measurement.digest(data, self._algorithm)
                )
            except attestation.AttestationError as error:
                raise OSError(errno.EIO, str(error)) from error


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
