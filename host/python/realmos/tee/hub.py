# SPDX-License-Identifier: BSD-3-Clause
"""The hub (`realmos_agent.tee.hub`) as it runs on the build machine, for a core elsewhere."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from realmos_agent.tee import hub
from realmos_agent.tee.listener import SocketError
from realmos_agent.tee.storage import Backend

from realmos.errors import ConfigError

STALL_S: Final = hub.STALL_S
SOCKETS: Final = ("--sockets", "hub")
"""What is in the command line of a core whose hub connects Trusted Applications."""


class Hub(hub.Hub):
    """Serves clients until it is closed, or, used as a context manager, left.

    Raises:
        ConfigError: no socket can be made there.
    """

    def __init__(
        self,
        path: Path,
        core: socket.socket,
        *,
        on_end: Callable[[str], None] = lambda _reason: None,
        stall: float = STALL_S,
        store: Backend | None = None,
        connects: bool = False,
        plugins: Callable[[bytes], bytes] | None = None,
    ) -> None:
        try:
            super().__init__(
                path, core, on_end=on_end, stall=stall, store=store, connects=connects,
                plugins=plugins,
            )  # fmt: skip
        except SocketError as error:
            raise ConfigError(
                str(error), hint="TMPDIR or XDG_RUNTIME_DIR names a directory with a short name"
            ) from error
