# SPDX-License-Identifier: BSD-3-Clause
"""`realmos verify`: a token from a file, judged without a machine."""

import argparse
import sys

from realmos.attest import Policy, Status, Verdict, verify
from realmos.cli._files import read_input
from realmos.cli._messages import complain
from realmos.cli._policies import load_policy, own_anchor
from realmos.cli._verdicts import explain_log, report

_TOKEN_LIMIT = 1 << 20
_LOG_LIMIT = 1 << 28
_FETCH = "`realmos attest --out token.cbor --log events.log` writes both"


def run_verify(arguments: argparse.Namespace) -> int:
    """Judge a token in a file, and replay the log of events if there is one.

    Returns:
        0 when it passed and the log explains its REM 1, 3 when not.

    Raises:
        ConfigError: a file cannot be read, or the policy is none.
    """
    policy = _policy(arguments)
    token = read_input(arguments.token, "token", limit=_TOKEN_LIMIT, hint=_FETCH)
    verdict = verify(token, policy, nonce=arguments.nonce)
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
