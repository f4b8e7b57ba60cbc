# SPDX-License-Identifier: BSD-3-Clause
"""How a runner's process is started, and joined to the core."""

import os
import socket

from realmos_agent.tee import runner_numbers as numbers
from realmos_agent.tee.parts import RunnerError
from realmos_agent.tee.runner import START_SECONDS, RunnerProcess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.budget import Share


def start(
    argv: tuple[str, ...],
    environment: dict[str, str] | None = None,
    *,
    seconds: float | None = START_SECONDS,
    large: "Share | None" = None,
) -> RunnerProcess:
    """Start a runner and wait until it can be used.

    Args:
        argv: the program, found by its path, and its arguments.
        environment: its environment; nothing if None.
        seconds: how long it may take; None for no end, which a debugger may need.
        large: what large system calls take from; by default its own, as much as one may be.

    Raises:
        RunnerError: it does not start.
    """
    runner = launch(argv, environment, large=large)
    try:
        runner.greet(seconds)
    except RunnerError:
        runner.close()
        raise
    return runner


def launch(
    argv: tuple[str, ...],
    environment: dict[str, str] | None = None,
    *,
    large: "Share | None" = None,
) -> RunnerProcess:
    """Start a runner, which cannot be used before it was greeted.

    Args:
        argv: see `start`; so are the others.
        environment: its environment.
        large: what large system calls take from.

    Raises:
        RunnerError: there is no such program, or no more processes or descriptors.
    """
    try:
        ours, its = socket.socketpair()
    except OSError as error:
        raise RunnerError(f"{argv[0]} does not start: {error.strerror}") from error
    with its:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, its.fileno(), numbers.FD),
        ]
        try:
            # A session of its own, so that no terminal's signals reach it.
            pid = os.posix_spawn(
                argv[0], argv, environment or {}, file_actions=actions, setsid=True
            )
        except OSError as error:
            ours.close()
            raise RunnerError(f"{argv[0]} does not start: {error.strerror}") from error
    return RunnerProcess(pid, ours, large)
