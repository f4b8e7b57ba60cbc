# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta run` in a realm: boot or restore it, make it a TEE, run the client, show evidence."""

import argparse
import tempfile
import time
from pathlib import Path

from realmos import session as sessions
from realmos.cache import Cache
from realmos.cli._broker import broker_address, relay_to
from realmos.cli._evidence import print_evidence
from realmos.cli._run import silence_explained
from realmos.cli._ta_client import call_client
from realmos.cli._ta_storage import keeping_of
from realmos.progress import Reporter
from realmos.session import Options
from realmos.tee import find_applications, realm_tee, tee_workload
from realmos.tee.local import find_client
from realmos.tee.plugins import opened_plugins
from realmos.tee.storage import opened
from realmos.tee.symbols import error_log


def run_in_realm(
    arguments: argparse.Namespace,
    options: Options,
    words: tuple[list[Path], list[str]],
    *,
    cache: Cache,
    reporter: Reporter,
) -> int:
    """Run a client with TAs in a realm; return its status.

    The client does not start before the realm's token has shown which TAs and which core it runs.

    Args:
        arguments: of the command line.
        options: the machine's.
        words: the TAs' files, and the client's command line.
        cache: where finished things are kept.
        reporter: progress.
    """
    began = time.monotonic()
    files, client = words
    applications = find_applications(files, arguments.ta_key)
    keeping, broker = keeping_of(arguments), broker_address(arguments.broker)
    with tempfile.TemporaryDirectory(prefix="realmos-tee-") as name:
        home = Path(name)
        (home / "ta").mkdir()
        workload = tee_workload(
            applications, arguments.ta_key, home / "ta", keeping,
            sockets=arguments.sockets, plugins=bool(arguments.plugin),
        )  # fmt: skip
        found = find_client(client, home / "tee", cache=cache, reporter=reporter)
        with (
            opened(keeping) as store,
            opened_plugins(arguments.plugin, cache, reporter) as plugins,
            sessions.running(options, cache, reporter) as session,
            silence_explained(session),
        ):
            relay_to(session.agent, broker)
            with (
                error_log(applications, arguments.ta_key) as log,
                realm_tee(
                    session, workload, home / "tee", log=log, reporter=reporter,
                    store=store, connects=arguments.sockets, plugins=plugins,
                ) as attested,
            ):  # fmt: skip
                status = call_client(found, to_stderr=arguments.json)
            evidence = session.evidence()
    seconds = time.monotonic() - began
    outcome = {"status": status}
    print_evidence(evidence, attested, seconds, outcome, as_json=arguments.json, to_stderr=True)
    return status
