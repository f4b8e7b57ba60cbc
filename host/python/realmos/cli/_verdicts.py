# SPDX-License-Identifier: BSD-3-Clause
"""What `realmos attest` and `realmos verify` print: a verdict, and the events behind REM 1."""

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from realmos_agent.protocol import eventlog, measurement
from rich.console import Console
from rich.text import Text

from realmos.attest import Token, Verdict
from realmos.realm import show_event

PASSED = 0
FAILED = 3
"""Exit status when the token was judged, and not found good. 1 is for what could not be judged."""

_HINTS = {
    "token": "the file is no token, or cut short: fetch it again with `realmos attest --out FILE`",
    "platform.anchor": "another installation's token needs --policy with its anchor; "
    "--anchor sample accepts TF-A's, which anybody can forge",
    "realm.challenge": "give --nonce as the realm was given it; if it was, somebody shows an old "
    "token, or another realm's",
    "realm.rim": "the realm is of another image or other options: `realmos measure --diff` finds "
    "where two builds part",
    "realm.rem1": "the realm was given other work, or a nonce of more than 32 bytes, which REM 1 "
    "takes too; --log FILE shows what it was",
}
_HINT = "do not trust this realm"
_COMPONENT_HINT = "the firmware is another build: `realmos build firmware --json` lists this one's"


@dataclass(frozen=True)
class Explained:
    """A log of events against REM 1 of a token.

    Attributes:
        events: the events' bytes, as far as the log could be read.
        shown: each for people.
        problem: why the log does not explain REM 1; empty if it does.
    """

    events: tuple[bytes, ...]
    shown: tuple[str, ...]
    problem: str

    def to_json(self) -> dict[str, object]:
        """Return it as a JSON document."""
        pairs = zip(self.shown, self.events, strict=True)
        return {
            "explains_rem1": not self.problem,
            "problem": self.problem,
            "events": [{"event": shown, "cbor": data.hex()} for shown, data in pairs],
        }


def explain_log(log: bytes, token: Token | None) -> Explained:
    """Replay a log of events, and compare what comes of it with a token's REM 1."""
    events: list[bytes] = []
    shown: list[str] = []
    try:
        for event in eventlog.entries(log):
            shown.append(show_event(measurement.decode(event)))
            events.append(event)
    except measurement.EventError as error:
        return Explained(tuple(events), tuple(shown), f"event {len(events) + 1}: {error}")
    problem = ""
    if token is None:
        problem = "there is no token to compare it with"
    else:
        rem = token.realm.rems[measurement.REM_INDEX - 1]
        algorithm = token.realm.hash_algorithm
        if algorithm not in {"sha-256", "sha-512"}:
            problem = f"REM 1 is by {algorithm}, and events are not measured with that"
        elif (replayed := measurement.replay(events, algorithm)) != rem:
            problem = f"replaying it gives {replayed.hex()}, and REM 1 is {rem.hex()}"
    return Explained(tuple(events), tuple(shown), problem)


def report(
    arguments: argparse.Namespace,
    verdict: Verdict,
    log: Explained | None,
    facts: Mapping[str, str | bool],
) -> int:
    """Print a verdict in the form that the command line asks for; return the exit status.

    Args:
        arguments: with `json` and `ear`.
        verdict: what came of the token.
        log: the log of events, if there is one.
        facts: what else is known, for tables and JSON; empty texts are left out of tables.
    """
    if arguments.ear:
        print(json.dumps(verdict.to_ear(issued_at=int(time.time()))))
    elif arguments.json:
        found: dict[str, object] = {"verdict": verdict.to_json(), **facts}
        if log is not None:
            found["log"] = log.to_json()
        print(json.dumps(found))
    else:
        _print(verdict, log, facts)
    return FAILED if not verdict.passed or (log is not None and log.problem) else PASSED


def hint_of(verdict: Verdict) -> str:
    """Return what to do about the first failure."""
    failure = verdict.first_failure
    if failure is None:
        return ""
    if failure.name.startswith("platform.components"):
        return _COMPONENT_HINT
    return _HINTS.get(failure.name, _HINT)


def _print(verdict: Verdict, log: Explained | None, facts: Mapping[str, str | bool]) -> None:
    console = Console()
    console.print(verdict.to_table())
    if hint := hint_of(verdict):
        console.print(Text(f"next: {hint}", style="bold"))
    if log is not None:
        console.print(Text("\nREM 1 has taken:" if log.shown else "\nREM 1 has taken nothing"))
        for number, event in enumerate(log.shown, start=1):
            console.print(Text(f"{number:>3} {event}"), soft_wrap=True)
        if log.problem:
            text = f"the log does not explain REM 1: {log.problem}"
            console.print(Text(text, style="bold red"), soft_wrap=True)
    for name, value in facts.items():
        if isinstance(value, str) and value:
            console.print(Text(f"{name}: {value}"), soft_wrap=True)
