# SPDX-License-Identifier: BSD-3-Clause
"""The realm pseudo TA: a TA gets a token for what it says (guest/optee/include/pta_realm.h).

A TA does not choose the token's challenge, which is made from its UUID, a nonce and its statement:
so it can speak for itself, and neither for another TA nor for the agent, whose channels rest on
challenges of theirs. Which file has that UUID here, REM 1 tells.

REM 1 tells what ran before the token. Whoever commands the realm could run a program after it, that
reads the TA's key in the memory of the core, or give it another TA of that UUID. So the realm takes
no more work from before the first token on.
"""

from collections.abc import Callable
from uuid import UUID

from realmos_agent.tee import numbers
from realmos_agent.tee.chain import Chain
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.params import Params, param_types
from realmos_agent.tee.pta.caller import calling_ta

_TOKEN_TYPES = param_types(
    numbers.PARAM_TYPE_MEMREF_INPUT,
    numbers.PARAM_TYPE_MEMREF_INPUT,
    numbers.PARAM_TYPE_MEMREF_OUTPUT,
)


class NoTokenError(Exception):
    """There is no token to be had; says why.

    Args:
        reason: why.
        code: the result that the TA gets.
    """

    def __init__(self, reason: str, code: int = numbers.ERROR_NOT_SUPPORTED) -> None:
        super().__init__(reason)
        self.code = code


class RealmPta:
    """The pseudo TA. Its clients are TAs only.

    Args:
        token: returns the realm's token for a challenge of 64 bytes, or raises NoTokenError.
        log: takes a line for people.
    """

    uuid = UUID("27340966-b308-40ba-b218-c07275250f1f")

    def __init__(self, token: Callable[[bytes], bytes], log: Callable[[str], None]) -> None:
        self._token = token
        self._log = log

    def open(self, chain: Chain, params: Params) -> object:
        """Open a session for a TA.

        Raises:
            TeeError: it is not a TA that asks.
        """
        del params
        calling_ta(chain)
        return None

    def invoke(self, chain: Chain, context: object, command: int, params: Params) -> None:
        """Give the TA that asks a token.

        Raises:
            TeeError: it is no command, has other parameters, or there is no token.
        """
        del context
        uuid = calling_ta(chain).uuid
        if command != numbers.REALM_PTA_TOKEN:
            raise TeeError(numbers.ERROR_NOT_IMPLEMENTED)
        if params.types != _TOKEN_TYPES:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        nonce, statement = params.memref(0).view, params.memref(1).view
        if not 1 <= len(nonce) <= numbers.REALM_PTA_NONCE_MAX:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        if len(statement) > numbers.REALM_PTA_STATEMENT_MAX:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        from realmos_agent.protocol.evidence import ta_challenge

        try:
            token = self._token(ta_challenge(uuid.bytes, bytes(nonce), bytes(statement)))
        except NoTokenError as error:
            self._log(f"{uuid} gets no token: {error}")
            raise TeeError(error.code) from error
        params.memref(2).write(token)

    def close(self, context: object) -> None:
        """Close a session; none keeps anything."""


def realm_token(challenge: bytes) -> bytes:
    """Return this realm's token for a challenge of 64 bytes; the realm takes no more work then.

    Raises:
        NoTokenError: this is no realm, it cannot be kept to what it runs, or it failed.
    """
    from realmos_agent import attestation, secrets  # few TAs want them

    try:
        attestation.config()  # there is a realm
        secrets.become_exclusive()
        return attestation.token(challenge)
    except secrets.SecretsError as error:
        raise NoTokenError(f"the realm is open to other work: {error}") from error
    except attestation.NoDeviceError as error:
        raise NoTokenError(str(error)) from error
    except attestation.AttestationError as error:
        raise NoTokenError(str(error), numbers.ERROR_GENERIC) from error
