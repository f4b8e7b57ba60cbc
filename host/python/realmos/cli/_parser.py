# SPDX-License-Identifier: BSD-3-Clause
"""The options of every command, and the `--help` that teaches them."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from realmos import __version__
from realmos.cli import _commands as commands
from realmos.cli._broker_options import add_broker
from realmos.cli._examples import EXAMPLES
from realmos.cli._options import (
    add_anchor,
    add_asked_broker,
    add_attested_machine,
    add_cold,
    add_firmware,
    add_get,
    add_json,
    add_machine,
    add_program,
    add_realm,
    add_timeout,
    add_trust,
    add_verbose,
)
from realmos.cli._policies import FORMATS
from realmos.cli._ta_options import add_ta
from realmos.cli._ta_storage import add_services, add_storage
from realmos.cli._values import count, nonce, uuid

_DESCRIPTION = """\
Build, boot and use Arm CCA realms on QEMU's emulated RME platform.

  realmos run hello.py            run a Python program inside a fresh realm
  realmos run -- uname -a         run a command there
  realmos measure                 predict a realm's measurements, without a machine
  realmos attest                  have a realm show what it is, and judge that
  realmos verify token.cbor       judge a token, without a machine
  realmos shell                   a console in a realm
  realmos logs                    what every layer of the last machine printed
  realmos doctor                  what this machine needs, and how to get it
"""


_RUN_USAGE = """\
realmos run [options] SCRIPT.py [ARGS …]
       realmos run [options] -- CMD [ARGS …]"""
_RUN_DESCRIPTION = """\
Boots a realm, runs the program there with its output as it comes, prints the evidence table,
and exits with the program's status (128 + N for signal N, 124 after --timeout; 1 when that would
be 0 but a file for --get was not there).
Its input is this command's, unless that is a terminal. With --json its output goes to stderr."""


_MEASURE_USAGE = """\
realmos measure [options] [IMAGE] [options] [SCRIPT.py [ARGS …] | -- CMD [ARGS …]]
       realmos measure [options] [IMAGE] [options] --ta FILE.ta [-- CLIENT [ARGS …]]
       realmos measure --diff A B"""
_MEASURE_DESCRIPTION = """\
Predicts what `realmos run` with the same words makes of a realm's measurements: the RIM of the
image and the options, and with a program REM 1 as it is when the program starts. Builds the image
if need be; runs nothing. IMAGE is a recipe's name or directory; a script of that name is ./IMAGE.
With --diff the status is 1 when the two differ."""

_ATTEST_USAGE = """\
realmos attest [options] [SCRIPT.py [ARGS …] | -- CMD [ARGS …]]"""
_ATTEST_DESCRIPTION = """\
Brings up a realm as `realmos run` does, challenges it, and prints the verdict on the token that it
answers with. With a program the realm first runs that (its output goes to stderr), and REM 1 tells.
The status is 0 when the token passes, 3 when it does not, and 1 when there is none to judge.
A realm that another `realmos run` or `realmos shell` holds cannot be attested from here: its agent
serves one client at a time. `realmos run` itself judges its realm before and after the program,
and programs fetch tokens by `from realmos_agent import attestation`."""
_VERIFY_DESCRIPTION = """\
Prints the verdict on a token from `realmos attest --out FILE`, or from elsewhere. Runs and builds
nothing. Without --policy, this installation's anchor must vouch for it, and measurements are shown
but compared with nothing.
The status is 0 when the token passes (and --log explains it), 3 when not, and 1 when a file cannot
be read."""


class Parser(argparse.ArgumentParser):
    """Gives an option whose value may be left out the next word only if that can be its value.

    So `--gdb SCRIPT.py` is `--gdb` and a script, and `--gdb rmm SCRIPT.py` is what it looks like.
    """

    def parse_known_args(  # type: ignore[override] # one signature serves all overloads
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse as any parser does, after telling optional values from what follows them."""
        words = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(self._with_defaults(words), namespace)

    def _with_defaults(self, words: list[str]) -> list[str]:
        at = 0
        while at < len(words) and words[at].startswith("-") and words[at] != "--":
            action = self._option_string_actions.get(words[at])
            if action is not None and action.nargs is None:
                at += 1  # its value
            elif action is not None and action.nargs == "?":
                if words[at + 1 : at + 2] and words[at + 1] in (action.choices or ()):
                    at += 1
                else:
                    words[at] += f"={action.const}"
            at += 1
        return words


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="realmos", description=_DESCRIPTION, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"realmos {__version__}")
    actions = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_run(actions)
    _add_measure(actions)
    _add_attest(actions)
    _add_verify(actions)
    _add_shell(actions)
    add_broker(actions.add_parser("broker", help="keep secrets for realms, and give them"))
    ta = actions.add_parser("ta", help="OP-TEE Trusted Applications: build, run, debug them")
    add_ta(ta, add_attested_machine)
    _add_build(actions)
    _add_logs(actions)
    _add_doctor(actions)
    _add_lock(actions)
    _add_cache(actions)
    _add_bench(actions)
    for name, command in actions.choices.items():
        command.epilog = f"examples:\n{EXAMPLES[name]}"
        command.formatter_class = argparse.RawTextHelpFormatter
    return parser


# argparse has no public name for what add_subparsers() returns.
_Actions: TypeAlias = "argparse._SubParsersAction[Parser]"  # noqa: SLF001


def _add_run(actions: _Actions) -> None:
    parser = actions.add_parser(
        "run",
        help="run a Python program, or `-- CMD …`, inside a fresh realm",
        usage=_RUN_USAGE,
        description=_RUN_DESCRIPTION,
    )
    add_machine(parser)
    add_trust(parser)
    group = add_program(parser)
    add_get(group)
    add_timeout(group)
    add_asked_broker(group)
    group.add_argument(
        "--gdb", nargs="?", const="realm", choices=["realm", "rmm", "monitor"], metavar="WHAT",
        help="stop at the first instruction of the realm (or rmm, or monitor) and wait for gdb",
    )  # fmt: skip
    add_cold(parser)
    add_json(parser)
    add_verbose(parser)
    parser.add_argument(
        "words", nargs=argparse.REMAINDER, metavar="SCRIPT.py …", help="the program, and its words"
    )
    parser.set_defaults(command=commands.run)


def _measured(parser: argparse.ArgumentParser) -> None:
    add_realm(parser)
    add_firmware(parser.add_argument_group("the firmware, for --policy"))
    add_program(parser)
    group = parser.add_argument_group("Trusted Applications")
    group.add_argument(
        "--ta", type=Path, action="append", default=[], metavar="FILE.ta",
        help="a TEE with this Trusted Application, or a directory's, as `realmos ta run` has it;\n"
        "may be repeated. A program then is a client for --client-inside",
    )  # fmt: skip
    group.add_argument(
        "--ta-key", type=Path, metavar="FILE",
        help="the RSA key (PEM) that signs them (default: OP-TEE's development key)",
    )  # fmt: skip
    add_storage(group)
    add_services(group)
    parser.add_argument(
        "--policy", type=Path, metavar="FILE",
        help="make a policy that accepts these measurements, or add them to the one in FILE",
    )  # fmt: skip
    parser.add_argument(
        "--export", action="append", default=[], choices=FORMATS,
        help="with --policy X.toml: write its values for others, too: as CoRIM (X.realm.corim,\n"
        "X.platform.corim), or as rust-ccatoken's stores (X.ta.json, X.rv.json)",
    )  # fmt: skip
    parser.add_argument(
        "--steps", nargs="?", const="grouped", choices=["grouped", "all"], metavar="all",
        help="list every operation with the value after it; all: each page on a line",
    )  # fmt: skip
    parser.add_argument(
        "--diff", nargs=2, metavar=("A", "B"),
        help="where two part: each a file written with --json, or an image and realm options",
    )  # fmt: skip
    add_json(parser)
    add_verbose(parser)
    parser.add_argument(
        "words", nargs=argparse.REMAINDER, metavar="IMAGE SCRIPT.py …",
        help="the image (default linux); then the program, and its words",
    )  # fmt: skip


def _parse_measured(words: Sequence[str], defaults: argparse.Namespace) -> argparse.Namespace:
    """Parse more words of `realmos measure`, on top of what is already known."""
    parser = Parser(prog="realmos measure", usage=_MEASURE_USAGE)
    _measured(parser)
    parser.set_defaults(**vars(defaults))
    return parser.parse_args(words)


def _add_measure(actions: _Actions) -> None:
    parser = actions.add_parser(
        "measure",
        help="predict a realm's RIM, and REM 1 for a program, without a machine",
        usage=_MEASURE_USAGE,
        description=_MEASURE_DESCRIPTION,
    )
    _measured(parser)
    parser.set_defaults(command=commands.measure, parse=_parse_measured)


def _judged(parser: argparse.ArgumentParser, *, policy: str) -> None:
    parser.add_argument(
        "--nonce", type=nonce, metavar="HEX",
        help="what the realm is challenged with: 1 to 64 bytes, new each time;\n"
        "REM 1 takes one of more than 32 (docs/measurement.md)",
    )  # fmt: skip
    parser.add_argument(
        "--policy", type=Path, action="append", metavar="FILE",
        help=f"{policy}: TOML (docs/policy.md),\n"
        "or several, each with a --policy: CoRIM (.corim), or rust-ccatoken's stores (.json)",
    )  # fmt: skip
    forms = parser.add_mutually_exclusive_group()
    add_json(forms)
    forms.add_argument(
        "--ear", action="store_true",
        help="print the verdict as an EAT Attestation Result's claims, unsigned",
    )  # fmt: skip


def _add_attest(actions: _Actions) -> None:
    parser = actions.add_parser(
        "attest",
        help="have a realm show what it is, and judge that",
        usage=_ATTEST_USAGE,
        description=_ATTEST_DESCRIPTION,
    )
    _judged(parser, policy="what the token must say, in place of what was built here")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the token")
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="write the log of events, which explains REM 1"
    )
    add_machine(parser)
    add_trust(parser)
    add_timeout(add_program(parser))
    add_cold(parser)
    add_verbose(parser)
    parser.add_argument(
        "words", nargs=argparse.REMAINDER, metavar="SCRIPT.py …", help="a program to run first"
    )
    parser.set_defaults(command=commands.attest)


def _add_verify(actions: _Actions) -> None:
    parser = actions.add_parser(
        "verify", help="judge a token, without a machine", description=_VERIFY_DESCRIPTION
    )
    parser.add_argument("token", type=Path, metavar="TOKEN", help="the token's file")
    _judged(parser, policy="what the token must say")
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="show the log of events, and hold it against REM 1"
    )
    parser.add_argument(
        "--ta", type=uuid, metavar="UUID",
        help="the Trusted Application that got the token, by realmos's pseudo TA, for --nonce",
    )  # fmt: skip
    parser.add_argument(
        "--statement", type=Path, metavar="FILE", help="with --ta: what the TA got the token for"
    )
    add_anchor(parser)
    parser.set_defaults(command=commands.verify)


def _add_shell(actions: _Actions) -> None:
    parser = actions.add_parser("shell", help="a console in a fresh realm")
    add_machine(parser)
    add_trust(parser)
    add_asked_broker(parser)
    add_cold(parser)
    add_verbose(parser)
    parser.set_defaults(command=commands.shell)


def _add_build(actions: _Actions) -> None:
    parser = actions.add_parser("build", help="build what is missing, run nothing")
    parser.add_argument("what", nargs="?", choices=["firmware", "image"], help="default: both")
    parser.add_argument("--image", default="linux", help="image recipe: linux or small")
    add_firmware(parser)
    add_json(parser)
    add_verbose(parser)
    parser.set_defaults(command=commands.build)


def _add_logs(actions: _Actions) -> None:
    parser = actions.add_parser("logs", help="all lines of the last machine, tagged by layer")
    add_json(parser)
    parser.set_defaults(command=commands.logs)


def _add_doctor(actions: _Actions) -> None:
    parser = actions.add_parser("doctor", help="what this machine needs, found, and how to get it")
    add_json(parser)
    parser.set_defaults(command=commands.doctor)


def _add_lock(actions: _Actions) -> None:
    parser = actions.add_parser(
        "lock", help="move a package lock to the versions that the mirror has now"
    )
    parser.add_argument("what", help="a lock's name: firmware, qemu, linux, small, tee")
    add_verbose(parser)
    parser.set_defaults(command=commands.lock)


def _add_cache(actions: _Actions) -> None:
    parser = actions.add_parser("cache", help="what is cached, and how much disk it takes")
    parser.add_argument("--prune", action="store_true", help="remove everything")
    add_json(parser)
    parser.set_defaults(command=commands.cache)


def _add_bench(actions: _Actions) -> None:
    parser = actions.add_parser("bench", help="measure")
    kinds = parser.add_subparsers(metavar="WHAT", required=True)
    boot = kinds.add_parser("boot", help="how long booting takes, and what it is made of")
    boot.add_argument(
        "--first-run",
        action="store_true",
        help="time scripts/run, too, from a fresh copy and with nothing cached",
    )
    boot.set_defaults(command=commands.bench)
    attest = kinds.add_parser("attest", help="what tokens, verdicts and channels take, and a run")
    attest.set_defaults(command=commands.bench_attestation)
    for each in (boot, attest):
        each.add_argument("--count", type=count, default=5, metavar="N", help="runs (default 5)")
        add_machine(each)
    tee = kinds.add_parser("tee", help="what a Trusted Application's sessions and calls take")
    where = tee.add_mutually_exclusive_group()
    where.add_argument(
        "--local", action="store_true", help="of `realmos ta run --local`, by the clock"
    )
    where.add_argument(
        "--peer", action="store_true", help="and beside it of OP-TEE itself, on the same QEMU"
    )
    tee.add_argument(
        "--count", type=count, default=20, metavar="N", help="samples of each (default 20)"
    )
    tee.set_defaults(command=commands.bench_applications)
    add_machine(tee)
    rmm = kinds.add_parser("rmm", help="how many instructions the RMM's operations take")
    rmm.add_argument(
        "--rmm", type=Path, action="append", default=[], metavar="FILE",
        help="measure this RMM image, too, beside ours; may be repeated",
    )  # fmt: skip
    rmm.set_defaults(command=commands.bench_operations)
    for each in (boot, attest, tee, rmm):
        add_json(each)
        add_verbose(each)
