# SPDX-License-Identifier: BSD-3-Clause
"""Client programs of Trusted Applications: run as the user's own, with our libteec."""

import os
import sys

from realmos import process
from realmos.tee.local import TeeClient

_SIGNAL_BASE = 128
_LIBRARIES = "LD_LIBRARY_PATH"


def call_client(client: TeeClient, *, to_stderr: bool = False) -> int:
    """Run a client to its end, and return its status, 128 + N for signal N.

    Args:
        client: of `find_client`.
        to_stderr: what it prints goes there.
    """
    stdout = sys.stderr.fileno() if to_stderr else None
    return exit_status(process.call(client.argv, env=client_environment(client), stdout=stdout))


def exit_status(status: int) -> int:
    """Return what a shell would call a status of `process`."""
    return _SIGNAL_BASE - status if status < 0 else status


def client_environment(client: TeeClient) -> dict[str, str]:
    """Return the user's environment with what the client needs; our library comes first."""
    both = {**os.environ, **client.environment}
    paths = [each.get(_LIBRARIES, "") for each in (client.environment, os.environ)]
    if any(paths):
        both[_LIBRARIES] = ":".join(dict.fromkeys(filter(None, paths)))
    return both
