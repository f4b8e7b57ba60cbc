# SPDX-License-Identifier: BSD-3-Clause
"""`realmos attest`: a realm shows what it is, to whoever challenges it."""

import argparse
import os
import sys
from dataclasses import replace

from realmos_agent.protocol import measurement

from realmos import session as sessions
from realmos.cache import Cache
from realmos.cli._files import check_output, write_output
from realmos.cli._messages import complain
from realmos.cli._policies import load_policy
from realmos.cli._run import (
    exit_status,
    explain,
    run_in,
    silence_explained,
    with_surroundings,
    workload_of,
)
from realmos.cli._transfers import check_transfers
from realmos.cli._verdicts import explain_log, report
from realmos.errors import ConfigError
from realmos.progress import Reporter
from realmos.realm import Workload, workload_events
from realmos.session import Attested, Options, Session


def run_attest(
    arguments: argparse.Namespace, options: Options, cache: Cache, reporter: Reporter
) -> int:
    """Bring up a realm, let it run a program if there is one, and judge the token that it gives.

    Returns:
        0 when the token passed, 3 when it did not.

    Raises:
        RealmosError: there is no token to judge.
    """
    workload = _workload(arguments)
    expected = [] if workload is None else workload_events(workload)
    policy = None if arguments.policy is None else load_policy(arguments.policy, arguments.anchor)
    for option, path in (("--out", arguments.out), ("--log", arguments.log)):
        check_output(option, path)
    size = measurement.FREE_NONCE_MAX
    size = size if policy is None else min(size, policy.nonce_max_size)
    nonce = arguments.nonce or os.urandom(size)
    # Whatever the token says is shown, so a realm that fails is no reason to stop.
    wanted = replace(options, policy=policy, verify=False)
    with sessions.running(wanted, cache, reporter) as session, silence_explained(session):
        if workload is not None and _may_have_work(session, arguments):
            _run(session, workload, arguments)
        events = [measurement.encode(event) for event in expected]
        found = session.attest(events=events, nonce=nonce)
        restored = session.restored
    _write(arguments, found)
    facts = {
        "nonce": nonce.hex(),
        "token": "" if arguments.out is None else str(arguments.out),
        "restored": restored,
    }
    return report(arguments, found.verdict, explain_log(found.log, found.verdict.token), facts)


def _workload(arguments: argparse.Namespace) -> Workload | None:
    if arguments.words:
        check_transfers(arguments.put, [])
        return with_surroundings(workload_of(arguments.words), arguments)
    if arguments.put or arguments.env:
        raise ConfigError(
            "--put and --env are for a program, and there is none",
            hint="realmos attest --put FILE:PATH SCRIPT.py",
        )
    return None


def _may_have_work(session: Session, arguments: argparse.Namespace) -> bool:
    """Tell whether the realm showed, when its channel was made, that it is to be given work."""
    failures = [verdict.first_failure for verdict in session.verdicts if verdict.first_failure]
    if not failures or arguments.no_verify:
        return True
    complain(
        f"the program was not given to the realm: {failures[0].name} is not as it must be",
        "--no-verify gives it to any realm",
    )
    return False


def _run(session: Session, workload: Workload, arguments: argparse.Namespace) -> None:
    result = run_in(session, workload, timeout=arguments.timeout, stdout=sys.stderr.buffer)
    explain(result, memory=arguments.memory, timeout=arguments.timeout)
    if exit_status(result):
        complain(f"the program ended with status {exit_status(result)}; the verdict is not on that")


def _write(arguments: argparse.Namespace, found: Attested) -> None:
    if arguments.out is not None:
        write_output(arguments.out, found.token)
    if arguments.log is not None:
        write_output(arguments.log, found.log)
