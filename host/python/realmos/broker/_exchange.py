# SPDX-License-Identifier: BSD-3-Clause
"""One conversation of a broker with a realm, without any I/O: bytes in, bytes out.

The broker is the client of the agent protocol: hello, an attested channel for a nonce of its own,
and inside it one question of the realm and one answer. Nothing but that nonce and empty forms goes
out before the question; the answer alone depends on what is kept.
"""

import os
from collections.abc import Generator
from typing import Final, TypeVar

from realmos_agent.protocol import (
    Asked,
    Channel,
    Done,
    Error,
    Hello,
    Message,
    RemoteProtocolError,
    Secure,
    Secured,
    Serve,
    Welcome,
    numbers,
)
from realmos_agent.protocol.tls import context

from realmos import __version__
from realmos.broker._decide import Answer
from realmos.broker._decide import Channel as Peer
from realmos.errors import PeerError

_Kind = TypeVar("_Kind", bound=Message)

RECEIVED_MAX: Final = 1 << 20
"""Bytes that a realm may send; it takes some ten thousand."""


class Exchange:
    """Drives one conversation.

    Args:
        answer: decides.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._channel = Channel("client")
        self._steps = self._conversation()
        self._received = 0
        self.over = False
        self.attested = False
        """Whether the peer has the key of the certificate that it showed."""
        self.answered = False
        next(self._steps)

    def take_output(self) -> bytes:
        """Return what is to be sent now."""
        return b"".join(self._channel.take_output())

    def feed(self, data: bytes) -> None:
        """Take what was received, in pieces of any size.

        Raises:
            PeerError: the peer broke the protocol, or cannot attest to itself.
        """
        self._received += len(data)
        if self._received > RECEIVED_MAX:
            raise PeerError("it sent more than any realm has to say")
        self._channel.feed(data)
        try:
            while not self.over:
                message = self._channel.next_event()
                if isinstance(message, Error):
                    raise PeerError(f"it has an error of its own: {message.message!r:.200}")
                certificate = self._channel.peer_certificate()
                if message is None and (certificate is None or self.attested):
                    return
                self._step(message)
        except RemoteProtocolError as error:
            raise PeerError(f"it broke the protocol: {error}") from error

    def _step(self, message: Message | None) -> None:
        try:
            self._steps.send(message)
        except StopIteration:
            self.over = True

    def _conversation(self) -> Generator[None, Message | None, None]:
        channel = self._channel
        nonce = os.urandom(numbers.CHALLENGE_SIZE)
        channel.send(_hello())
        _expect(Welcome, (yield))
        channel.send(Secure(nonce))
        _expect(Secured, (yield))
        channel.secure(context(server=False))
        if (message := (yield)) is not None:
            raise PeerError(f"it left the TLS handshake with {message!r:.80}")
        peer = Peer(channel.peer_certificate() or b"", nonce)
        self.attested = True
        channel.trust()
        channel.send(_hello())
        _expect(Welcome, (yield))
        channel.send(Serve(1))
        asked = _expect(Asked, (yield))
        channel.send(self._answer(asked, peer))
        self.answered = True
        _expect(Done, (yield))


def _expect(kind: type[_Kind], message: Message | None) -> _Kind:
    if not isinstance(message, kind):
        raise PeerError(f"it said {message!r:.80} where {kind.__name__} was due")
    return message


def _hello() -> Hello:
    return Hello(numbers.VERSION, os.urandom(numbers.NONCE_SIZE), f"realmos broker {__version__}")
