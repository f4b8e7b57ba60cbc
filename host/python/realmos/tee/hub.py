# SPDX-License-Identifier: BSD-3-Clause
"""The hub (`realmos_agent.tee.hub`) as it runs on the build machine, for a core elsewhere."""

import socket
from pathlib import Path
from typing import Final

from realmos_agent.tee import hub
from realmos_agent.tee.listener import SocketError

from realmos.errors import ConfigError

SOCKETS: Final = ("--sockets", "hub")
"""What is in the command line of a core whose hub connects Trusted Applications."""


class Hub(hub.Hub):
    """Serves clients until it is closed, or, used as a context manager, left.

    Raises:
        ConfigError: no socket can be made there.
    """

    def _listen(self, path: Path) -> socket.socket:
        try:
            return super()._listen(path)
        except SocketError as error:
            raise ConfigError(
                str(error), hint="TMPDIR or XDG_RUNTIME_DIR names a directory with a short name"
            ) from error
