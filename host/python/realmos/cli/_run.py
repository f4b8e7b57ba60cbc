# SPDX-License-Identifier: BSD-3-Clause
"""`realmos run`: a program in a fresh realm, its output as it comes, then the evidence."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from realmos import session as sessions
from realmos.agent import RunResult, Sink
from realmos.cache import Cache
from realmos.cli._broker import broker_address, relay_to
from realmos.cli._evidence import print_evidence
from realmos.cli._messages import complain
from realmos.cli._transfers import check_transfers, fetch
from realmos.errors import ConfigError, PeerTimeoutError, RealmosError
from realmos.machine import Layer
from realmos.progress import Reporter
from realmos.realm import Workload, encoded_events
from realmos.session import Attested, Evidence, Options, Prepared, Session

_SIGNAL_BASE = 128
_TIMED_OUT = 124
_NOT_FETCHED = 1


def workload_of(words: list[str]) -> Workload:
    """Return the workload that the words after the options name.

    Raises:
        ConfigError: there are none, or the script cannot be read.
    """
    if words[:1] == ["--"]:
        words = words[1:]
        if not words:
            raise ConfigError("no command after --", hint="realmos run -- uname -a")
        return Workload(tuple(words))
    if not words:
        raise ConfigError("nothing to run", hint="realmos run SCRIPT.py, or realmos run -- CMD")
    try:
        script = Path(words[0]).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{words[0]} cannot be read: {error.strerror}",
            hint="give a Python script, or a command in the realm after --",
        ) from error
    return Workload((Path(words[0]).name, *words[1:]), script)


def with_surroundings(workload: Workload, arguments: argparse.Namespace) -> Workload:
    """Return `workload` with the files and the environment that a command line gives it."""
    put = tuple((Path(source), target) for source, target in arguments.put)
    return replace(workload, env=tuple(arguments.env), put=put)


def run_workload(
    arguments: argparse.Namespace,
    options: Options,
    cache: Cache,
    reporter: Reporter,
    *,
    began: float,
    on_start: Callable[[Prepared, str | None], None],
) -> int:
    """Boot a realm, run the workload of the command line in it, and print the evidence.

    Returns:
        the workload's exit status; 128 + N when signal N ended it; 124 after `--timeout`; 1 when
        that would be 0 but a file to get could not be had.
    """
    workload = with_surroundings(workload_of(arguments.words), arguments)
    check_transfers(arguments.put, arguments.get)
    events = encoded_events(workload)
    broker = broker_address(arguments.broker)
    start = lambda prepared: on_start(prepared, arguments.gdb)  # noqa: E731 -- one argument bound
    with sessions.running(options, cache, reporter, on_start=start) as session:
        with silence_explained(session):
            relay_to(session.agent, broker)
            out = sys.stderr.buffer if arguments.json else sys.stdout.buffer
            result = run_in(session, workload, timeout=arguments.timeout, stdout=out)
            attested = session.attest(events=events)
            failures = fetch(session.agent, arguments.get)
        evidence = session.evidence()
    _report(evidence, attested, result, failures, time.monotonic() - began, as_json=arguments.json)
    explain(result, memory=arguments.memory, timeout=arguments.timeout)
    return whole_status(result, failures)


def whole_status(result: RunResult, failures: Sequence[RealmosError]) -> int:
    """Say which files to get could not be had, and return the command's status."""
    for failure in failures:
        complain(f"--get: {failure}", failure.hint or "has the program written that file?")
    return exit_status(result) or (_NOT_FETCHED if failures else 0)


@contextmanager
def silence_explained(session: Session) -> Iterator[None]:
    """Say of an agent that stops answering which layer that is, and show its realm's last lines.

    Raises:
        BootError: in place of a PeerTimeoutError.
    """
    try:
        yield
    except PeerTimeoutError as error:
        raise session.machine.failure(str(error), layer=Layer.AGENT) from error


def run_in(
    session: Session,
    workload: Workload,
    *,
    timeout: float | None,
    stdout: BinaryIO,
    stderr: Sink = None,
) -> RunResult:
    """Copy in a workload's files, and run it to its end or for `timeout` seconds.

    What it says on standard error goes to `stderr`, or this process's.
    """
    for source, target in workload.put:
        session.agent.put(source, target)
    return session.agent.run(
        workload.argv,
        script=workload.script,
        env=dict(workload.env),
        stdin=None if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer,
        stdout=stdout,
        stderr=sys.stderr.buffer if stderr is None else stderr,
        timeout=timeout,
    )


def exit_status(result: RunResult) -> int:
    """Return what `realmos run` exits with when the workload ended so."""
    if result.timed_out:
        return _TIMED_OUT
    if result.signal is not None:
        return _SIGNAL_BASE + result.signal
    return result.status


def explain(result: RunResult, *, memory: int, timeout: float | None) -> None:
    """Say on stderr why a workload ended, when it did not end by itself.

    Args:
        result: how it ended.
        memory: the realm's, in bytes.
        timeout: the seconds it had.
    """
    if result.timed_out:
        complain(
            f"the program was killed: it had not ended after {timeout:g} s",
            "give it more time with a larger --timeout",
        )
    elif result.oom:
        complain(
            f"the program was killed: the realm's {memory >> 20} MiB of memory were used up",
            "give the realm more with --memory",
        )
    elif result.signal is not None:
        complain(
            f"the program was ended by {_signal_name(result.signal)}",
            "`realmos logs` shows what the realm's kernel said",
        )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _report(
    evidence: Evidence,
    attested: Attested,
    result: RunResult,
    failures: Sequence[RealmosError],
    seconds: float,
    *,
    as_json: bool,
) -> None:
    outcome = {
        "status": exit_status(result),
        "signal": result.signal,
        "out_of_memory": result.oom,
        "timed_out": result.timed_out,
        "not_copied": [str(failure) for failure in failures],
    }
    print_evidence(evidence, attested, seconds, outcome, as_json=as_json, to_stderr=False)
