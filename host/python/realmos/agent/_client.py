# SPDX-License-Identifier: BSD-3-Clause
"""`AgentClient`: one session with the agent of a realm."""

import io
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from realmos_agent.protocol import (
    Attest,
    Attested,
    Bye,
    Clock,
    Get,
    Put,
    Relay,
    Report,
    Reported,
    Reseed,
    Run,
    Shutdown,
)

from realmos.agent._engine import Engine
from realmos.agent._files import Download, Upload
from realmos.agent._relay import RelayOperation
from realmos.agent._results import Attestation, Greeting, RealmReport, RunResult
from realmos.agent._runs import RunHandle
from realmos.agent._shell import run_shell
from realmos.agent._streams import Input, Sink, source_of
from realmos.errors import ConfigError

_REPLY_S = 30.0
_BYE_S = 1.0
_SEED_SIZE = 64
_CAPTURE_LIMIT = 16 << 20
_SCRIPT_MODE = 0o644
_NS = 1e-9


class AgentClient:
    """A session with an agent; the realm's side of it ends when this is closed.

    One thread may use it at a time. Several workloads and transfers may be under way at once:
    whichever call waits serves them all.

    Args:
        target: the unix socket connected to the agent's port (its path, or itself).
        timeout: seconds to wait for the agent's first answer; it need not have started yet.
        reply_timeout: seconds without any progress after which a request is given up.
        watch: called at least four times a second while waiting; raises to end the wait, for
            instance when the machine has stopped.

    Raises:
        PeerTimeoutError: the agent did not answer in time.
        PeerError: it speaks another version of the protocol.
    """

    def __init__(
        self,
        target: Path | str | socket.socket,
        *,
        timeout: float = 60.0,
        reply_timeout: float = _REPLY_S,
        watch: Callable[[], None] = lambda: None,
    ) -> None:
        if isinstance(target, str):
            target = Path(target)
        self._engine = Engine(target, timeout=timeout, reply_timeout=reply_timeout, watch=watch)
        self._scripts = 0
        self._relay: RelayOperation | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session, and whatever still runs in it."""
        connection = self._engine.connection
        if self._relay is not None:
            self._relay.close()
        if connection.session.state == "open":
            connection.send(Bye())
            connection.flush(_BYE_S)
        connection.close()

    def relay(self, connect: Callable[[], socket.socket]) -> None:
        """Pass bytes on between workloads that ask for secrets and a broker, until the end.

        The session cannot read them. It must be the one inside TLS, if there is to be one.

        Args:
            connect: returns a connection to the broker, once for each question.
        """
        if self._engine.connection.session.state != "open":
            return  # it ended with the last relay
        operation = RelayOperation(
            self._engine.connection,
            number := self._engine.next_id(),
            connect,
            lambda: self.relay(connect),
        )
        self._relay = self._engine.begin(operation, Relay(number))

    def renew(self, *, timeout: float = 60.0) -> None:
        """Begin another session in place of this one; what ran in it ends.

        An agent answers its first hello before it is quite ready; when it answers this, it is.

        Raises:
            PeerTimeoutError: it does not answer in time.
        """
        self._engine.connection.renew(timeout=timeout)

    def secure(self, judge: Callable[[bytes, bytes], None], *, timeout: float = 60.0) -> None:
        """Go on inside TLS with a realm that `judge` trusts; what ran in the session ends.

        Args:
            judge: called with the realm's certificate (DER) and the nonce that it must attest to,
                before anything else is sent; raises if the realm is not to be trusted.
            timeout: seconds that the realm has to make its certificate and to shake hands.

        Raises:
            PeerTimeoutError: it does not answer in time.
            PeerError: it cannot attest to itself, or somebody breaks the protocol.
        """
        self._engine.connection.secure(judge, timeout=timeout)

    def attest(self, challenge: bytes) -> Attestation:
        """Fetch an attestation token, and what explains its REM 1.

        Args:
            challenge: a fresh nonce, at most 64 bytes. For one of more than 32 the realm notes in
                REM 1 that it made the token, which else could pass for that of a channel.

        Raises:
            PeerRefusedError: the realm cannot attest to itself.
        """
        answer = self._engine.call(Attest(self._engine.next_id(), challenge), "attest")
        assert isinstance(answer, Attested)
        return Attestation(answer.token, self.get_bytes(os.fsdecode(answer.log)))

    def hello(self) -> Greeting:
        """Return how the agent introduced itself."""
        welcome = self._engine.connection.welcome
        return Greeting(
            agent=welcome.agent,
            nonce=welcome.agent_nonce,
            work_dir=os.fsdecode(welcome.work_dir),
            marks={name: ns * _NS for name, ns in welcome.marks},
        )

    def run(
        self,
        argv: Sequence[str],
        *,
        script: bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        stdin: bytes | BinaryIO | None = None,
        stdout: Sink = None,
        stderr: Sink = None,
        timeout: float | None = None,
        capture_limit: int = _CAPTURE_LIMIT,
    ) -> RunResult:
        """Run a program to its end, killing it after `timeout` seconds; see `start`."""
        if isinstance(stdin, bytes):
            stdin = io.BytesIO(stdin)
        handle = self.start(
            argv, script=script, env=env, cwd=cwd, stdin=stdin,
            stdout=stdout, stderr=stderr, capture_limit=capture_limit,
        )  # fmt: skip
        return handle.wait(timeout)

    def start(
        self,
        argv: Sequence[str],
        *,
        script: bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        stdin: Input = None,
        stdout: Sink = None,
        stderr: Sink = None,
        pty: tuple[int, int] | None = None,
        capture_limit: int = _CAPTURE_LIMIT,
    ) -> RunHandle:
        """Start a program and return at once.

        Args:
            argv: the program, looked up on the realm's PATH, and its arguments. With `script`,
                the script's name instead of the program.
            script: source of a Python script, run in a fork of the agent's own interpreter: the
                fastest way to run Python. `["python3", …]` without `script` starts another.
            env: laid over the realm's environment.
            cwd: working directory in the realm; the session's own when absent.
            stdin: a binary file, True to use the handle's `write`, or nothing.
            stdout: where output goes, as it comes: a function, a binary file, or None for the
                result.
            stderr: the same for the error output.
            pty: (rows, columns) of a terminal to run on; an empty `argv` is then a shell.
            capture_limit: bytes of each stream that the result keeps; the rest is dropped.

        Raises:
            PeerError: the session is over, or the script cannot be stored.
        """
        words = [os.fsencode(word) for word in argv]
        if script is not None:
            # REM 1 takes this path: it tells how many scripts came before, and nothing else.
            self._scripts += 1
            name = os.path.basename(argv[0])  # noqa: PTH119 - a path in the realm
            remote = f"{self.hello().work_dir}/scripts/{self._scripts}/{name}"
            self.put_bytes(script, remote, mode=_SCRIPT_MODE)
            words[0] = os.fsencode(remote)
        number = self._engine.next_id()
        message = Run(
            id=number,
            argv=tuple(words),
            env=tuple(os.fsencode(f"{name}={value}") for name, value in (env or {}).items()),
            cwd=None if cwd is None else os.fsencode(cwd),
            python=script is not None,
            stdin=stdin is not None and stdin is not False,
            pty=pty,
        )
        handle = RunHandle(
            self._engine,
            number,
            argv[0] if argv else "shell",
            source=source_of(stdin),
            stdout=stdout,
            stderr=stderr,
            capture_limit=capture_limit,
        )
        return self._engine.begin(handle, message)

    def shell(self, argv: Sequence[str] = ()) -> int:
        """Attach this process's terminal to a program in the realm; return its exit status."""
        return run_shell(self, argv)

    def put(self, path: Path, remote: str, *, mode: int | None = None) -> int:
        """Copy a file into the realm, whole or not at all; return its size.

        Args:
            path: the file here.
            remote: its path there; missing directories are made.
            mode: its permissions there; those it has here when absent.

        Raises:
            ConfigError: the file cannot be read.
            PeerRefusedError: the realm cannot store it.
        """
        try:
            with path.open("rb") as file:
                if mode is None:
                    mode = os.fstat(file.fileno()).st_mode & 0o777
                return self._put(file, remote, mode)
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from error

    def put_bytes(self, data: bytes, remote: str, *, mode: int = 0o644) -> int:
        """Make a file in the realm, whole or not at all; return its size."""
        return self._put(io.BytesIO(data), remote, mode)

    def get(self, remote: str, path: Path) -> int:
        """Copy a file out of the realm, whole or not at all; return its size.

        Raises:
            ConfigError: `path` cannot be written.
            PeerRefusedError: the realm has no such file.
        """
        if not path.name:
            raise ConfigError(f"{path} is no file's name", hint="say what the copy is to be called")
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as file:
                download = self._get(remote, file.write)
            part.chmod(download.mode & 0o777)
            part.replace(path)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
        finally:
            part.unlink(missing_ok=True)
        return download.progress

    def get_bytes(self, remote: str) -> bytes:
        """Return a file of the realm, which must fit in memory."""
        data = io.BytesIO()
        self._get(remote, data.write)
        return data.getvalue()

    def report(self) -> RealmReport:
        """Return what the agent says about its realm."""
        answer = self._engine.call(Report(self._engine.next_id()), "report")
        assert isinstance(answer, Reported)
        facts = dict(vars(answer))
        del facts["id"]
        return RealmReport(uptime=facts.pop("uptime_ns") * _NS, **facts)

    def reseed(self, data: bytes | None = None) -> None:
        """Mix random bytes (ours, by default) into the realm's, after a restore."""
        seed = os.urandom(_SEED_SIZE) if data is None else data
        self._engine.call(Reseed(self._engine.next_id(), seed), "reseed")

    def set_clock(self, time_ns: int | None = None) -> None:
        """Set the realm's wall clock; it has no other source of the time.

        Args:
            time_ns: nanoseconds since the epoch, UTC; this machine's time when absent.

        Raises:
            PeerRefusedError: no sane time.
        """
        now = time.time_ns() if time_ns is None else time_ns
        self._engine.call(Clock(self._engine.next_id(), now), "clock")

    def shutdown(self, *, reboot: bool = False) -> None:
        """Power the realm off, or reboot it; the session is over then."""
        self._engine.call(Shutdown(self._engine.next_id(), reboot), "shutdown")

    def pump(self, timeout: float) -> None:
        """Serve whatever is under way, waiting at most `timeout` seconds for something to do.

        Raises:
            PeerError: the session broke off.
        """
        self._engine.pump(timeout)

    def _put(self, file: BinaryIO, remote: str, mode: int) -> int:
        number = self._engine.next_id()
        upload = Upload(self._engine.connection, number, remote, file)
        self._engine.begin(upload, Put(number, os.fsencode(remote), mode, parents=True))
        self._engine.finish(upload, lambda: upload.progress)
        return upload.progress

    def _get(self, remote: str, write: Callable[[bytes], object]) -> Download:
        number = self._engine.next_id()
        download = Download(self._engine.connection, number, remote, write)
        self._engine.begin(download, Get(number, os.fsencode(remote)))
        self._engine.finish(download, lambda: download.progress)
        return download
