# SPDX-License-Identifier: BSD-3-Clause
"""The socket to a realm's agent port, and the session on it.

The socket belongs to QEMU and accepts a client long before there is an agent; only the agent's
welcome tells that somebody is there.
"""

import os
import select
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from realmos_agent.protocol import (
    Channel,
    Error,
    Hello,
    LocalProtocolError,
    Message,
    RemoteProtocolError,
    Secure,
    Secured,
    Session,
    Welcome,
    numbers,
)
from realmos_agent.protocol.tls import context

from realmos import __version__
from realmos.errors import PeerError, PeerTimeoutError

_Result = TypeVar("_Result")

_CLOSED = "the realm closed the agent's connection"
_CLOSED_HINT = "`realmos logs` shows the last lines of each layer"
_EXPLAIN_S = 1.0
_RETRY_S = 0.05
_TICK_S = 0.25
_HELLO_AGAIN_S = 5.0
_READ_MAX = 256 << 10
_QUEUE_MAX = 256 << 10


class Connection:
    """A session with an agent.

    Args:
        target: the unix socket's path, or a connected socket.
        timeout: seconds to wait for the agent's welcome.
        watch: called now and then while waiting; may raise to end the wait.

    Raises:
        PeerTimeoutError: nobody answered in time.
        PeerError: the agent speaks another version.
    """

    def __init__(
        self, target: Path | socket.socket, *, timeout: float, watch: Callable[[], None]
    ) -> None:
        self._target = target
        self._watch = watch
        self._give(timeout)
        self._queue = bytearray()
        self._channel = Channel("client")
        self._secured = False
        self._socket = self._connect()
        try:
            self.welcome = self._greet()
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        """Close the socket; what runs in the session ends with it."""
        self._socket.close()

    @property
    def session(self) -> Session:
        """The session, inside TLS once there is a channel."""
        return self._channel.session

    def renew(self, *, timeout: float) -> None:
        """Begin another session in place of this one.

        Raises:
            PeerTimeoutError: nobody answered in time.
        """
        self._give(timeout)
        self.welcome = self._greet()

    def secure(self, judge: Callable[[bytes, bytes], None], *, timeout: float) -> None:
        """Go on inside TLS with a realm that `judge` trusts; what ran in the session ends.

        Nothing but the nonce and the handshake is sent before `judge` returns.

        Args:
            judge: called with the realm's certificate (DER) and the nonce that it must attest to;
                raises if it is not to be trusted.
            timeout: seconds that the realm has to make its certificate.

        Raises:
            PeerTimeoutError: it does not answer in time.
            PeerError: it cannot, or somebody breaks the protocol.
        """
        nonce = os.urandom(numbers.CHALLENGE_SIZE)
        self._give(timeout)
        self.send(Secure(nonce))
        answer = self._await(self.next_event, "it makes a certificate")
        if not isinstance(answer, Secured):
            raise PeerError(f"the agent answered a request for a channel with {answer!r:.80}")
        self._channel.secure(context(server=False))
        self._queue_output()
        judge(self._await(self._certificate, "the TLS handshake is under way"), nonce)
        self._channel.trust()
        self._secured = True
        self.send(_hello())
        welcome = self._await(self.next_event, "the session inside TLS begins")
        if not isinstance(welcome, Welcome):
            raise PeerError(f"the agent answered a hello with {welcome!r:.80}")
        self.welcome = welcome

    def _certificate(self) -> bytes | None:
        message = self.next_event()
        if message is not None:
            raise PeerError(f"the agent left the TLS handshake with {message!r:.80}")
        return self._channel.peer_certificate()

    def _await(self, attempt: Callable[[], _Result | None], state: str) -> _Result:
        """Exchange until `attempt` returns something.

        Raises:
            PeerTimeoutError: it does not in time.
            PeerError: the connection closed.
        """
        closed = False
        while (result := attempt()) is None:
            if closed:
                self._let_watch_explain()
                raise PeerError(_CLOSED, hint=_CLOSED_HINT)
            self._wait_or_give_up(state)
            _, closed = self._exchange(_TICK_S, ())
        return result

    @property
    def has_room(self) -> bool:
        """Whether little enough waits to be sent that more may be made."""
        return len(self._queue) < _QUEUE_MAX

    def send(self, message: Message) -> None:
        """Queue a message.

        Raises:
            PeerError: the session is over, or it was inside TLS and would go on in the open.
        """
        if self._secured and not self._channel.secured:
            raise PeerError("the channel to the realm is gone", hint=_CLOSED_HINT)
        try:
            self._channel.send(message)
        except LocalProtocolError as error:
            if self.session.state == "open":
                raise
            raise PeerError("the agent's session is over", hint=_CLOSED_HINT) from error
        self._queue_output()

    def _queue_output(self) -> None:
        for frame in self._channel.take_output():
            self._queue += frame

    def flush(self, timeout: float) -> None:
        """Write out what is queued, for at most `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while self._queue and time.monotonic() < deadline:
            self._exchange(deadline - time.monotonic(), ())

    def exchange(self, timeout: float, inputs: Iterable[int] = ()) -> set[int]:
        """Write and read what can be, waiting at most `timeout` seconds for something.

        Args:
            timeout: seconds; cut short whenever `watch` is due.
            inputs: descriptors to wait for as well.

        Returns:
            those of `inputs` that are ready.

        Raises:
            PeerError: the connection closed.
        """
        self._watch()
        ready, closed = self._exchange(min(timeout, _TICK_S), inputs)
        if closed:
            self._let_watch_explain()
            raise PeerError(_CLOSED, hint=_CLOSED_HINT)
        return ready

    def _let_watch_explain(self) -> None:
        """Give `watch` the time to see why: a machine that ends closes its sockets first."""
        deadline = time.monotonic() + _EXPLAIN_S
        while time.monotonic() < deadline:
            self._watch()
            time.sleep(_RETRY_S)

    def next_event(self) -> Message | None:
        """Return the next message that has been received, or None.

        Raises:
            PeerError: the agent broke the protocol, or says that we did.
        """
        try:
            message = self._channel.next_event()
        except RemoteProtocolError as error:
            raise PeerError(f"the agent broke the protocol: {error}") from error
        self._queue_output()
        if isinstance(message, Error) and message.id == 0:
            raise PeerError(f"the agent ended the session: {message.message}")
        return message

    def _connect(self) -> socket.socket:
        if isinstance(self._target, socket.socket):
            self._target.setblocking(False)
            return self._target
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(os.fspath(self._target))
            except (FileNotFoundError, ConnectionRefusedError) as error:
                connection.close()
                self._wait_or_give_up(f"{self._target}: {error.strerror}")
                time.sleep(_RETRY_S)
                continue
            connection.setblocking(False)
            return connection

    def _greet(self) -> Welcome:
        """Say hello until a welcome comes; again and again, since the agent may start late."""
        hello = _hello()
        again = 0.0
        while True:
            if not self._queue and time.monotonic() >= again:
                self.send(hello)
                again = time.monotonic() + _HELLO_AGAIN_S
            self._wait_or_give_up("the port is open, but nobody reads it")
            _, closed = self._exchange(_TICK_S, ())
            while (message := self.next_event()) is not None:
                if isinstance(message, Welcome):
                    return message
            if closed:
                self._reconnect()
                again = 0.0

    def _reconnect(self) -> None:
        if isinstance(self._target, socket.socket):
            raise PeerError(_CLOSED, hint=_CLOSED_HINT)
        self._socket.close()
        self._queue.clear()
        self._channel = Channel("client")
        time.sleep(_RETRY_S)
        self._socket = self._connect()

    def _give(self, timeout: float) -> None:
        self._timeout, self._deadline = timeout, time.monotonic() + timeout

    def _wait_or_give_up(self, state: str) -> None:
        self._watch()
        if time.monotonic() > self._deadline:
            raise PeerTimeoutError(
                f"the agent did not answer in {self._timeout:g} s ({state})", hint=_CLOSED_HINT
            )

    def _exchange(self, timeout: float, inputs: Iterable[int]) -> tuple[set[int], bool]:
        poll = select.poll()
        for fd in inputs:
            poll.register(fd, select.POLLIN)
        events = select.POLLIN | (select.POLLOUT if self._queue else 0)
        poll.register(self._socket, events)
        ready = {fd for fd, _ in poll.poll(max(0.0, timeout) * 1000)}
        closed = False
        if self._socket.fileno() in ready:
            ready.remove(self._socket.fileno())
            closed = self._write() or self._read()
        return ready, closed

    def _write(self) -> bool:
        """Send what the socket takes; return whether it is closed."""
        try:
            while self._queue:
                del self._queue[: self._socket.send(self._queue)]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            return self._read()  # a last word of the peer may still be there
        return False

    def _read(self) -> bool:
        """Take what has arrived; return whether the socket is closed."""
        try:
            data = self._socket.recv(_READ_MAX)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
        self._channel.feed(data)
        return not data


def _hello() -> Hello:
    return Hello(numbers.VERSION, os.urandom(numbers.NONCE_SIZE), f"realmos {__version__}")
