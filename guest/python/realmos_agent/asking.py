# SPDX-License-Identifier: BSD-3-Clause
"""The realm's side of a conversation with a broker, without any I/O: docs/broker.md.

The broker is the client of the protocol here, and anybody can be one: whoever relays the bytes, for
instance. It can make the realm attest to itself and hear one question. That its answer is worth
anything, its signature shows, to a workload that knows the broker's key.
"""

from realmos_agent import __version__
from realmos_agent.protocol import (
    Asked,
    Bye,
    Channel,
    Done,
    Given,
    Hello,
    Message,
    Refused,
    RemoteProtocolError,
    Secure,
    Serve,
    Welcome,
    numbers,
)
from realmos_agent.protocol.evidence import answer_statement
from realmos_agent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext
    from typing import TypeAlias

    Identify: TypeAlias = Callable[[bytes], tuple[SSLContext, bytes]]


class Question(Record):
    """What a workload asks for; see `Asked`. `broker` is the key that the answer must be signed by.

    An empty `broker` means that anybody's answer will do.
    """

    want: int
    name: str
    value: int
    mark: bytes
    broker: bytes

    @property
    def words(self) -> "tuple[int, str, int, bytes]":
        """What the broker is told of it, and signs."""
        return self.want, self.name, self.value, self.mark


class Asking:
    """One conversation.

    Args:
        question: what is asked for.
        identify: returns TLS settings and the challenge of the token in them, for a nonce.
    """

    def __init__(self, question: Question, identify: "Identify") -> None:
        self._question = question
        self._identify = identify
        self._channel = Channel("agent")
        self._challenge = b""
        self._asked = False
        self.answer: Given | Refused | None = None

    def take_output(self) -> list[bytes]:
        """Return what is to be sent to the broker."""
        return self._channel.take_output()

    def feed(self, data: bytes) -> None:
        """Take what came from the broker.

        Raises:
            RemoteProtocolError: it broke the protocol, or is not the broker that was named.
            OSError: this realm cannot attest to itself.
        """
        self._channel.feed(data)
        while self.answer is None and (message := self._channel.next_event()) is not None:
            self._take(message)

    def _take(self, message: Message) -> None:
        if isinstance(message, Hello):
            self._greet(message)
        elif isinstance(message, Secure):
            self._secure(message)
        elif isinstance(message, Serve) and self._channel.secured and not self._asked:
            self._asked = True
            self._channel.send(Asked(message.id, *self._question.words))
        elif isinstance(message, Given | Refused) and self._asked and self._channel.secured:
            if isinstance(message, Given):
                self._verify(message)
            self._channel.send(Done(message.id, 0))
            self.answer = message
        elif not isinstance(message, Bye):
            raise _violation(f"{type(message).__name__} where a broker has no use for it")

    def _greet(self, hello: Hello) -> None:
        if hello.version != numbers.VERSION:
            raise _violation(f"version {hello.version} of the protocol, not {numbers.VERSION}")
        self._channel.send(
            Welcome(
                version=numbers.VERSION,
                nonce=hello.nonce,
                agent=__version__,
                agent_nonce=b"",
                work_dir=b"",
                marks=(),
            )
        )

    def _secure(self, message: Secure) -> None:
        if self._challenge:
            raise _violation("a second channel in one conversation")
        if len(message.nonce) != numbers.CHALLENGE_SIZE:
            raise _violation(f"a nonce of {len(message.nonce)} bytes")
        context, self._challenge = self._identify(message.nonce)
        self._channel.secure(context)

    def _verify(self, given: Given) -> None:
        what = self._question
        if not what.broker:
            return
        if given.key != what.broker:
            raise _violation("an answer of another broker than the one that was named")
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        statement = answer_statement(self._challenge, what.words, given.data, given.counter)
        try:
            Ed25519PublicKey.from_public_bytes(given.key).verify(given.signature, statement)
        except (InvalidSignature, ValueError) as error:
            raise _violation("an answer that the broker did not sign") from error


def _violation(what: str) -> RemoteProtocolError:
    return RemoteProtocolError(what, numbers.ERR_BAD_STATE)
