# SPDX-License-Identifier: BSD-3-Clause
"""A program in the realm on this process's terminal."""

import contextlib
import os
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from realmos.agent._client import AgentClient
    from realmos.agent._runs import RunHandle

ESCAPE = b"\x1d"
"""What leaves the shell whatever runs in it: Ctrl-]."""

_FALLBACK = os.terminal_size((80, 24))
_TICK_S = 0.2


class _Keyboard:
    """The terminal's input, with an eye on the escape."""

    def __init__(self, fd: int) -> None:
        self.fd: int | None = fd
        self._fd = fd
        self.left = False

    def read(self, size: int) -> bytes:
        """Return what was typed up to the escape."""
        data, escape, _ = os.read(self._fd, size).partition(ESCAPE)
        self.left = self.left or bool(escape)
        return data


def run_shell(client: "AgentClient", argv: Sequence[str]) -> int:
    """Run a program (none: a shell) on a terminal like ours until it ends or is left.

    Returns:
        its exit status, as shells have it.
    """
    keyboard = _Keyboard(sys.stdin.fileno())
    size = _size()
    env = {"TERM": os.environ.get("TERM", "dumb")}
    with _raw(sys.stdin.fileno()):
        handle = client.start(argv, env=env, stdin=keyboard, stdout=_write, pty=size)
        _attend(client, handle, keyboard, size)
        if not handle.over:
            handle.kill()
        return handle.wait().status


def _attend(
    client: "AgentClient", handle: "RunHandle", keyboard: _Keyboard, size: tuple[int, int]
) -> None:
    while not (handle.over or keyboard.left):
        client.pump(_TICK_S)
        now = _size()
        if now != size:
            size = now
            handle.resize(*size)


def _size() -> tuple[int, int]:
    try:
        size = os.get_terminal_size(sys.stdin.fileno())
    except OSError:
        size = _FALLBACK
    return size.lines, size.columns


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(sys.stdout.fileno(), data) :]


@contextlib.contextmanager
def _raw(fd: int) -> Iterator[None]:
    """Hand every key to the realm, Ctrl-C included, while in the context."""
    if not os.isatty(fd):
        yield
        return
    before = termios.tcgetattr(fd)
    tty.setraw(fd, termios.TCSADRAIN)  # keeps what was typed ahead
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):  # the terminal may be dead
            termios.tcsetattr(fd, termios.TCSADRAIN, before)
