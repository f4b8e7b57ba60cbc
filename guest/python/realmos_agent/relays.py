# SPDX-License-Identifier: BSD-3-Clause
"""The agent's end of a relay: the client's offer to pass bytes on to a broker, once."""

import os

from realmos_agent.asking import Asking, Question
from realmos_agent.protocol import (
    Credit,
    Data,
    Dialled,
    Done,
    Given,
    Hangup,
    Message,
    Refused,
    Relay,
    RemoteProtocolError,
    numbers,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext
    from typing import TypeAlias

    from realmos_agent.service import Service

    Answered: TypeAlias = Callable[[Given | Refused | str], None]

# A conversation takes some ten thousand bytes. More wait only when somebody repeats himself.
_UNSENT_MAX = numbers.WINDOW


class RelayOperation:
    """An offer of the client, until a question has used it up."""

    def __init__(self, service: "Service", message: Relay) -> None:
        self._service = service
        self._id = message.id
        self._asking: Asking | None = None
        self._answered: Answered | None = None
        self._unsent = bytearray()
        self._measured = 0
        self._over = False
        service.desk.offer(self)

    def dial(self, question: Question, answered: "Answered") -> None:
        """Have a conversation with the broker.

        Args:
            question: what it is about.
            answered: told the answer, or why there is none.
        """
        self._asking, self._answered = Asking(question, self._identify), answered
        self._service.send(Dialled(self._id))

    def hang_up(self) -> None:
        """Give the conversation up: nobody waits for its answer any more."""
        self._answered = None
        self._conclude("")

    def receive(self, message: Message) -> None:
        """Take what the broker says, or that it is gone."""
        if self._asking is None:
            self._conclude("")  # an offer withdrawn
        elif isinstance(message, Data):
            if message.data:
                self._service.send(Credit(self._id, numbers.STREAM_IN, len(message.data)))
            self._hear(self._asking, message.data)
        elif isinstance(message, Hangup):
            self._conclude(message.reason or "the broker hung up before it answered")

    def refresh(self) -> None:
        """Send while there is credit and room; end once all is said."""
        service = self._service
        while self._unsent and not service.congested:
            credit = service.channel.credit(self._id, numbers.STREAM_OUT)
            if not credit:
                return
            data = bytes(self._unsent[: min(credit, numbers.DATA_MAX)])
            del self._unsent[: len(data)]
            service.send(Data(self._id, numbers.STREAM_OUT, data))
        if self._over and not self._unsent:
            service.finish(Done(self._id, 0))

    def abort(self) -> None:
        """Note that the session is over."""
        self._service.desk.withdraw(self)
        self._tell("the session with the client ended")

    def _hear(self, asking: Asking, data: bytes) -> None:
        if self._over:
            return
        try:
            asking.feed(data)
        except RemoteProtocolError as error:
            self._conclude(f"what answers is not the broker: {error}")
            return
        except OSError as error:
            self._conclude(error.strerror or str(error))
            return
        for frame in asking.take_output():
            self._unsent += frame
        if len(self._unsent) > _UNSENT_MAX:
            self._conclude("what answers is not the broker: it does not listen")
        elif asking.answer is not None:
            self._over = True
            self._tell(self._admit(asking.answer))

    def _identify(self, nonce: bytes) -> "tuple[SSLContext, bytes]":
        from realmos_agent.operations import channel_identity

        self._measured = self._log_size()
        return channel_identity(nonce)

    def _log_size(self) -> int:
        """Return what tells whether REM 1 has taken anything since."""
        return os.stat(self._service.ledger.path).st_size

    def _admit(self, answer: Given | Refused) -> Given | Refused | str:
        """Keep an answer that is for what has run so far for that, and drop it if that is late."""
        if not isinstance(answer, Given) or not answer.exclusive:
            return answer
        if self._log_size() != self._measured:
            return "the realm was given other work between the token and the answer"
        self._service.become_exclusive()
        return answer

    def _conclude(self, why: str) -> None:
        """End without an answer."""
        self._unsent.clear()
        self._over = True
        self._service.desk.withdraw(self)
        self._tell(why)

    def _tell(self, answer: Given | Refused | str) -> None:
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(answer)
