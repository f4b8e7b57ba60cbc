# SPDX-License-Identifier: BSD-3-Clause
"""One function per command: options in, exit status out."""

import argparse
import json
import time

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from realmos import session as sessions
from realmos.anchor import choose_anchor
from realmos.cache import Cache
from realmos.cli._attest import run_attest
from realmos.cli._bench import bench_boot
from realmos.cli._bench_attest import bench_attest
from realmos.cli._bench_rmm import bench_rmm
from realmos.cli._bench_tee import bench_tee
from realmos.cli._broker import broker_address, relay_to
from realmos.cli._debug import announce, debug_cmdline, debug_port
from realmos.cli._doctor import print_requirements
from realmos.cli._logs import print_logs
from realmos.cli._measure import realm_config, run_measure
from realmos.cli._run import run_workload
from realmos.cli._stages import timed
from realmos.cli._verify import run_verify
from realmos.firmware import build_firmware
from realmos.image import build_image
from realmos.machine import last_run
from realmos.progress import Terminal
from realmos.session import Options
from realmos.source import move_lock, requirements

_MIB = 1 << 20


def options_of(arguments: argparse.Namespace) -> Options:
    """Return the machine's options that a command line asks for."""
    gdb = getattr(arguments, "gdb", None)
    realm = realm_config(arguments, cmdline=debug_cmdline(arguments.append, gdb))
    return Options(
        image=arguments.image,
        realms=(realm,),
        rmm=arguments.rmm,
        bl33=arguments.bl33,
        anchor=arguments.anchor,
        gdb=debug_port(gdb),
        boot_timeout=arguments.boot_timeout,
        cold=getattr(arguments, "cold", False),
        plain=getattr(arguments, "plain", False),
        verify=not getattr(arguments, "no_verify", False),
    )


def run(arguments: argparse.Namespace) -> int:
    """`realmos run`."""
    began = time.monotonic()
    reporter = timed(Terminal(verbose=arguments.verbose))
    options = options_of(arguments)
    return run_workload(arguments, options, Cache(), reporter, began=began, on_start=announce)


def measure(arguments: argparse.Namespace) -> int:
    """`realmos measure`."""
    return run_measure(arguments, Cache(), Terminal(verbose=arguments.verbose))


def attest(arguments: argparse.Namespace) -> int:
    """`realmos attest`: 0 when the token passes, 3 when it does not."""
    reporter = Terminal(verbose=arguments.verbose)
    return run_attest(arguments, options_of(arguments), Cache(), reporter)


def verify(arguments: argparse.Namespace) -> int:
    """`realmos verify`: 0 when the token passes, 3 when it does not."""
    return run_verify(arguments)


def shell(arguments: argparse.Namespace) -> int:
    """`realmos shell`."""
    reporter = Terminal(verbose=arguments.verbose)
    broker = broker_address(arguments.broker)
    with sessions.running(options_of(arguments), Cache(), reporter) as session:
        relay_to(session.agent, broker)
        status: int = session.agent.shell()
        return status


def build(arguments: argparse.Namespace) -> int:
    """`realmos build`."""
    reporter = Terminal(verbose=arguments.verbose)
    cache = Cache()
    made: dict[str, dict[str, object]] = {}
    if arguments.what in {None, "firmware"}:
        anchor = choose_anchor(arguments.anchor)
        flash = build_firmware(
            cache, reporter, rmm=arguments.rmm, bl33=arguments.bl33, anchor=anchor
        )
        made["firmware"] = flash.manifest()
    if arguments.what in {None, "image"}:
        made["image"] = build_image(arguments.image, cache, reporter).manifest()
    if arguments.json:
        print(json.dumps(made, indent=1))
    else:
        _print_components(made)
    return 0


def logs(arguments: argparse.Namespace) -> int:
    """`realmos logs`."""
    print_logs(last_run(), as_json=arguments.json)
    return 0


def doctor(arguments: argparse.Namespace) -> int:
    """`realmos doctor`: 0 when everything needed is there."""
    rows = requirements(Cache())
    print_requirements(rows, as_json=arguments.json)
    return 0 if all(row.ok for row in rows) else 1


def lock(arguments: argparse.Namespace) -> int:
    """`realmos lock`."""
    for line in move_lock(arguments.what, Cache(), Terminal(verbose=arguments.verbose)):
        print(line)
    return 0


def cache(arguments: argparse.Namespace) -> int:
    """`realmos cache`."""
    store = Cache()
    if arguments.prune:
        freed = store.prune()
        text = f"freed {freed // _MIB} MiB of {store.path}"
        print(json.dumps({"freed": freed}) if arguments.json else text)
        return 0
    entries = store.entries()
    if arguments.json:
        print(json.dumps([{"kind": e.kind, "path": str(e.path), "size": e.size} for e in entries]))
        return 0
    table = Table("kind", "entries", "MiB", title=escape(str(store.path)))
    for kind in sorted({entry.kind for entry in entries}):
        sizes = [entry.size for entry in entries if entry.kind == kind]
        table.add_row(kind, str(len(sizes)), f"{sum(sizes) / _MIB:.1f}")
    table.add_row("all", str(len(entries)), f"{sum(e.size for e in entries) / _MIB:.1f}")
    Console().print(table)
    return 0


def bench(arguments: argparse.Namespace) -> int:
    """`realmos bench boot`."""
    reporter = Terminal(verbose=arguments.verbose)
    bench_boot(
        options_of(arguments),
        Cache(),
        reporter,
        arguments.count,
        first_run=arguments.first_run,
        as_json=arguments.json,
    )
    return 0


def bench_attestation(arguments: argparse.Namespace) -> int:
    """`realmos bench attest`."""
    reporter = Terminal(verbose=arguments.verbose)
    bench_attest(options_of(arguments), Cache(), reporter, arguments.count, as_json=arguments.json)
    return 0


def bench_applications(arguments: argparse.Namespace) -> int:
    """`realmos bench tee`."""
    bench_tee(
        options_of(arguments),
        Cache(),
        Terminal(verbose=arguments.verbose),
        arguments.count,
        local=arguments.local,
        as_json=arguments.json,
        peer=arguments.peer,
    )
    return 0


def bench_operations(arguments: argparse.Namespace) -> int:
    """`realmos bench rmm`."""
    reporter = Terminal(verbose=arguments.verbose)
    bench_rmm(arguments.rmm, Cache(), reporter, as_json=arguments.json)
    return 0


def _print_components(made: dict[str, dict[str, object]]) -> None:
    table = Table("component", "sha256", Column("from", overflow="fold"))
    for part, manifest in made.items():
        for name, facts in _hashed(manifest).items():
            origin = escape(str(facts.get("origin", "")))
            table.add_row(f"{part}: {name}", str(facts["sha256"])[:16], origin)
    Console().print(table)


def _hashed(manifest: dict[str, object]) -> dict[str, dict[str, object]]:
    """Return those facts of a manifest that are about a file with a hash; a flash names several."""
    inner = manifest.get("components", manifest)
    found = inner.items() if isinstance(inner, dict) else ()
    return {name: facts for name, facts in found if isinstance(facts, dict) and "sha256" in facts}
