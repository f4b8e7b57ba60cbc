# SPDX-License-Identifier: BSD-3-Clause
"""What a run shows of its realm at the end: a table, or the same as JSON."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from realmos.session import Attested, Evidence

_NOT_REPORTED = "not reported by this RMM"


def print_evidence(
    evidence: Evidence,
    attested: Attested,
    seconds: float,
    outcome: Mapping[str, object],
    *,
    as_json: bool,
    to_stderr: bool,
) -> None:
    """Print it, after what the workload has printed.

    Args:
        evidence: of the realm.
        attested: what its token says.
        seconds: that it had its work for.
        outcome: what else is known, for JSON.
        as_json: whether that is wanted, which is standard output's.
        to_stderr: whether a table goes to standard error.
    """
    sys.stdout.flush()
    if as_json:
        print(json.dumps({**evidence_facts(evidence, attested, seconds), **outcome}))
    else:
        Console(stderr=to_stderr).print(evidence_table(evidence, attested, seconds))


def evidence_facts(evidence: Evidence, attested: Attested, seconds: float) -> dict[str, object]:
    """Return for JSON what is known about a realm that had its work for so many seconds."""
    return {
        **asdict(evidence),
        "verdict": attested.verdict.to_json(),
        "rim_matches": evidence.rim_matches,
        "seconds_in_all": round(seconds, 3),
    }


def evidence_table(evidence: Evidence, attested: Attested, seconds: float) -> Table:
    """Return the same for people."""
    verdict = {True: "[green]yes", False: "[red]NO", None: _NOT_REPORTED}
    versions = ", ".join(filter(None, (evidence.rmi_version, evidence.rsi_version)))
    table = Table("evidence", Column("", overflow="fold"))
    table.add_row("RMM image (SHA-256)", f"{evidence.rmm_sha256}\n{escape(evidence.rmm_origin)}")
    table.add_row("RMI, RSI version", versions or _NOT_REPORTED)
    table.add_row(f"RIM measured ({evidence.hash_algorithm})", evidence.rim or _NOT_REPORTED)
    table.add_row("RIM predicted", evidence.predicted_rim)
    table.add_row("equal", verdict[evidence.rim_matches])
    _add_verdict(table, attested)
    how = "restored from a snapshot" if evidence.restored else "booted"
    table.add_row("seconds to first answer", f"{evidence.seconds_to_answer:.2f} ({how})")
    table.add_row("seconds in all", f"{seconds:.2f}")
    return table


def _add_verdict(table: Table, attested: Attested) -> None:
    verdict = attested.verdict
    check = verdict.find("realm.rem1")
    if check is not None:
        table.add_row("REM 1 measured, in the token", check.found)
        table.add_row("REM 1 predicted", check.expected)
    word = "[green]pass" if verdict.passed else "[red]FAIL"
    failure = f"\n{verdict.first_failure}" if verdict.first_failure else ""
    table.add_row("verdict on the token", f"{word}[/] ({verdict.anchor}){escape(failure)}")
