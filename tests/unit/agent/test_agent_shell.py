# SPDX-License-Identifier: BSD-3-Clause
"""A terminal here, attached to a terminal there."""

import os
import select
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.agent.conftest import Agent

TIMEOUT = 15.0
PROGRAM = """
import sys
from realmos.agent import AgentClient
with AgentClient(sys.argv[1], timeout=10.0) as client:
    sys.exit(client.shell(["sh"]))
"""


class Terminal:
    """A process on a terminal of its own."""

    def __init__(self, agent: "Agent") -> None:
        self.fd, theirs = os.openpty()
        termios.tcsetwinsize(self.fd, (33, 77))
        self.settings = termios.tcgetattr(self.fd)
        argv = [sys.executable, "-c", PROGRAM, str(agent.port.path)]
        self.process = subprocess.Popen(argv, stdin=theirs, stdout=theirs)
        os.close(theirs)
        self.seen = b""

    def close(self) -> None:
        self.process.kill()
        self.process.wait(TIMEOUT)
        os.close(self.fd)

    def type(self, text: bytes) -> None:
        os.write(self.fd, text)

    def expect(self, text: bytes) -> None:
        deadline = time.monotonic() + TIMEOUT
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            assert ready, self.seen
            self.seen += os.read(self.fd, 4096)


def test_shell_has_our_size_follows_it_and_returns_its_status(agent: "Agent") -> None:
    terminal = Terminal(agent)
    try:
        terminal.type(b"echo $((40 + 2)) $(stty size)\n")
        terminal.expect(b"42 33 77")
        termios.tcsetwinsize(terminal.fd, (44, 99))
        terminal.type(b"until stty size | grep '44 99'; do sleep 0.1; done\n")
        terminal.expect(b"44 99\r\n")
        terminal.type(b"exit 5\n")
        assert terminal.process.wait(TIMEOUT) == 5
        assert termios.tcgetattr(terminal.fd) == terminal.settings
    finally:
        terminal.close()


def test_shell_can_be_left_whatever_runs_in_it(agent: "Agent") -> None:
    terminal = Terminal(agent)
    try:
        terminal.type(b"trap '' INT; echo st''uck; while :; do sleep 1; done\n")
        terminal.expect(b"stuck")
        terminal.type(b"\x03\x1d")
        assert terminal.process.wait(TIMEOUT) == 128 + 9
        assert termios.tcgetattr(terminal.fd) == terminal.settings
    finally:
        terminal.close()
