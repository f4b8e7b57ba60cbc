# SPDX-License-Identifier: BSD-3-Clause
"""The broker's decisions: what a realm asks for, its certificate, and what it gets."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from realmos_agent.protocol import Asked, Given, Refused, numbers
from realmos_agent.protocol.evidence import answer_statement, channel_challenge
from realmos_agent.protocol.measurement import REM_INDEX

from realmos.attest import Verdict, read_policy, verify_certificate
from realmos.broker._content import Content, Identity
from realmos.broker._log import Decision, DecisionLog
from realmos.broker._store import Store
from realmos.errors import RealmosError

_WANTS: Final = {
    numbers.WANT_SECRET: "secret",
    numbers.WANT_SEALING_KEY: "sealing key",
    numbers.WANT_COUNTER: "counter",
    numbers.WANT_ADVANCE: "counter to be advanced",
}
_REASON_MAX = 1000
_COUNTER_END = 1 << 63


@dataclass(frozen=True)
class Channel:
    """Whom the broker talks to.

    Attributes:
        certificate: what the peer proved to have the key of, in DER.
        nonce: what it was challenged with.
    """

    certificate: bytes
    nonce: bytes


class _Refusal(Exception):  # noqa: N818 -- not an error: an answer
    """Leaves a decision early."""

    def __init__(self, code: int, reason: str, *, counter: int = 0) -> None:
        super().__init__(reason)
        self.code = code
        self.counter = counter


@dataclass
class _Case:
    """One question, and what is known about who asks."""

    asked: Asked
    channel: Channel
    verdict: Verdict | None = None
    exclusive: bool = False
    data: bytes = field(default=b"", repr=False)
    counter: int = 0


class Broker:
    """Decides on questions; several threads may ask.

    Args:
        store: what it keeps.
        log: told of each decision before the answer goes out; what it cannot note is refused.
    """

    def __init__(self, store: Store, log: DecisionLog) -> None:
        self._store = store
        self._log = log

    def answer(self, asked: Asked, channel: Channel) -> Given | Refused:
        """Decide, and return what the realm is to be told."""
        case = _Case(asked, channel)
        try:
            answer = self._decide(case)
            self._note(case, "")
        except _Refusal as refusal:
            return self._refuse(case, refusal)
        except RealmosError as error:
            # What is wrong with the store or the log is no business of whoever asks.
            self._log.complain(str(error))
            code = numbers.REFUSAL_BROKEN
            return self._refuse(case, _Refusal(code, "the broker is out of order; see its log"))
        return answer

    def _refuse(self, case: _Case, refusal: _Refusal) -> Refused:
        reason = str(refusal)[:_REASON_MAX]
        try:
            self._note(case, reason)
        except RealmosError as error:
            self._log.complain(str(error))
        return Refused(case.asked.id, refusal.code, reason, refusal.counter)

    def _note(self, case: _Case, refusal: str) -> None:
        what = _WANTS.get(case.asked.want, "unknown thing")
        self._log.note(Decision(what, case.asked.name, refusal, case.counter, case.verdict))

    def _decide(self, case: _Case) -> Given:
        content = self._store.read()
        name = case.asked.name
        if case.asked.want == numbers.WANT_SECRET:
            secret = content.secrets.get(name)
            if secret is None:
                raise _unknown(case)
            _require(case, secret.policy)
            case.data = secret.value
        elif case.asked.want in _WANTS:
            identity = content.identities.get(name)
            if identity is None:
                raise _unknown(case)
            _require(case, identity.policy)
            case.counter = identity.counter
            if case.asked.want == numbers.WANT_COUNTER:
                case.data = identity.mark
            elif case.asked.want == numbers.WANT_SEALING_KEY:
                case.data = identity.key
            elif case.asked.want == numbers.WANT_ADVANCE:
                self._advance(case, identity)
        else:
            raise _Refusal(numbers.REFUSAL_UNKNOWN, "this broker does not know what is asked for")
        return _given(case, content)

    def _advance(self, case: _Case, judged: Identity) -> None:
        """Advance a counter by one, durably, if it is where the realm believes it to be."""
        mark = case.asked.mark
        if len(mark) > numbers.WANT_MARK_MAX:
            raise _Refusal(numbers.REFUSAL_UNKNOWN, "a mark of more bytes than there may be")

        def change(content: Content) -> Content:
            identity = content.identities.get(judged.name)
            # It may have been replaced since the policy was looked at.
            if identity is None or identity.policy != judged.policy:
                raise _unknown(case)
            if not hmac.compare_digest(identity.key, judged.key):
                raise _unknown(case)
            if identity.counter != case.asked.value or identity.counter >= _COUNTER_END:
                raise _Refusal(
                    numbers.REFUSAL_COUNTER,
                    f"the counter of {identity.name} is {identity.counter}, not {case.asked.value}",
                    counter=identity.counter,
                )
            return content.with_identity(replace(identity, counter=identity.counter + 1, mark=mark))

        self._store.update(change)
        case.counter = case.asked.value + 1


def _unknown(case: _Case) -> _Refusal:
    what = "secret" if case.asked.want == numbers.WANT_SECRET else "identity"
    return _Refusal(numbers.REFUSAL_UNKNOWN, f"there is no {what} {case.asked.name!r:.80}")


def _require(case: _Case, policy: str) -> None:
    """Refuse a realm that does not satisfy a policy, naming the first thing that is wrong."""
    required = read_policy(policy)
    verdict = verify_certificate(case.channel.certificate, required, nonce=case.channel.nonce)
    case.verdict = verdict
    # A policy that says what runs means nothing else, later either.
    case.exclusive = any(rem.index == REM_INDEX for rem in required.rems)
    if not verdict.passed:
        raise _Refusal(numbers.REFUSAL_REALM, str(verdict.first_failure))


def _given(case: _Case, content: Content) -> Given:
    asked = case.asked
    statement = answer_statement(
        _challenge(case.channel),
        (asked.want, asked.name, asked.value, asked.mark),
        case.data,
        case.counter,
    )
    key = content.signing_key()
    return Given(
        asked.id,
        case.data,
        case.counter,
        exclusive=case.exclusive,
        key=content.public_key(),
        signature=key.sign(statement),
    )


def _challenge(channel: Channel) -> bytes:
    key = x509.load_der_x509_certificate(channel.certificate).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return channel_challenge(channel.nonce, spki)


Answer = Callable[[Asked, Channel], Given | Refused]
"""What `Broker.answer` is, for those who carry questions to it."""
