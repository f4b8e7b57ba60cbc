# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta build`: a Trusted Application and its client, by Makefiles of their own."""

import argparse
import json
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from realmos.cache import Cache
from realmos.errors import ConfigError
from realmos.progress import Terminal
from realmos.source import find_cross_compiler
from realmos.tee import (
    BuiltTa,
    ClientSource,
    TaSource,
    build_client,
    build_ta,
    find_client_source,
    find_dev_kit,
    find_source,
    inspect_ta,
    open_dev_kit,
    read_keys,
)
from realmos.tee.libteec import build_architecture

_INSIDE = "arm64"
_SHOWN = 5  # warnings of the compiler


def run_ta_build(arguments: argparse.Namespace) -> int:
    """Build, say what was built, and who can sign such a thing."""
    reporter = Terminal(verbose=arguments.verbose)
    cache = Cache()
    names = Counter(name for name, _ in arguments.settings)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ConfigError(f"{twice[0]} is set twice", hint="set it once")
    directory = find_source(arguments.directory)
    source = TaSource(directory, arguments.key, dict(arguments.settings))
    compiler = find_cross_compiler()
    own = arguments.kit
    kit = find_dev_kit(cache, reporter) if own is None else open_dev_kit(own)
    out = arguments.out or directory / "out"
    clients = _client_sources(arguments)
    made = build_ta(source, kit, compiler, out=out, cache=cache, reporter=reporter)
    programs = [
        program
        for client in clients
        for program in build_client(
            client, out=out / _place(client), cache=cache, reporter=reporter
        )
    ]
    kind, problems = _look(made)
    if arguments.json:
        print(json.dumps(_facts(made, programs) | {"kind": kind, "problems": problems}))
    else:
        _print(kind, made, programs, kit.version)
    _warn(made, problems, reporter)
    return 0


def _look(made: BuiltTa) -> tuple[str, list[str]]:
    """Return what was built, in a word or two, and why a realm would refuse it as it is.

    Libraries may come from elsewhere, and of a TA that a subkey signs nobody here has the root key.
    """
    keys, known = read_keys([]), True
    if made.key is not None:
        try:
            keys = read_keys([made.key])
        except ConfigError:  # the Makefile signs with something else than a file, say
            known = False
    found = inspect_ta(made.path, keys)
    known = known and len(found.chain) == 1
    uncertain = found.lacking if known else found.lacking + found.unvouched
    kind = "Trusted Application" if found.program is None else found.kind
    return kind, [each for each in found.problems if each not in uncertain]


def _warn(made: BuiltTa, problems: list[str], reporter: Terminal) -> None:
    for line in made.warnings[:_SHOWN]:
        reporter.warn(line)
    left = len(made.warnings) - _SHOWN
    if left > 0:
        reporter.warn(f"and {left} more warnings of the compiler: {made.log}")
    for problem in problems:
        reporter.warn(f"{made.path.name} will not be loaded: {problem}")
    if made.development:
        reporter.warn(
            f"{made.path.name} is signed with OP-TEE's development key, which everybody has: "
            "good for trying, worth nothing as a signature (--key FILE signs with yours)"
        )


def _client_sources(arguments: argparse.Namespace) -> list[ClientSource]:
    """Return what clients are to be built.

    Raises:
        ConfigError: there is no source of one.
    """
    wanted = [build_architecture()] if arguments.client else []
    wanted += [_INSIDE] if arguments.client_inside and _INSIDE not in wanted else []
    directory = find_client_source(arguments.directory)
    if wanted and directory is None:
        raise ConfigError(
            f"{arguments.directory} has no client's source: no `host` in it or beside it has a "
            "Makefile that mentions TEEC_EXPORT",
            hint="guest/optee/examples/hello/host/Makefile shows the least there must be",
        )
    return [ClientSource(directory, each) for each in wanted if directory is not None]


def _place(client: ClientSource) -> str:
    """Return where in --out a client's programs come: those of two architectures are apart."""
    return "" if client.architecture == build_architecture() else client.architecture


def _facts(made: BuiltTa, programs: list[Path]) -> dict[str, object]:
    return {
        "uuid": made.uuid,
        "path": str(made.path),
        "sha256": made.sha256,
        "elf": None if made.elf is None else str(made.elf),
        "clients": [str(path) for path in programs],
        "development_key": made.development,
    }


def _print(kind: str, made: BuiltTa, programs: list[Path], version: str) -> None:
    table = Table(kind, Column(made.uuid, overflow="fold"))
    table.add_row("file", escape(str(made.path)))
    table.add_row("sha256", made.sha256)
    if made.elf is not None:
        table.add_row("with symbols", escape(str(made.elf)))
    for path in programs:
        table.add_row("client", escape(str(path)))
    table.add_row("dev kit", f"OP-TEE {version} (Debian)" if version else "yours")
    Console().print(table)
