# SPDX-License-Identifier: BSD-3-Clause
"""The one place that runs programs: lists only, the environment passed whole, errors that show why.

Nothing else in the package imports `subprocess`; a test holds us to it.
"""

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from realmos.errors import ToolError

_TAIL_LINES = 40
_GRACE_S = 5.0
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Process = subprocess.Popen[bytes]
"""A program in the background, as `spawn` returns it."""


def base_env(**extra: str) -> dict[str, str]:
    """Return a small, locale-independent environment, with `extra` added."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {"LC_ALL": "C.UTF-8", "TZ": "UTC", **kept, **extra}


def which(name: str) -> Path | None:
    """Return the path of the program `name`, or None."""
    found = shutil.which(name)
    return Path(found) if found else None


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    hint: str = "",
) -> str:
    """Run a program to its end and return what it printed (stdout and stderr together).

    Args:
        argv: the program and its arguments; never a shell line.
        cwd: working directory.
        env: the whole environment; `base_env()` when absent.
        log: file that receives the output too.
        on_line: called with each line as it comes, without its newline.
        hint: what to do next if it fails.

    Raises:
        ToolError: the program is absent or exits non-zero; shows its last 40 lines.
    """
    words = [str(word) for word in argv]
    try:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env=dict(base_env() if env is None else env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise ToolError(f"{words[0]} was not found", hint=hint) from error
    lines: list[str] = []
    assert process.stdout is not None
    try:
        with process.stdout:
            for raw in process.stdout:
                line = raw.decode("utf-8", "replace").rstrip("\n")
                lines.append(line)
                if on_line is not None:
                    on_line(line)
        status = process.wait()
    except BaseException:
        kill_group(process.pid)
        process.wait()
        raise
    text = "\n".join(lines) + ("\n" if lines else "")
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(text, "utf-8")
    if status != 0:
        raise ToolError(_failure(words, status, lines, log), hint=hint)
    return text


def wait(process: Process, timeout: float) -> bool:
    """Return whether a program in the background ends within `timeout` seconds."""
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        return False
    return True


def kill_group(pid: int) -> None:
    """Kill the process group of a program started by this module; no error if it is gone."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _leashed(
    argv: Sequence[str | Path],
    env: Mapping[str, str],
    *,
    stdin: int,
    stdout: int | None = None,
    stderr: int | None = None,
) -> Process:
    """Start a program that ends with us.

    It gets SIGKILL when the thread that started it dies (Linux PDEATHSIG, set through setpriv), so
    that no way out of this process leaves it behind.

    Raises:
        ToolError: the program is absent.
    """
    try:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *(str(word) for word in argv)],
            env=dict(env),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise ToolError(
            f"{error.filename} was not found", hint="apt-get install util-linux"
        ) from error


def spawn(
    argv: Sequence[str | Path], *, log: Path, env: Mapping[str, str] | None = None
) -> Process:
    """Start a program in the background, its output going to `log`; the caller owns its life.

    The program gets SIGKILL when the thread that started it dies, so that no way out of this
    process leaves it behind.

    Raises:
        ToolError: the program is absent.
    """
    with log.open("wb") as output:
        return _leashed(
            argv,
            base_env() if env is None else env,
            stdin=subprocess.DEVNULL,
            stdout=output.fileno(),
            stderr=subprocess.STDOUT,
        )


def attach(
    argv: Sequence[str | Path],
    stream: socket.socket,
    *,
    env: Mapping[str, str] | None = None,
    stderr: int | None = None,
) -> Process:
    """Start a program whose input and output are a socket, for the caller to end.

    What it says on standard error goes to descriptor `stderr`, or this process's. It gets SIGKILL
    as with `spawn`.

    Raises:
        ToolError: the program is absent.
    """
    ends = stream.fileno()
    whole = base_env() if env is None else env
    return _leashed(argv, whole, stdin=ends, stdout=ends, stderr=stderr)


def accompany(argv: Sequence[str | Path], *, env: Mapping[str, str]) -> Process:
    """Start a program of the user's while another has the terminal; the caller owns its life.

    Its output goes where this process's does; it has no input, and no interrupts of the terminal
    reach it. It gets SIGKILL as with `spawn`.

    Raises:
        ToolError: the program is absent.
    """
    return _leashed(argv, env, stdin=subprocess.DEVNULL)


def call(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    stdout: int | None = None,
    interrupts: bool = True,
) -> int:
    """Run a program of the user's to its end, its input, output and terminal this process's own.

    When this process is to end before, so is the program, which has some seconds for it: Ctrl-C has
    reached it by the terminal; without one it gets SIGTERM, and so does all that it has started.

    Args:
        argv: the program and its arguments.
        env: the whole environment.
        stdout: a descriptor for its output instead of this process's.
        interrupts: whether Ctrl-C is for both of us, and not for the program alone.

    Returns:
        Its exit status, or the number of the signal that ended it, negative.

    Raises:
        ToolError: it cannot be started.
    """
    words = [str(word) for word in argv]
    process, group = None, None
    try:
        with _signals_put_off():  # else one may come when there is a program and no object yet
            group = None if _has_terminal() else 0
            process = subprocess.Popen(words, env=dict(env), stdout=stdout, process_group=group)
        with contextlib.nullcontext() if interrupts else _interrupts_ignored():
            return process.wait()
    except OSError as error:
        raise ToolError(f"{words[0]} cannot be started: {error.strerror}") from error
    except BaseException:
        if process is not None:
            _see_off(process, in_group=group is not None)
        raise


def _has_terminal() -> bool:
    """Return whether a terminal may bring this process, and what it starts, to the front."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _see_off(process: Process, *, in_group: bool) -> None:
    """Let a program that is to end do so by itself; end it if it does not, or if that is wanted."""
    try:
        if in_group:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        wait(process, _GRACE_S)
    finally:
        if in_group:
            kill_group(process.pid)
        else:
            process.kill()
        process.wait()


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Leave Ctrl-C to a program that has the terminal."""
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _signals_put_off() -> Iterator[None]:
    """Let what Python handles of the signals that end us be handled afterwards."""
    ours = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in _ENDING_SIGNALS if ours}
    handlers = {number: handler for number, handler in handlers.items() if callable(handler)}
    came: list[int] = []
    for number in handlers:
        signal.signal(number, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for each in came:
        signal.raise_signal(each)


class Afterwards:
    """A program that runs when this object is told to, or has gone, or this process has.

    It waits in a shell for a line, or the end, of a pipe that this process holds: so it runs after
    SIGKILL, too.

    Args:
        argv: the program and its arguments, which find their files from any directory.
    """

    def __init__(self, argv: Sequence[str | Path]) -> None:
        waiting = subprocess.Popen(
            ["sh", "-c", 'read -r _; exec "$@"', "sh", *map(str, argv)],
            env=base_env(),
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._end = weakref.finalize(self, waiting.communicate, b"\n")

    def run(self) -> None:
        """Run the program now, and wait for its end; no error if it has run."""
        self._end()


def _failure(words: list[str], status: int, lines: list[str], log: Path | None) -> str:
    how = f"ended by signal {-status}" if status < 0 else f"exit status {status}"
    where = f"\n  log: {log}" if log is not None else ""
    tail = "".join(f"\n    {line}" for line in lines[-_TAIL_LINES:])
    return f"{words[0]} failed ({how})\n  command: {shlex.join(words)}{where}{tail}"
