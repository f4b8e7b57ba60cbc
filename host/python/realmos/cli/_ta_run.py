# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta run`: a client program with the Trusted Applications that it calls."""

import argparse
import os
from pathlib import Path

from realmos import process
from realmos.cache import Cache
from realmos.errors import ConfigError
from realmos.progress import Terminal
from realmos.tee.local import TeeClient, find_applications, find_client, local_tee

_SIGNAL_BASE = 128
_LIBRARIES = "LD_LIBRARY_PATH"


def run_ta(arguments: argparse.Namespace) -> int:
    """Host the TAs, run the client, and return its status (128 + N for signal N)."""
    files, client = _words(arguments.words)
    if not arguments.local:
        raise ConfigError(
            "TAs cannot be run in a realm yet", hint="--local runs them on this machine"
        )
    reporter, cache = Terminal(verbose=arguments.verbose), Cache()
    applications = find_applications(files, arguments.ta_key)
    with local_tee(applications, arguments.ta_key, cache=cache, reporter=reporter) as tee:
        found = find_client(client, tee, cache=cache, reporter=reporter)
        status = process.call(found.argv, env=_environment(found))
    return _SIGNAL_BASE - status if status < 0 else status


def _words(words: list[str]) -> tuple[list[Path], list[str]]:
    """Return the TAs' files, and the client's command line.

    Raises:
        ConfigError: one of them is not there, or an option is among the files.
    """
    usage = "realmos ta run [options] FILE.ta … -- CLIENT [ARGS …]"
    at = words.index("--") if "--" in words else len(words)
    files, client = words[:at], words[at + 1 :]
    late = [word for word in files if word.startswith("-")]
    if late:
        raise ConfigError(f"{late[0]} comes too late: options come before files", hint=usage)
    if not files or not client:
        what = "client" if files else "TA"
        raise ConfigError(f"there is no {what} to run", hint=usage)
    return [Path(name) for name in files], client


def _environment(client: TeeClient) -> dict[str, str]:
    """Return the user's environment with what the client needs; our library comes first."""
    both = {**os.environ, **client.environment}
    paths = [each.get(_LIBRARIES, "") for each in (client.environment, os.environ)]
    if any(paths):
        both[_LIBRARIES] = ":".join(dict.fromkeys(filter(None, paths)))
    return both
