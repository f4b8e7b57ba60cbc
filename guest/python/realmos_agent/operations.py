# SPDX-License-Identifier: BSD-3-Clause
"""Beginning of operations; imported, with all that it needs, after the agent's first answer."""

import errno
import sys

from realmos_agent import attestation
from realmos_agent.clock import set_clock
from realmos_agent.entropy import reseed
from realmos_agent.files import GetOperation, PutOperation
from realmos_agent.protocol import (
    Attest,
    Attested,
    Clock,
    Done,
    Get,
    OperationMessage,
    Put,
    Relay,
    Report,
    Reseed,
    Run,
    numbers,
)
from realmos_agent.protocol.measurement import attest_events
from realmos_agent.relays import RelayOperation
from realmos_agent.report import make_report
from realmos_agent.runs import RunOperation
from realmos_agent.service import refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext
    from typing import Any, TypeAlias

    from realmos_agent.ledger import Ledger
    from realmos_agent.service import Service

    Operation: TypeAlias = RunOperation | PutOperation | GetOperation | RelayOperation

# Those that go on after they began.
_LASTING: "dict[type[OperationMessage], Callable[[Service, Any], Operation]]" = {
    Run: RunOperation,
    Put: PutOperation,
    Get: GetOperation,
    Relay: RelayOperation,
}


def begin(service: "Service", message: OperationMessage) -> None:
    """Do what a message asks, or begin to.

    Raises:
        OSError: it cannot be done.
    """
    _ = service.ledger  # before anything that a client wants is done, REM 1 is the agent's
    if isinstance(message, Put | Get) and b"\0" in message.path:
        raise OSError(errno.EINVAL, "A path with a NUL byte")
    if isinstance(message, Put | Run) and service.exclusive:
        raise refusal()
    lasting = _LASTING.get(type(message))
    if lasting is not None:
        service.operations[message.id] = lasting(service, message)
    elif isinstance(message, Report):
        service.send(make_report(message.id))
    elif isinstance(message, Reseed):
        if not 0 < len(message.data) <= numbers.RESEED_MAX:
            raise OSError(errno.EINVAL, f"A seed has 1 to {numbers.RESEED_MAX} bytes")
        reseed(message.data)
        service.renew_nonce()
        service.send(Done(message.id, len(message.data)))
    elif isinstance(message, Clock):
        set_clock(message.time_ns)
        service.send(Done(message.id, 0))
    elif isinstance(message, Attest):
        token = _token(message.challenge, service.ledger)
        service.send(Attested(message.id, token, service.ledger.path))


def _token(challenge: bytes, ledger: "Ledger") -> bytes:
    """Return an attestation token, for a client's nonce.

    A long nonce can be what a channel's token must have for the key of somebody else. The realm
    therefore notes in REM 1 that it answers one, which nobody accepts of a channel.

    Raises:
        OSError: there is none.
    """
    try:
        for event in attest_events(challenge):
            ledger.record(event)
        return attestation.token(challenge)
    except (attestation.AttestationError, ValueError) as error:
        raise OSError(errno.ENODEV, str(error)) from error


def prepare() -> None:
    """Finish the start of an interpreter that was started with -S, for the workloads to come.

    Importing `site` earlier would delay the first answer, and later each workload's start.
    """
    if sys.flags.no_site:
        import site

        site.main()
    try:
        from realmos_agent.identity import rehearse
    except ImportError:
        return  # an image without cryptography; whoever asks for a channel is told
    rehearse()


def channel_identity(nonce: bytes) -> "tuple[SSLContext, bytes]":
    """Return TLS settings with a certificate that attests to this realm for `nonce`.

    Returns:
        the settings, and the challenge of the token in the certificate.

    Raises:
        OSError: this realm cannot attest to itself.
    """
    try:
        from realmos_agent.identity import server_context
    except ImportError as error:
        raise OSError(errno.ENOSYS, f"This image has no TLS channel: {error}") from error
    # A restored realm is a copy: its key must not be the one that the other copies make.
    reseed(nonce)
    try:
        return server_context(nonce)
    except attestation.AttestationError as error:
        raise OSError(errno.ENODEV, f"This realm cannot attest to itself: {error}") from error
