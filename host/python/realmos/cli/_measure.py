# SPDX-License-Identifier: BSD-3-Clause
"""`realmos measure`: what a realm's measurements will be, how they come about, and what changed."""

import argparse
import json
import shlex
import tempfile
from dataclasses import asdict
from pathlib import Path

from realmos_agent.protocol import measurement
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from realmos.cache import Cache
from realmos.cli._files import check_output
from realmos.cli._references import write_references
from realmos.cli._run import with_surroundings, workload_of
from realmos.cli._steps import print_comparison, print_steps
from realmos.cli._ta_inside import ta_workload
from realmos.cli._ta_storage import check_plugins
from realmos.cli._transfers import check_transfers
from realmos.errors import ConfigError
from realmos.image import build_image, names
from realmos.image.recipe import FILE_NAME
from realmos.progress import Reporter
from realmos.realm import (
    Account,
    RealmConfig,
    account,
    build_realm,
    compare,
    extended_measurement,
    read_account,
    show_event,
    summary,
    workload_events,
)

_TA_USAGE = "realmos measure --ta FILE.ta [--ta-key FILE] [-- CLIENT ARGS …]"


def realm_config(arguments: argparse.Namespace, *, cmdline: str) -> RealmConfig:
    """Return the realm that a command line asks for."""
    return RealmConfig(
        memory=arguments.memory,
        vcpus=arguments.vcpus,
        hash_algorithm=arguments.hash,
        rpv=arguments.rpv,
        cmdline=cmdline,
    )


def run_measure(arguments: argparse.Namespace, cache: Cache, reporter: Reporter) -> int:
    """Predict, or compare two predictions; return the exit status."""
    arguments = _with_image(arguments)
    if arguments.export and arguments.policy is None:
        raise ConfigError(
            "--export writes a policy for others, and there is none",
            hint="realmos measure --policy policy.toml --export corim",
        )
    if arguments.diff is not None:
        if arguments.words or arguments.ta or arguments.policy is not None:
            raise ConfigError(
                "--diff compares realms, and does nothing else",
                hint="leave the program, --ta and --policy out",
            )
        return _compare(arguments, cache, reporter)
    check_output("--policy", arguments.policy)
    events = _events(arguments, cache, reporter)
    each = arguments.json or arguments.steps is not None
    found = _predict(arguments, cache, reporter, each=each)
    rem = extended_measurement(events, arguments.hash).hex() if events else ""
    if arguments.policy is not None:
        write_references(arguments, found, bytes.fromhex(rem), cache, reporter)
    if arguments.json:
        print(json.dumps({**found.to_json(), **_events_json(events, rem)}))
        return 0
    if arguments.steps:
        print_steps(found, each=arguments.steps == "all")
    _print_values(found, events, rem)
    return 0


def _with_image(arguments: argparse.Namespace) -> argparse.Namespace:
    """Take the first word as an image, if it names one, and read on behind it."""
    words = arguments.words
    if not words or words[0] == "--" or not _is_image(words[0]):
        return arguments
    known = argparse.Namespace(**{**vars(arguments), "image": words[0], "words": []})
    read: argparse.Namespace = arguments.parse(words[1:], known)
    return read


def _is_image(word: str) -> bool:
    return word in names() or ("/" in word and (Path(word) / FILE_NAME).is_file())


def _predict(
    arguments: argparse.Namespace, cache: Cache, reporter: Reporter, *, each: bool = True
) -> Account:
    """Return the account of a prediction, or a summary without `each` command."""
    config = realm_config(arguments, cmdline=arguments.append)
    image = build_image(arguments.image, cache, reporter)
    with tempfile.TemporaryDirectory() as folder:
        realm = build_realm(image, config, out=Path(folder))
        return account(realm) if each else summary(realm)


def _events(
    arguments: argparse.Namespace, cache: Cache, reporter: Reporter
) -> list[measurement.Event]:
    """Return what REM 1 takes if there is a program; none are measured for nothing."""
    if arguments.ta:
        words = arguments.words[arguments.words[:1] == ["--"] :]
        _check_client(arguments, words)
        with tempfile.TemporaryDirectory() as folder:
            given = (arguments.ta, words)
            copies = Path(folder)
            workload = ta_workload(arguments, given, copies, cache=cache, reporter=reporter)
            return workload_events(workload)
    if arguments.ta_key is not None:
        raise ConfigError("--ta-key is for a --ta, and there is none", hint=_TA_USAGE)
    if arguments.storage is not None:
        raise ConfigError("--storage is for a --ta, and there is none", hint=_TA_USAGE)
    if arguments.sockets:
        raise ConfigError("--sockets is for a --ta, and there is none", hint=_TA_USAGE)
    if arguments.plugin:
        raise ConfigError("--plugin is for a --ta, and there is none", hint=_TA_USAGE)
    if not arguments.words:
        if arguments.put or arguments.env:
            raise ConfigError(
                "--put and --env are for a program, and there is none",
                hint="realmos measure --put FILE:PATH SCRIPT.py",
            )
        return []
    named = workload_of(arguments.words)
    check_transfers(arguments.put, [])
    return workload_events(with_surroundings(named, arguments))


def _check_client(arguments: argparse.Namespace, words: list[str]) -> None:
    if (arguments.put or arguments.env) and not words:
        raise ConfigError(
            "--put and --env are for a client in the realm, and there is none", hint=_TA_USAGE
        )
    check_plugins(arguments, inside=bool(words))


def _events_json(events: list[measurement.Event], rem: str) -> dict[str, object]:
    if not events:
        return {}
    return {
        "rem1": rem,
        "events": [
            {"event": show_event(event), "cbor": measurement.encode(event).hex()}
            for event in events
        ],
    }


def _print_values(found: Account, events: list[measurement.Event], rem: str) -> None:
    algorithm = found.settings["hash"]
    table = Table("measurement", Column("", overflow="fold"))
    chosen = f"{found.settings['memory']}, {found.settings['vCPUs']} vCPUs"
    words = f", appended: {found.settings['appended']}" if found.settings["appended"] else ""
    table.add_row("realm", escape(f"{found.image}, {chosen}{words}"))
    table.add_row(f"RIM ({algorithm})", found.rim)
    if events:
        table.add_row("REM 1 takes", escape("\n".join(map(show_event, events))))
        table.add_row(f"REM 1 ({algorithm})", rem)
    Console().print(table)


def _compare(arguments: argparse.Namespace, cache: Cache, reporter: Reporter) -> int:
    one, other = (_side(text, arguments, cache, reporter) for text in arguments.diff)
    with reporter.task("Comparing"):
        found = compare(one, other)
    if arguments.json:
        print(json.dumps({"rims": [one.rim, other.rim], **asdict(found)}))
    else:
        print_comparison(one, other, found)
    return 0 if found.index is None else 1


def _side(text: str, arguments: argparse.Namespace, cache: Cache, reporter: Reporter) -> Account:
    """Return what one word of --diff stands for: a saved account, or options of a realm."""
    path = Path(text)
    if path.is_file():
        try:
            return read_account(path.read_text("utf-8"), text)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{text} cannot be read: {error}") from error
    known = argparse.Namespace(**{**vars(arguments), "diff": None})
    try:
        side = _with_image(arguments.parse(shlex.split(text), known))
        if side.words or side.diff:
            raise ValueError("a program, or another --diff")  # noqa: TRY301 -- one refusal
    except ValueError as error:
        raise ConfigError(
            f"--diff: {text} is neither a file nor an image with options of a realm",
            hint="realmos measure --diff before.json 'linux --vcpus 2'",
        ) from error
    return _predict(side, cache, reporter)
