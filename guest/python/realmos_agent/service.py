# SPDX-License-Identifier: BSD-3-Clause
"""The agent proper: a session on a port, and the operations in it.

Whatever arrives on the port, the agent lives on. A violation of the protocol ends the session
with an error frame; a session's end, by whatever cause, kills what runs in it and removes its
files; the next hello begins another.
"""

import errno
import os
import sys
import time

from realmos_agent import __version__
from realmos_agent.loop import READ, WRITE, Loop
from realmos_agent.port import RETRY_MS, Port
from realmos_agent.protocol import (
    Bye,
    Cancel,
    Channel,
    Done,
    Error,
    Exited,
    Hello,
    Message,
    OperationMessage,
    Put,
    Relay,
    RemoteProtocolError,
    Run,
    Secure,
    Shutdown,
    Welcome,
    numbers,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.desk import Desk
    from realmos_agent.ledger import Ledger
    from realmos_agent.operations import Operation

# Above this much unsent output the agent neither reads nor produces more.
_CONGESTED = 256 << 10
_FLUSH_NS = 1_000_000_000
_CODES = {
    errno.ENOENT: numbers.ERR_NOT_FOUND,
    errno.ENOTDIR: numbers.ERR_NOT_FOUND,
    errno.EACCES: numbers.ERR_DENIED,
    errno.EPERM: numbers.ERR_DENIED,
    errno.ENOSPC: numbers.ERR_NO_SPACE,
    errno.EDQUOT: numbers.ERR_NO_SPACE,
    errno.EISDIR: numbers.ERR_NOT_A_FILE,
    errno.EAGAIN: numbers.ERR_BUSY,
    errno.ECANCELED: numbers.ERR_CANCELLED,
}


def refusal() -> OSError:
    """Return why a realm that became exclusive does not do something."""
    return PermissionError(
        errno.EPERM, "This realm holds secrets for what it runs, and does nothing else any more"
    )


class Service:
    """Serves one client after the other.

    Args:
        port: where clients come from.
        work_base: where the work directories of sessions are made.
        environment: what workloads inherit.
        marks: moments of the start, for the first answer; see `Welcome`.
    """

    def __init__(
        self,
        port: Port,
        work_base: bytes,
        environment: dict[bytes, bytes],
        marks: list[tuple[str, int]],
    ) -> None:
        self.loop = Loop()
        self.channel = Channel("agent")
        self.operations: dict[int, Operation] = {}
        self.environment = environment
        self.work_dir = work_base
        self._work_base = work_base
        self._port = port
        self._marks = marks
        self.renew_nonce()
        self._greeted = b""
        self._connected = True
        self._prepared = False
        self._exit_status: int | None = None
        self._ledger: Ledger | None = None
        self._desk: Desk | None = None
        self._holds_secrets = False
        self.exclusive = False

    @property
    def ledger(self) -> "Ledger":
        """What measures into REM 1 what clients ask for; made after the first answer."""
        if self._ledger is None:
            from realmos_agent.ledger import Ledger

            self._ledger = Ledger(os.path.join(self._work_base, b"events"), self._log)
        return self._ledger

    @property
    def desk(self) -> "Desk":
        """Where workloads ask for secrets, or for no more work; made after the first answer."""
        if self._desk is None:
            from realmos_agent.desk import Desk

            self._desk = Desk(self, os.path.join(self._work_base, b"broker"))
        return self._desk

    def become_exclusive(self) -> None:
        """Take no more work, whoever the client: the realm was given secrets for what it has."""
        self.exclusive = True
        from realmos_agent.files import PutOperation

        for number, operation in list(self.operations.items()):
            if isinstance(operation, PutOperation):
                self.fail(number, refusal())

    def serve(self) -> int:
        """Serve until a client asks for a shutdown; return the exit status for PID 1."""
        while self._exit_status is None:
            self.step()
        deadline = time.monotonic_ns() + _FLUSH_NS
        while self._port.pending and time.monotonic_ns() < deadline:
            self._port.flush()
            time.sleep(RETRY_MS / 1000)
        self._end_session()
        return self._exit_status

    def step(self) -> None:
        """Do what can be done, and wait until there is more."""
        for number, operation in list(self.operations.items()):
            try:
                operation.refresh()
            except OSError as error:
                self.fail(number, error)
        congested = self.congested
        self._port.flush()
        self._watch_port()
        self._prepare()
        timeout = None if self._connected else RETRY_MS
        # What was held back can go on at once.
        self.loop.wait(0 if congested and not self.congested else timeout)
        if not self._connected:
            self._on_port()

    def _send_output(self) -> None:
        for frame in self.channel.take_output():
            self._port.send(frame)

    def renew_nonce(self) -> None:
        """Become distinguishable from a copy of this agent."""
        self._nonce = os.urandom(numbers.NONCE_SIZE)

    @property
    def congested(self) -> bool:
        """Whether the port takes output more slowly than it is made."""
        return self._port.pending > _CONGESTED

    def send(self, message: Message) -> None:
        """Send a message of the session."""
        self.channel.send(message)
        self._send_output()

    def finish(self, message: Exited | Done) -> None:
        """Send the message that ends an operation."""
        del self.operations[message.id]
        self.send(message)

    def fail(self, number: int, error: OSError) -> None:
        """End an operation with what went wrong."""
        operation = self.operations.pop(number, None)
        if operation is not None:
            operation.abort()
        code = _CODES.get(error.errno or 0, numbers.ERR_FAILED)
        name = error.filename
        where = f": {os.fsdecode(name)!r:.400}" if isinstance(name, str | bytes) else ""
        self.send(Error(number, code, f"{error.strerror}{where}"))

    def _prepare(self) -> None:
        """Once the first answer is out, import what the operations to come will need."""
        if self._greeted and not self._prepared and not self._port.pending:
            self._prepared = True
            from realmos_agent import operations

            operations.prepare()
            _ = self.ledger, self.desk

    def _watch_port(self) -> None:
        port = self._port
        for fd in {port.read_fd, port.write_fd}:
            reads = fd == port.read_fd and self._connected and not self.congested
            writes = fd == port.write_fd and self._connected and port.pending
            events = (READ if reads else 0) | (WRITE if writes else 0)
            self.loop.watch(fd, events, self._on_port)

    def _on_port(self) -> None:
        self._port.flush()
        if self.congested:
            return
        data = self._port.read()
        self._connected = data != b""
        if not self._connected:
            self._port.clear()
            self.channel.disconnected()
            self._end_session()
        elif data is not None:
            self.channel.feed(data)
            self._take_events()
            self._send_output()

    def _take_events(self) -> None:
        while True:
            try:
                message = self.channel.next_event()
            except RemoteProtocolError as error:
                self._log(f"session ended: {error}")
                self._end_session()
                self.send(Error(0, error.code, str(error)))
                continue
            if message is None:
                return
            try:
                self._take(message)
            except OSError as error:
                # Without an operation to blame (0), it is the session that cannot be.
                self.fail(vars(message).get("id", 0), error)

    def _take(self, message: Message) -> None:
        if isinstance(message, OperationMessage):
            self._take_operation(message)
        elif isinstance(message, Hello):
            self._greet(message)
        elif isinstance(message, Secure):
            self._secure(message)
        elif isinstance(message, Bye):
            self._end_session()

    def _take_operation(self, message: OperationMessage) -> None:
        if isinstance(message, Shutdown):
            self._exit_status = numbers.EXIT_REBOOT if message.reboot else numbers.EXIT_POWER_OFF
            self.send(Done(message.id, 0))
        elif isinstance(message, Cancel):
            raise InterruptedError(errno.ECANCELED, os.strerror(errno.ECANCELED))
        elif message.id in self.operations:
            self.operations[message.id].receive(message)
        elif len(self.operations) >= numbers.OPS_MAX:
            raise BlockingIOError(errno.EAGAIN, "Too many operations at once")
        else:
            from realmos_agent.operations import begin

            if self.channel.secured and isinstance(message, Put | Relay | Run):
                self._holds_secrets = True
            begin(self, message)

    def _greet(self, hello: Hello) -> None:
        if hello.nonce != self._greeted:
            self._end_session()
        if hello.version != numbers.VERSION:
            text = f"this agent speaks version {numbers.VERSION} of the protocol"
            self.send(Error(0, numbers.ERR_VERSION, text))
            return
        if hello.nonce != self._greeted:
            self._greeted = hello.nonce
            self.work_dir = os.path.join(self._work_base, hello.nonce.hex().encode())
            os.makedirs(self.work_dir, 0o700, exist_ok=True)
            self._log(f"session with {hello.client!r:.80}")
        self.send(
            Welcome(
                version=numbers.VERSION,
                nonce=hello.nonce,
                agent=__version__,
                agent_nonce=self._nonce,
                work_dir=self.work_dir,
                marks=(*self._marks, ("answer", time.monotonic_ns())),
            )
        )

    def _secure(self, message: Secure) -> None:
        """Go on inside TLS; what ran in the plain session ends with it.

        Raises:
            OSError: this realm cannot attest to itself.
        """
        self._end_session()
        if len(message.nonce) != numbers.CHALLENGE_SIZE:
            raise OSError(errno.EINVAL, f"A channel's nonce has {numbers.CHALLENGE_SIZE} bytes")
        if not self.ledger.measures:
            # A program could make a token for another's channel, and nothing would tell.
            text = "This realm cannot attest to itself: REM 1 does not tell what runs here"
            raise OSError(errno.ENODEV, text)
        from realmos_agent.operations import channel_identity

        context, _ = channel_identity(message.nonce)
        self.renew_nonce()
        self.channel.secure(context)
        self._send_output()

    def _end_session(self) -> None:
        """End what runs, and what it left; a realm that served a client inside TLS ends with it.

        Whoever comes next could read what the client gave it from the memory of the realm.
        """
        if self._holds_secrets and self._exit_status is None:
            self._log("the client of the channel has gone, and nobody else is served")
            self._exit_status = numbers.EXIT_POWER_OFF
        operations, self.operations = self.operations, {}
        for operation in operations.values():
            operation.abort()
        if self._desk is not None:
            self._desk.session_over()
        if not self.channel.secured:
            # Inside TLS nothing can be left out: the peer would take it for an attack.
            self._port.drop()
        if self._ledger is not None:
            self._ledger.end()
        if self._greeted:
            self._greeted = b""
            from realmos_agent.files import remove_tree

            try:
                remove_tree(self.work_dir)
            except OSError as error:
                self._log(f"left behind: {error}")
            self.work_dir = self._work_base

    def _log(self, text: str) -> None:
        sys.stderr.write(f"agent: {text}\n")
        sys.stderr.flush()
