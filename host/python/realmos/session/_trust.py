# SPDX-License-Identifier: BSD-3-Clause
"""Whether a realm is the one that was built here: its token against what was predicted."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from realmos_agent.protocol import eventlog, measurement

from realmos.agent import AgentClient
from realmos.attest import (
    Policy,
    ReferenceRem,
    ReferenceRim,
    Verdict,
    default_policy,
    verify,
    verify_certificate,
)
from realmos.errors import AttestationError
from realmos.firmware import Flash
from realmos.realm import Realm, show_event

_HINTS: Final = {
    "realm.challenge": "somebody between you and the realm shows a token that was made for another "
    "key or another nonce: do not trust this connection",
    "realm.rim": "the monitor or the image was changed on its way: do not trust this realm; "
    "`realmos measure --steps` lists what the expected value consists of",
    "realm.rem1": "the realm was given other files or programs than this command's, or nonces of "
    "more than 32 bytes: do not trust what it answers",
}
_HINT: Final = "do not trust this realm; --no-verify goes on all the same"


def policy_of(flash: Flash, realm: Realm, *, events: Iterable[bytes] | None = None) -> Policy:
    """Return what the token of a realm on this machine must say.

    Args:
        flash: the machine's firmware.
        realm: as it was built, with its predicted RIM.
        events: what REM 1 took until then; None when that is not to be compared.
    """
    algorithm = realm.config.hash_algorithm
    rems: tuple[ReferenceRem, ...] = ()
    if events is not None:
        value = measurement.replay(events, algorithm)
        rems = (ReferenceRem(measurement.REM_INDEX, (value,)),)
    return default_policy(
        flash.anchor,
        components=flash.references(),
        rims=[ReferenceRim(realm.image_name, realm.rim)],
        rems=rems,
        rpv=realm.rpv,
        hash_algorithm=algorithm,
    )


def judge(policy: Policy, keep: Callable[[Verdict], None]) -> Callable[[bytes, bytes], None]:
    """Return what judges the certificate of a channel, for `AgentClient.secure`.

    Args:
        policy: what the token in it must say.
        keep: given the verdict, before it is enforced; may raise.
    """

    def look(certificate: bytes, nonce: bytes) -> None:
        keep(verify_certificate(certificate, policy, nonce=nonce))

    return look


@dataclass(frozen=True)
class Attested:
    """A realm's token, what it is worth, and the log of events that explains its REM 1."""

    nonce: bytes
    token: bytes
    log: bytes
    verdict: Verdict


def attested(agent: AgentClient, policy: Policy, nonce: bytes) -> Attested:
    """Fetch a token and verify it.

    Args:
        agent: of the realm.
        policy: what the token must say.
        nonce: at most 64 bytes.
    """
    found = agent.attest(nonce)
    verdict = verify(found.token, policy, nonce=nonce)
    return Attested(nonce, found.token, found.log, verdict)


def enforce(verdict: Verdict, what: str, *, detail: str = "") -> None:
    """Refuse a realm that failed.

    Args:
        verdict: on its token.
        what: the realm, for the message.
        detail: what else is known of the difference.

    Raises:
        AttestationError: naming the field that is not as it must be.
    """
    failure = verdict.first_failure
    if failure is not None:
        raise AttestationError(
            "\n  ".join(filter(None, (f"{what} is not to be trusted", str(failure), detail))),
            hint=_HINTS.get(failure.name, _HINT),
        )


def event_difference(expected: Sequence[bytes], found: Attested, algorithm: str) -> str:
    """Return where the events that REM 1 took part from those that were expected.

    Args:
        expected: the events' bytes, in order.
        found: what the realm said. Its log comes from the untrusted side, and counts only if REM 1
            follows from it.
        algorithm: the realm's hash.
    """
    token = found.verdict.token
    try:
        log = list(eventlog.entries(found.log))
        events = [measurement.decode(event) for event in log]
    except measurement.EventError as error:
        return f"the realm's log of events is not one: {error}"
    if token is None or measurement.replay(log, algorithm) != token.realm.rems[0]:
        return "the realm's log of events does not explain its REM 1"
    for number, (ours, theirs) in enumerate(zip_longest(expected, log), start=1):
        if ours != theirs:
            wanted = "nothing more" if ours is None else show_event(measurement.decode(ours))
            got = "nothing more" if theirs is None else show_event(events[number - 1])
            return f"event {number}: expected {wanted}, found {got}"
    return "the events are those that were expected"
