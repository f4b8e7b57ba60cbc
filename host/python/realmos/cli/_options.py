# SPDX-License-Identifier: BSD-3-Clause
"""The options that several commands share."""

import argparse
from pathlib import Path

from realmos.anchor import ANCHOR_CHOICES
from realmos.cli._values import rpv, seconds, setting, size, transfer
from realmos.realm import HASHES, RealmConfig
from realmos.session import BOOT_TIMEOUT


def add_json(parser: argparse._ActionsContainer) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def add_verbose(parser: argparse.ArgumentParser) -> None:
    """Add --verbose."""
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is being done")


def add_realm(parser: argparse.ArgumentParser) -> None:
    """Add what shapes a realm."""
    default = RealmConfig()
    group = parser.add_argument_group("the realm")
    group.add_argument(
        "--image", default="linux", help="image recipe: linux or small (default linux)"
    )
    group.add_argument(
        "--memory",
        type=size,
        default=default.memory,
        metavar="SIZE",
        help="RAM of the realm (default 512M)",
    )
    group.add_argument("--vcpus", type=int, default=1, metavar="N", help="vCPUs (default 1)")
    group.add_argument(
        "--hash", default="sha-256", choices=sorted(HASHES), help="hash of RIM and REMs"
    )
    group.add_argument(
        "--rpv", type=rpv, metavar="HEX", help="personalisation value (default: random)"
    )
    group.add_argument(
        "--append", default="", metavar="WORDS", help="added to the kernel's command line"
    )


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Add what shapes a realm and the machine around it."""
    add_realm(parser)
    group = parser.add_argument_group("the firmware")
    add_firmware(group)
    group.add_argument(
        "--boot-timeout", type=seconds, default=BOOT_TIMEOUT, metavar="SECONDS",
        help=f"give up a boot after this time (default {BOOT_TIMEOUT:.0f})",
    )  # fmt: skip


# argparse has no public name for what parsers and their groups have in common.
def add_firmware(parser: argparse._ActionsContainer) -> None:
    """Add what firmware is made of."""
    parser.add_argument("--rmm", type=Path, metavar="FILE", help="an RMM image instead of ours")
    parser.add_argument(
        "--bl33", type=Path, metavar="FILE", help="a normal-world image instead of the monitor"
    )
    add_anchor(parser)


def add_anchor(parser: argparse._ActionsContainer) -> None:
    """Add what vouches for the platform."""
    parser.add_argument(
        "--anchor", default="development", choices=ANCHOR_CHOICES,
        help="what vouches for the platform in tokens: this machine's development anchor\n"
        "(default), or TF-A's sample, with which anybody can sign",
    )  # fmt: skip


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add what may be left out of judging a realm and of talking to it."""
    group = parser.add_argument_group("trust")
    group.add_argument(
        "--no-verify", action="store_true",
        help="go on with a realm whose token does not show it to be the one built here",
    )  # fmt: skip
    group.add_argument(
        "--plain", action="store_true",
        help="talk to the realm outside TLS: whoever is in between can read and change it all",
    )  # fmt: skip


def add_asked_broker(parser: argparse._ActionsContainer) -> None:
    """Add the broker that a program may ask."""
    parser.add_argument(
        "--broker", metavar="ADDRESS",
        help="let the program ask this broker for secrets: what `realmos broker serve` says",
    )  # fmt: skip


def add_cold(parser: argparse.ArgumentParser) -> None:
    """Add --cold."""
    parser.add_argument(
        "--cold", action="store_true", help="boot; neither use nor leave a snapshot"
    )


def add_attested_machine(parser: argparse.ArgumentParser) -> None:
    """Add all that a command has which starts a realm and judges it."""
    add_machine(parser)
    add_trust(parser)
    add_cold(parser)


def add_program(parser: argparse.ArgumentParser) -> "argparse._ArgumentGroup":
    """Add what a program gets; return the group, for more of that."""
    group = parser.add_argument_group("the program")
    add_given(group)
    return group


def add_given(parser: argparse._ActionsContainer) -> None:
    """Add what a program is given: --env, --put."""
    parser.add_argument(
        "-e", "--env", type=setting, action="append", default=[], metavar="NAME=VALUE",
        help="set a variable in the program's environment",
    )  # fmt: skip
    parser.add_argument(
        "--put", type=transfer, action="append", default=[], metavar="FILE:PATH",
        help="copy a file into the realm first",
    )  # fmt: skip


def add_get(parser: argparse._ActionsContainer) -> None:
    """Add --get."""
    parser.add_argument(
        "--get", type=transfer, action="append", default=[], metavar="PATH:FILE",
        help="copy a file out of the realm afterwards",
    )  # fmt: skip


def add_timeout(parser: argparse._ActionsContainer) -> None:
    """Add the time that a program may take."""
    parser.add_argument(
        "--timeout", type=seconds, metavar="SECONDS", help="kill the program after this time"
    )
