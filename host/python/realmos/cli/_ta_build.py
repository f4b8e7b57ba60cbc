# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta build`: a Trusted Application from its own source and Makefile."""

import argparse
import json
from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from realmos.cache import Cache
from realmos.errors import ConfigError
from realmos.progress import Terminal
from realmos.source import find_cross_compiler
from realmos.tee import BuiltTa, TaSource, build_ta, find_dev_kit, find_source, open_dev_kit


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
    made = build_ta(source, kit, compiler, out=out, cache=cache, reporter=reporter)
    if arguments.json:
        print(json.dumps(_facts(made)))
    else:
        _print(made, kit.version)
    if made.development:
        reporter.warn(
            f"{made.path.name} is signed with OP-TEE's development key, which everybody has: "
            "good for trying, worth nothing as a signature (--key FILE signs with yours)"
        )
    return 0


def _facts(made: BuiltTa) -> dict[str, object]:
    return {
        "uuid": made.uuid,
        "path": str(made.path),
        "sha256": made.sha256,
        "elf": None if made.elf is None else str(made.elf),
        "development_key": made.development,
    }


def _print(made: BuiltTa, version: str) -> None:
    table = Table("Trusted Application", Column(made.uuid, overflow="fold"))
    table.add_row("file", escape(str(made.path)))
    table.add_row("sha256", made.sha256)
    if made.elf is not None:
        table.add_row("with symbols", escape(str(made.elf)))
    table.add_row("dev kit", f"OP-TEE {version} (Debian)" if version else "yours")
    Console().print(table)
