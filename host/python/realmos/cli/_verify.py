# SPDX-License-Identifier: BSD-3-Clause
"""`realmos verify`: a token from a file, judged without a machine."""

import argparse
import sys
from typing import cast

from realmos_agent.protocol.evidence import ta_challenge
from realmos_agent.protocol.measurement import REM_INDEX
from realmos_agent.tee import numbers

from realmos.attest import Policy, Status, Verdict, verify
from realmos.cli._files import read_input
from realmos.cli._messages import complain
from realmos.cli._policies import load_policy, own_anchor
from realmos.cli._verdicts import explain_log, report
from realmos.errors import ConfigError

_TOKEN_LIMIT = 1 << 20
_LOG_LIMIT = 1 << 28
_STATEMENT_LIMIT = numbers.REALM_PTA_STATEMENT_MAX + 1  # nobody gets a token for as much
_FETCH = "`realmos attest --out token.cbor --log events.log` writes both"


def run_verify(arguments: argparse.Namespace) -> int:
    """Judge a token in a file, and replay the log of events if there is one.

    Returns:
        0 when it passed and the log explains its REM 1, 3 when not.

    Raises:
        ConfigError: a file cannot be read, the policy is none, or one that tells TAs from nobody.
    """
    policy = _policy(arguments)
    challenge = _challenge(arguments)
    if arguments.ta is not None:
        _need_rem(policy)
    token = read_input(arguments.token, "token", limit=_TOKEN_LIMIT, hint=_FETCH)
    verdict = verify(token, policy, nonce=challenge)
    explained = None
    if arguments.log is not None:
        log = read_input(arguments.log, "log", limit=_LOG_LIMIT, hint=_FETCH)
        explained = explain_log(log, verdict.token)
    status = report(arguments, verdict, explained, {})
    if arguments.policy is None and verdict.passed:
        sys.stdout.flush()
        complain(
            f"compared with nothing, for there is no --policy: {', '.join(_unchecked(verdict))}",
            "`realmos measure --policy FILE` makes a policy that says what they must be",
        )
    return status


def _challenge(arguments: argparse.Namespace) -> bytes | None:
    """Return what the token's challenge must be, zeros aside; None for anything.

    Raises:
        ConfigError: the options do not go together, or the statement cannot be read.
    """
    example = "realmos verify TOKEN --nonce HEX --ta UUID [--statement FILE]"
    if arguments.ta is None:
        if arguments.statement is not None:
            raise ConfigError("--statement is what a TA says, and there is no --ta", hint=example)
        return cast("bytes | None", arguments.nonce)
    if arguments.nonce is None:
        raise ConfigError("--ta needs the --nonce that the TA was given", hint=example)
    statement = b""
    if arguments.statement is not None:
        hint = "it is what the TA gave to the pseudo TA, byte by byte"
        statement = read_input(arguments.statement, "statement", limit=_STATEMENT_LIMIT, hint=hint)
    return ta_challenge(arguments.ta.bytes, arguments.nonce, statement)


def _need_rem(policy: Policy) -> None:
    """Refuse a policy by which anybody in the realm could speak for a TA.

    A client can have the realm attest to any challenge, and REM 1 alone tells that one did.

    Raises:
        ConfigError: the policy does not say what REM 1 must be.
    """
    if not any(rem.index == REM_INDEX for rem in policy.rems):
        raise ConfigError(
            "--ta needs a --policy that says what runs in the realm (REM 1): without that, whoever "
            "commands the realm can speak for any TA",
            hint="`realmos measure --policy FILE --ta FILE.ta` makes one",
        )


def _policy(arguments: argparse.Namespace) -> Policy:
    """Return the policy that is given, or what is known here without one: the anchor."""
    if arguments.policy is not None:
        return load_policy(arguments.policy, arguments.anchor)
    return Policy(anchors=(own_anchor(arguments.anchor),), nonce_required=False)


def _unchecked(verdict: Verdict) -> list[str]:
    every = (check for root in verdict.checks for check in root.walk())
    return [
        check.name for check in every if check.status is Status.NOT_CHECKED and not check.children
    ]
