# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta run`: a client program with the Trusted Applications that it calls."""

import argparse
from pathlib import Path

from realmos.cache import Cache
from realmos.cli._commands import options_of
from realmos.cli._stages import timed
from realmos.cli._ta_client import call_client
from realmos.cli._ta_inside import check_inside, run_inside
from realmos.cli._ta_realm import run_in_realm
from realmos.cli._ta_storage import check_storage, keeping_of
from realmos.errors import ConfigError
from realmos.progress import Terminal
from realmos.tee.local import find_applications, find_client, find_program, local_tee

_USAGE = "realmos ta run [options] FILE.ta … -- CLIENT [ARGS …]"


def run_ta(arguments: argparse.Namespace) -> int:
    """Host the TAs, run the client, and return its status (128 + N for signal N)."""
    files, client = words = split_words(arguments.words, _USAGE)
    check_inside(arguments)
    check_storage(arguments)
    reporter, cache = Terminal(verbose=arguments.verbose), Cache()
    if not arguments.local:
        options = options_of(arguments)
        run = run_inside if arguments.client_inside else run_in_realm
        return run(arguments, options, words, cache=cache, reporter=timed(reporter))
    applications = find_applications(files, arguments.ta_key)
    find_program(client[0])  # before anything is built and started for it
    with local_tee(
        applications,
        arguments.ta_key,
        cache=cache,
        reporter=reporter,
        keeping=keeping_of(arguments),
        sockets=arguments.sockets,
        plugins=arguments.plugin,
    ) as tee:
        found = find_client(client, tee, cache=cache, reporter=reporter)
        return call_client(found)


def split_words(words: list[str], usage: str) -> tuple[list[Path], list[str]]:
    """Return the TAs' files, and the client's command line.

    Args:
        words: as they were given, `--` among them.
        usage: of the command, for those who need it.

    Raises:
        ConfigError: one of them is not there, or an option is among the files.
    """
    at = words.index("--") if "--" in words else len(words)
    files, client = words[:at], words[at + 1 :]
    late = [word for word in files if word.startswith("-")]
    if late:
        raise ConfigError(f"{late[0]} comes too late: options come before files", hint=usage)
    if not files or not client:
        if files and "--" not in words:
            raise ConfigError("the client and its words come after --", hint=usage)
        what = "client" if files else "TA"
        raise ConfigError(f"there is no {what} to run", hint=usage)
    return [Path(name) for name in files], client
