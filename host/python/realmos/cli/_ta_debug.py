# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta debug`: gdb at the entry of a TA that runs on this machine."""

import argparse
import os
import tempfile
from pathlib import Path
from uuid import UUID

from realmos import process
from realmos.cache import Cache
from realmos.cli._ta_client import client_environment, exit_status
from realmos.cli._ta_run import split_words
from realmos.errors import ConfigError, ToolError
from realmos.progress import Reporter, Terminal
from realmos.source.toolchain import GDB
from realmos.tee.debug import DebugTarget, debug_target
from realmos.tee.inspect import read_keys
from realmos.tee.local import find_applications, find_client, find_program, local_tee

_LOOK_S = 0.1
_USAGE = "realmos ta debug [options] FILE.ta … -- CLIENT [ARGS …]"


def run_ta_debug(arguments: argparse.Namespace) -> int:
    """Host the TAs, run the client until it opens a session, then gdb; return the client's status.

    Raises:
        ConfigError: the client never opened a session with the TA.
        ToolError: gdb never came to it.
    """
    GDB.require()
    files, client = split_words(arguments.words, _USAGE)
    reporter, cache = Terminal(verbose=arguments.verbose), Cache()
    applications = find_applications(files, arguments.ta_key)
    find_program(client[0])
    uuid = arguments.uuid or next(iter(applications))
    keys = read_keys([] if arguments.ta_key is None else [arguments.ta_key])
    with tempfile.TemporaryDirectory(prefix="realmos-gdb-") as name:
        target = debug_target(
            applications, uuid, keys, directory=Path(name), cache=cache, reporter=reporter
        )
        _warn(target, reporter)
        with local_tee(
            applications, arguments.ta_key, cache=cache, reporter=reporter, debug=target
        ) as tee:
            found = find_client(client, tee, cache=cache, reporter=reporter)
            running = process.accompany(found.argv, env=client_environment(found))
            try:
                _await_session(running, target)
                gdb = target.argv(GDB.program, arguments.ex, batch=arguments.batch)
                process.call(gdb, env=dict(os.environ), interrupts=False)
                _check_connected(target)
                return exit_status(running.wait())
            finally:
                process.kill_group(running.pid)
                running.wait()


def _warn(target: DebugTarget, reporter: Reporter) -> None:
    if target.plain:
        reporter.warn(
            f"{target.uuid} has only the symbols that are in its .ta file, and no source lines: "
            f"{target.plain}"
        )


def _await_session(client: process.Process, target: DebugTarget) -> None:
    """Wait until the TA waits for gdb.

    Raises:
        ConfigError: the client ended before.
    """
    while not target.waits():
        if process.wait(client, _LOOK_S) and not target.waits():
            raise ConfigError(
                f"the client ended with status {exit_status(client.returncode)} and opened no "
                f"session with {target.uuid}",
                hint="--uuid names the TA to stop in; realmos ta run --local shows what the "
                "client does",
            )


def _check_connected(target: DebugTarget) -> None:
    """See that gdb has been at the TA.

    Raises:
        ToolError: it has not, and the client would wait for its session for ever.
    """
    if target.waits():
        raise ToolError(
            f"{GDB.program} ended before it had connected to the TA",
            hint="see what it said above, and whether a ~/.gdbinit ends it",
        )


def ta_uuid(text: str) -> UUID:
    """Parse a UUID."""
    try:
        return UUID(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a UUID") from error
