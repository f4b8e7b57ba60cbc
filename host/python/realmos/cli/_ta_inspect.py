# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta inspect`: what is in a `.ta` file, as tables or JSON."""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from realmos_agent.tee import numbers as tee
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from realmos.progress import Terminal
from realmos.tee import Inspection, Program, Signer, inspect_ta, read_keys

_REFUSED = 3


def run_ta_inspect(arguments: argparse.Namespace) -> int:
    """Print what is in a file; 3 when the realm's loader would refuse it."""
    found = inspect_ta(arguments.file, read_keys(arguments.key))
    if arguments.json:
        print(json.dumps(_facts(found)))
    else:
        _print(found)
    reporter = Terminal()
    if found.development:
        reporter.warn(
            "OP-TEE's development key vouches for it, which everybody has: it may be anybody's"
        )
    for problem in found.problems:
        reporter.warn(problem)
    return _REFUSED if found.problems else 0


def _facts(found: Inspection) -> dict[str, object]:
    facts = asdict(found)
    facts |= {"path": str(found.path), "kind": found.kind}
    return facts


def _print(found: Inspection) -> None:
    table = Table(found.kind, Column(found.uuid, overflow="fold"))
    table.add_row("file", escape(f"{found.path} ({found.size} bytes)"))
    table.add_row("sha256", found.sha256)
    table.add_row("container", f"{found.image}, digest {found.digest}")
    table.add_row("signed by", escape(found.root) or "[bold red]no configured key")
    for number, link in enumerate(found.chain, 1):
        table.add_row(f"signature {number}", _link(link))
    if found.program is not None:
        for name, text in _rows(found.program):
            table.add_row(name, escape(text))
    table.add_row("loads in a realm", "[bold red]no" if found.problems else "yes")
    Console().print(table)


def _link(link: Signer) -> str:
    depth = "" if link.max_depth is None else f", {link.max_depth} subkeys may follow"
    algorithm = link.algorithm.removeprefix("TEE_ALG_")
    return f"{link.signs} {link.uuid}, version {link.version}{depth}: {algorithm}, {link.bits} bits"


def _rows(program: Program) -> list[tuple[str, str]]:
    rows = []
    if program.head_uuid:
        heap = "unknown" if program.heap is None else f"{program.heap} bytes"
        rows = [
            ("flags", ", ".join(program.flags) or "none: an instance for each session"),
            ("stack", f"{program.stack} bytes"),
            ("heap", heap),
            ("entry", f"{program.entry:#x}"),
        ]
    segments = [f"{at:#x} {size} bytes {flags}" for at, size, flags in program.segments]
    rows += [
        ("memory", "\n".join([f"{program.memory} bytes of addresses", *segments])),
        ("relocations", str(program.relocations)),
        ("branch targets", "marked (BTI)" if program.bti else "not marked"),
        ("properties", _list([f"{p.name} = {p.value}" for p in program.properties], "\n")),
        ("libraries", _list(program.needed, "\n")),
        ("imports", _list(program.imports, ", ")),
        ("exports", _list(program.exports, ", ")),
        ("system calls", _calls(program)),
    ]
    return rows


def _list(texts: Sequence[str], separator: str) -> str:
    """Return what a file says as lines or a line: it may say anything, to the terminal as well."""
    plain = (
        "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
        for text in texts
    )
    return separator.join(plain) or "none"


def _calls(program: Program) -> str:
    if not program.calls:
        return "none of its own"
    sites = Counter((-1 if call.number is None else call.number) for call in program.calls)
    if sites.keys() == tee.CALLS.keys():
        return f"{len(program.calls)} sites, for every call that OP-TEE has"
    names = {(-1 if c.number is None else c.number): c.name for c in program.calls}
    texts = [
        (names[number] or "unknown") + (f" ({sites[number]} times)" if sites[number] > 1 else "")
        for number in sorted(sites)
    ]
    return f"{len(program.calls)} sites: {', '.join(texts)}"
