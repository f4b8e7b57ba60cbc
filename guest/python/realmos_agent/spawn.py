# SPDX-License-Identifier: BSD-3-Clause
"""Starting of workloads: fork, and what the child does before it becomes the workload.

A Python workload is a fork of the agent's own, already started interpreter: tens of milliseconds
instead of a second on an emulated processor. Soundness rests on three things. The agent has one
thread and keeps its descriptors as plain numbers, so a fork has no locks and no destructors that
act on the agent's behalf. The child drops every descriptor above 2 at once. And it leaves the
agent's stack by the exception `BecomeWorkload`, which nothing on the way may catch, so that the
workload runs at the top of the interpreter and ends with the interpreter's usual finalisation.

Both kinds are separate processes in a session of their own. They run as the agent's user: the
realm is one trust domain, and this guards it against accidents, not against malice.
"""

import _signal  # type: ignore[import-not-found] # `signal` without its import of enum
import fcntl
import os

from realmos_agent.record import Record


class Program(Record):
    """What to start: a program found on PATH, or a Python script, whose bytes are `script`."""

    argv: tuple[bytes, ...]
    env: dict[bytes, bytes]
    cwd: bytes | None
    script: bytes | None


class BecomeWorkload(BaseException):
    """Raised in a forked child: the program to run at the top of the interpreter."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program


class Child(Record):
    """A forked child: its process, and a pipe that tells how the start went.

    The pipe ends without a byte when the workload is about to run, or holds an error number.
    """

    pid: int
    status_fd: int


def spawn(program: Program, streams: tuple[int, int, int], *, terminal: bool) -> Child:
    """Fork a child that becomes `program`.

    Args:
        program: what to run.
        streams: the descriptors of its standard input, output and error.
        terminal: the streams are one terminal, which the child's session shall have.

    Raises:
        OSError: no process could be made.
        BecomeWorkload: in the child.
    """
    status_fd, report_fd = os.pipe2(os.O_CLOEXEC)
    try:
        pid = os.fork()
    except OSError:
        os.close(status_fd)
        os.close(report_fd)
        raise
    if pid == 0:
        _become(program, streams, report_fd, terminal=terminal)
    os.close(report_fd)
    return Child(pid, status_fd)


def _become(
    program: Program, streams: tuple[int, int, int], report_fd: int, *, terminal: bool
) -> None:
    """Turn this child into the workload; never returns."""
    try:
        report_fd = _arrange(streams, report_fd, terminal=terminal)
        if program.cwd is not None:
            os.chdir(program.cwd)
        if program.script is None:
            _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
            os.execvpe(program.argv[0], program.argv, program.env)
    except OSError as error:
        os.write(report_fd, str(error.errno).encode())
        os._exit(127)
    os.close(report_fd)
    raise BecomeWorkload(program)


def _arrange(streams: tuple[int, int, int], report_fd: int, *, terminal: bool) -> int:
    """Give the child its session and descriptors; return where `report_fd` is now."""
    report_fd = _above(report_fd)
    if terminal:
        os.login_tty(_above(streams[0]))
    else:
        os.setsid()
        for number, fd in enumerate([_above(fd) for fd in streams]):
            os.dup2(fd, number)
    os.dup2(report_fd, 3, inheritable=False)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    _reset_oom_score()
    return 3


def _above(fd: int) -> int:
    """Return a duplicate of `fd` that lies above the descriptors about to be overwritten."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 4)


def _reset_oom_score() -> None:
    # PID 1 exempts the agent from the kernel's choice of whom to kill; workloads are not exempt.
    try:
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(fd, b"0")
        os.close(fd)
    except OSError:
        pass  # no /proc: nothing was exempted either
