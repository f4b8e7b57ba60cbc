# SPDX-License-Identifier: BSD-3-Clause
"""Sessions of TAs with other TAs and with pseudo TAs: system calls 5, 6 and 7.

The result of 5 and 7 comes with its origin, also when it is an error. That of 7 then comes with the
answers in the parameters, too; a session that is not opened leaves its caller's as they were.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from realmos_agent.tee import numbers
from realmos_agent.tee.call_params import untouched
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.params import Params
from realmos_agent.tee.session import Cancellation, Identity

if TYPE_CHECKING:
    from realmos_agent.tee.instance import Instance


def open_ta_session(
    ta: "Instance", uuid: bytes, timeout_ms: int, params: Params, tells_origin: bool
) -> tuple[Params, int, int]:
    """Open a session; return the parameters, the session's number and the result's origin.

    Raises:
        TeeError: it cannot be opened.
    """
    identity, before = Identity(numbers.LOGIN_TRUSTED_APP, ta.uuid), untouched(params)
    outcome = ta.services.manager.open(
        UUID(bytes_le=uuid), identity, ta, ta.chain, params, cancellation=Cancellation(timeout_ms)
    )
    if outcome.session is None:
        raise TeeError(outcome.result, outcome.origin, outputs=(before, None, outcome.origin))
    return params, outcome.session.id, outcome.origin


def close_ta_session(ta: "Instance", number: int) -> None:
    """Close one of the TA's own sessions.

    Raises:
        TeeError: it has no such session.
    """
    session = ta.opened.get(number)
    if session is None:
        raise TeeError(numbers.ERROR_ITEM_NOT_FOUND)
    ta.services.manager.close(session, ta.chain)


def invoke_ta_command(
    ta: "Instance", number: int, timeout_ms: int, command: int, params: Params, tells_origin: bool
) -> tuple[Params, int]:
    """Invoke a command in one of the TA's own sessions; return parameters and origin.

    Raises:
        TeeError: the command, or the way to it, failed.
    """
    session = ta.opened.get(number)
    if session is None:
        raise TeeError(numbers.ERROR_BAD_PARAMETERS)
    outcome = ta.services.manager.invoke(
        session, command, ta.chain, params, cancellation=Cancellation(timeout_ms)
    )
    if outcome.ok:
        return params, outcome.origin
    raise TeeError(outcome.result, outcome.origin, outputs=(params, outcome.origin))


HANDLERS: dict[int, Callable[..., object]] = {
    numbers.CALL_OPEN_TA_SESSION: open_ta_session,
    numbers.CALL_CLOSE_TA_SESSION: close_ta_session,
    numbers.CALL_INVOKE_TA_COMMAND: invoke_ta_command,
}
