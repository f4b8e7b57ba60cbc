# SPDX-License-Identifier: BSD-3-Clause
"""Workloads: their processes, streams, signals and ends."""

import _signal  # type: ignore[import-not-found] # `signal` without its import of enum
import errno
import hashlib
import os
import stat
import sys
import time

from realmos_agent.kernel_log import was_killed_for_memory
from realmos_agent.loop import READ
from realmos_agent.pipes import InputPipe, OutputPipe
from realmos_agent.protocol import (
    Data,
    Eof,
    Exited,
    Message,
    Resize,
    Run,
    Signal,
    Started,
    numbers,
)
from realmos_agent.protocol.measurement import FailedEvent, RunEvent, run_event
from realmos_agent.spawn import Program, spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.service import Service

_SHELLS = (b"/bin/bash", b"/bin/sh")
_TERMINAL_MAX = 0xFFFF


class RunOperation:
    """One workload, from its fork to the last byte of its output."""

    def __init__(self, service: "Service", message: Run) -> None:
        self._service = service
        self._id = message.id
        self._outputs: list[OutputPipe] = []
        self._input: InputPipe | None = None
        self._terminal: int | None = None
        self._killed = False
        self._status: int | None = None
        self._started = False
        self._since_us = time.monotonic_ns() // 1000
        program = _program(service, message)
        service.ledger.record(_event(message, program.script, service.work_dir))
        self._name = program.argv[0]
        if message.pty is None:
            self._start_on_pipes(program, stdin=message.stdin)
        else:
            self._start_on_terminal(program, message.pty)

    def receive(self, message: Message) -> None:
        """Take input, a signal or a new terminal size."""
        if isinstance(message, Data) and self._input is not None:
            self._input.push(message.data)
        elif isinstance(message, Eof) and self._input is not None:
            self._input.end()
        elif isinstance(message, Signal) and 0 < message.signal <= numbers.SIGNAL_MAX:
            self._kill(message.signal)
        elif isinstance(message, Resize) and self._terminal is not None:
            _set_size(self._terminal, message.rows, message.columns)

    def refresh(self) -> None:
        """Watch what can make progress."""
        if not self._started:
            return
        if self._input is not None:
            self._input.refresh()
        for output in self._outputs:
            output.refresh()

    def abort(self) -> None:
        """Kill the workload and forget its streams; only its process remains to be reaped."""
        self._kill(_signal.SIGKILL)
        self._close()

    @property
    def _live(self) -> bool:
        """Whether the session still knows this run; another session may have reused its id."""
        return self._service.operations.get(self._id) is self

    def _start_on_pipes(self, program: Program, *, stdin: bool) -> None:
        opened: list[int] = []
        try:
            if stdin:
                opened += os.pipe2(os.O_CLOEXEC)
            else:
                opened += (os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC), -1)
            opened += os.pipe2(os.O_CLOEXEC)
            opened += os.pipe2(os.O_CLOEXEC)
            in_read, in_write, out_read, out_write, err_read, err_write = opened
            self._spawn(program, (in_read, out_write, err_write), terminal=False)
        except OSError:
            _close_all(opened)
            raise
        _close_all([in_read, out_write, err_write])
        if stdin:
            self._input = InputPipe(self._service, self._id, in_write, terminal=False)
        self._add_output(numbers.STREAM_OUT, out_read)
        self._add_output(numbers.STREAM_ERR, err_read)

    def _start_on_terminal(self, program: Program, size: tuple[int, int]) -> None:
        opened: list[int] = []
        try:
            opened += os.openpty()
            opened += (os.dup(opened[0]), os.dup(opened[0]))
            ours, theirs, for_input, self._terminal = opened
            _set_size(ours, *size)
            self._spawn(program, (theirs, theirs, theirs), terminal=True)
        except OSError:
            _close_all(opened)
            raise
        os.close(theirs)
        self._input = InputPipe(self._service, self._id, for_input, terminal=True)
        self._add_output(numbers.STREAM_OUT, ours)

    def _add_output(self, stream: int, fd: int) -> None:
        self._outputs.append(OutputPipe(self._service, self._id, stream, fd, self._finish))

    def _spawn(self, program: Program, streams: tuple[int, int, int], *, terminal: bool) -> None:
        child = spawn(program, streams, terminal=terminal)
        self._pid = child.pid
        self._status_fd = child.status_fd
        self._pidfd = os.pidfd_open(child.pid)
        self._service.loop.watch(self._status_fd, READ, self._on_start)
        self._service.loop.watch(self._pidfd, READ, self._on_exit)

    def _on_start(self) -> None:
        """Learn how the start went: the child closed the pipe, or wrote an error number."""
        report = os.read(self._status_fd, 16)
        self._service.loop.forget(self._status_fd)
        os.close(self._status_fd)
        self._status_fd = -1
        if not self._live:
            return
        if report:
            error = int(report)
            self._close()
            self._service.ledger.record(FailedEvent())
            self._service.fail(self._id, OSError(error, os.strerror(error), self._name))
        else:
            self._started = True
            self._service.send(Started(self._id, self._pid))

    def _on_exit(self) -> None:
        if self._status_fd >= 0:
            self._on_start()  # both came at once; first things first
        # The leader is not reaped yet, so its number still names the group and nothing else.
        self._kill_group(_signal.SIGKILL)
        _, self._status = os.waitpid(self._pid, 0)
        self._service.loop.forget(self._pidfd)
        os.close(self._pidfd)
        for output in self._outputs:
            output.drain()
        self._finish()

    def _finish(self) -> None:
        """Report the end, if the process and its output have both come to theirs."""
        if self._status is None or not self._started or not self._live:
            return
        if any(output.open for output in self._outputs):
            return
        self._close()
        code = os.waitstatus_to_exitcode(self._status)
        oom = (
            code == -_signal.SIGKILL
            and not self._killed
            and was_killed_for_memory(self._pid, self._since_us)
        )
        status, signal = (code, None) if code >= 0 else (None, -code)
        self._service.finish(Exited(self._id, status, signal, oom))

    def _kill(self, signal: int) -> None:
        if self._status is None:
            self._killed = self._killed or signal == _signal.SIGKILL
            self._kill_group(signal)

    def _kill_group(self, signal: int) -> None:
        # Before the child has made its group, the first fails; a child that changed its user
        # has left what the agent answers for.
        for send in (os.killpg, os.kill):
            try:
                send(self._pid, signal)
            except (ProcessLookupError, PermissionError):
                continue
            return

    def _close(self) -> None:
        for pipe in (self._input, *self._outputs):
            if pipe is not None:
                pipe.close()
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None


def _close_all(fds: list[int]) -> None:
    for fd in fds:
        if fd >= 0:
            os.close(fd)


def _program(service: "Service", message: Run) -> Program:
    """Return what `message` asks to run.

    Raises:
        OSError: it cannot be run.
    """
    argv = message.argv
    if not argv and message.pty is not None:
        found = [shell for shell in _SHELLS if os.access(shell, os.X_OK)]
        argv = (found[0] if found else os.fsencode(sys.executable),)
    strings = (*argv, *message.env, message.cwd or b"")
    if not argv or any(b"\0" in text for text in strings):
        raise OSError(errno.EINVAL, "An empty command, or one with NUL bytes")
    env = dict(service.environment)
    for entry in message.env:
        name, _, value = entry.partition(b"=")
        if not name:
            raise OSError(errno.EINVAL, "An environment entry without a name")
        env[name] = value
    cwd = message.cwd or service.work_dir
    script = _script(os.path.join(cwd, argv[0])) if message.python else None
    return Program(argv, env, cwd, script)


def _script(path: bytes) -> bytes:
    """Return a script's bytes, which are measured and then run, whatever becomes of the file.

    Raises:
        OSError: there is no such script.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EISDIR, "Not a regular file", path)
        return file.read()


def _event(message: Run, script: bytes | None, work_dir: bytes) -> RunEvent:
    """Return what REM 1 takes for a run."""
    program = None if script is None else hashlib.sha256(script).digest()
    return run_event(message.argv, message.env, message.cwd, program=program, work_dir=work_dir)


def _set_size(terminal: int, rows: int, columns: int) -> None:
    import termios

    termios.tcsetwinsize(terminal, (min(rows, _TERMINAL_MAX), min(columns, _TERMINAL_MAX)))
