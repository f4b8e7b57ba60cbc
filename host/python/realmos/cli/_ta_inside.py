# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta run --client-inside`: a client in the realm of its TAs."""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from realmos import session as sessions
from realmos.cache import Cache
from realmos.cli._evidence import print_evidence
from realmos.cli._run import exit_status, explain, run_in, silence_explained, whole_status
from realmos.cli._ta_storage import keeping_of
from realmos.cli._transfers import check_transfers, fetch
from realmos.errors import ConfigError
from realmos.progress import Reporter
from realmos.realm import Workload, encoded_events
from realmos.session import Options
from realmos.tee import build_libteec, find_applications, tee_workload, with_client
from realmos.tee.symbols import error_log


def ta_workload(
    arguments: argparse.Namespace,
    words: tuple[list[Path], list[str]],
    copies: Path,
    *,
    cache: Cache,
    reporter: Reporter,
) -> Workload:
    """Return what a realm is given: a TEE with TAs, and, if there is one, a client.

    Args:
        arguments: of the command line: `ta_key`, `put`, `env`, `sockets`, `plugin`, and
            those of storage.
        words: the TAs' files, and the command line of a client that runs in the realm, if any.
        copies: a directory for copies of the files.
        cache: for the client's library.
        reporter: progress.

    Raises:
        ConfigError: a TA or the client is none, or there is no client for files and environment.
    """
    files, client = words
    applications = find_applications(files, arguments.ta_key)
    core = tee_workload(
        applications, arguments.ta_key, copies, keeping_of(arguments),
        sockets=arguments.sockets, plugins=bool(arguments.plugin),
    )  # fmt: skip
    if not client:
        return core
    check_transfers(arguments.put, [])
    library = build_libteec(cache, reporter, architecture="arm64").path
    both = with_client(core, client, library, copies)
    put = tuple((Path(source), target) for source, target in arguments.put)
    return replace(both, env=tuple(arguments.env), put=(*both.put, *put))


def run_inside(
    arguments: argparse.Namespace,
    options: Options,
    words: tuple[list[Path], list[str]],
    *,
    cache: Cache,
    reporter: Reporter,
) -> int:
    """Run a client and TAs in a realm, and print the evidence.

    Returns:
        the client's status as of `realmos run`.

    Args:
        arguments: of the command line.
        options: the machine's.
        words: the TAs' files, and the client's command line.
        cache: where finished things are kept.
        reporter: progress.
    """
    began = time.monotonic()
    check_transfers((), arguments.get)
    with tempfile.TemporaryDirectory(prefix="realmos-tee-") as name:
        workload = ta_workload(arguments, words, Path(name), cache=cache, reporter=reporter)
        events = encoded_events(workload)
        applications = find_applications(words[0], arguments.ta_key)
        with sessions.running(options, cache, reporter) as session:
            with silence_explained(session):
                out = sys.stderr.buffer if arguments.json else sys.stdout.buffer
                with error_log(applications, arguments.ta_key) as log:
                    result = run_in(
                        session, workload, timeout=arguments.timeout, stdout=out, stderr=log
                    )
                attested = session.attest(events=events)
                failures = fetch(session.agent, arguments.get)
            evidence = session.evidence()
    seconds = time.monotonic() - began
    outcome = {
        "status": exit_status(result),
        "not_copied": [str(failure) for failure in failures],
    }
    print_evidence(evidence, attested, seconds, outcome, as_json=arguments.json, to_stderr=True)
    explain(result, memory=arguments.memory, timeout=arguments.timeout)
    return whole_status(result, failures)


def check_inside(arguments: argparse.Namespace) -> None:
    """Refuse options that do not go together.

    Raises:
        ConfigError: they do not.
    """
    if arguments.client_inside and arguments.local:
        raise ConfigError(
            "--client-inside is for realms, and --local for none", hint="leave one of them out"
        )
    given = [name for name in ("put", "get", "env", "timeout") if getattr(arguments, name)]
    if given and not arguments.client_inside:
        raise ConfigError(
            f"--{given[0]} is for a client in the realm, and this one is not",
            hint="add --client-inside, or do without it: this machine's client has all of it",
        )
