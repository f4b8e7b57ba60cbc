# SPDX-License-Identifier: BSD-3-Clause
"""A session that can go on inside TLS: docs/agent-protocol.md, the attested channel.

A channel begins as a plain session. After SECURE and SECURED that session carries nothing but
SEALED, the pieces of a TLS connection, and a session of its own begins inside. A plain hello
ends both, as it ends every session.
"""

from realmos_agent.protocol import numbers
from realmos_agent.protocol.errors import LocalProtocolError, RemoteProtocolError
from realmos_agent.protocol.messages import Message, Sealed, Secured
from realmos_agent.protocol.session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ssl import SSLContext

    from realmos_agent.protocol.rules import Role
    from realmos_agent.protocol.tls import TlsStream


class Channel:
    """One side of the protocol, plain or inside TLS; used as a `Session` is.

    What `send` and `next_event` give rise to is to be fetched with `take_output` and sent.

    Args:
        role: the side that the caller is.
    """

    def __init__(self, role: "Role") -> None:
        self._role = role
        self._outer = Session(role)
        self._inner: Session | None = None
        self._tls: TlsStream | None = None
        self._output: list[bytes] = []

    @property
    def session(self) -> Session:
        """The session that messages belong to now: the one inside TLS, once there is one."""
        return self._inner or self._outer

    @property
    def secured(self) -> bool:
        """Whether messages travel inside TLS."""
        return self._inner is not None

    def feed(self, data: bytes) -> None:
        """Take bytes received from the peer, in pieces of any size."""
        self._outer.feed(data)

    def send(self, message: Message) -> None:
        """Send `message` in the session that is on.

        Raises:
            LocalProtocolError: the protocol forbids it now; nothing has changed.
        """
        if self._inner is None:
            self._output.append(self._outer.send(message))
        else:
            self._seal(self._inner.send(message))

    def take_output(self) -> list[bytes]:
        """Return what is to be sent: whole frames, in order."""
        output, self._output = self._output, []
        return output

    def next_event(self) -> Message | None:
        """Return the next message from the peer, or None when more bytes are needed.

        Raises:
            RemoteProtocolError: the peer broke the protocol; the session is over. Go on calling:
                a new session may follow.
        """
        while True:
            if self._inner is not None:
                message = self._inner.next_event()
                if message is not None:
                    return message
            try:
                event = self._outer.next_event()
            except RemoteProtocolError:
                self._leave()
                raise
            if not isinstance(event, Sealed):
                if event is not None and not self._is_open_still():
                    self._leave()
                return event
            self._unseal(event.data)

    def secure(self, context: "SSLContext") -> None:
        """Begin TLS: the agent when it answers SECURE, the client when it has that answer.

        Args:
            context: TLS settings; the agent's with a certificate for the client's nonce.
        """
        from realmos_agent.protocol.tls import TlsStream

        if self._role == "agent":
            self._output.append(self._outer.send(Secured()))
        elif self._outer.state != "secured":
            raise LocalProtocolError("the agent has not agreed to a channel")
        self._tls = TlsStream(context, server=self._role == "agent")
        self._advance(self._tls)

    def peer_certificate(self) -> bytes | None:
        """Return the certificate that the peer proved to have the key of; None until it has."""
        if self._tls is None or not self._tls.established:
            return None
        return self._tls.peer_certificate()

    def trust(self) -> None:
        """Begin the session inside TLS: the client, once it has judged the certificate.

        Raises:
            LocalProtocolError: there is no TLS connection.
        """
        if self._tls is None or not self._tls.established:
            raise LocalProtocolError("there is no TLS connection yet")
        self._inner = Session(self._role, sealed=True)

    def disconnected(self) -> None:
        """Note that the stream broke off: whatever was on it is over."""
        self._leave()
        self._outer.disconnected()
        self._output.clear()

    def credit(self, operation: int, stream: int) -> int:
        """Return how many bytes may be sent on a stream now; 0 once it or the operation is over."""
        return self.session.credit(operation, stream)

    def _is_open_still(self) -> bool:
        return self._outer.state == "secured"

    def _leave(self) -> None:
        self._inner = None
        self._tls = None

    def _unseal(self, data: bytes) -> None:
        tls = self._tls
        if tls is None:
            raise RemoteProtocolError("TLS before it was agreed to", numbers.ERR_BAD_STATE)
        tls.feed(data)
        try:
            if not tls.established:
                self._advance(tls)
            if self._inner is not None:
                self._inner.feed(tls.read())
        except RemoteProtocolError:
            self._leave()
            self._outer.disconnected()
            raise

    def _advance(self, tls: "TlsStream") -> None:
        tls.handshake()
        self._flush(tls)
        if tls.established and self._role == "agent":
            self._inner = Session("agent", sealed=True)

    def _seal(self, data: bytes) -> None:
        assert self._tls is not None
        self._tls.write(data)
        self._flush(self._tls)

    def _flush(self, tls: "TlsStream") -> None:
        data = tls.take()
        for at in range(0, len(data), numbers.DATA_MAX):
            self._output.append(self._outer.send(Sealed(data[at : at + numbers.DATA_MAX])))
