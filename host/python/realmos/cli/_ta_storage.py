# SPDX-License-Identifier: BSD-3-Clause
"""The options of `realmos ta run` and `realmos measure --ta` about what TAs get from outside."""

import argparse
import os
import re
from pathlib import Path
from typing import Final

from realmos.errors import ConfigError
from realmos.tee import Keeping

_KEY_VARIABLE: Final = "REALMOS_BROKER_KEY"
_KEY: Final = re.compile(r"[0-9a-f]{64}")


def add_storage(parser: argparse._ActionsContainer) -> None:
    """Add them to a parser."""
    parser.add_argument(
        "--storage", type=Path, metavar="DIR",
        help="keep the TAs' objects in DIR, sealed (default: they end with the TEE)",
    )  # fmt: skip
    parser.add_argument(
        "--identity", metavar="NAME",
        help="under the key and the counter of this identity of the broker; without it,\n"
        "under a key that everybody has, and nothing tells old objects from new ones",
    )  # fmt: skip
    parser.add_argument(
        "--broker-key", metavar="KEY", default=os.environ.get(_KEY_VARIABLE),
        help=f"what `realmos broker key` prints (default: ${_KEY_VARIABLE})",
    )  # fmt: skip


def add_services(parser: argparse._ActionsContainer) -> None:
    """Add the options of what this machine does for TAs, as tee-supplicant does, to a parser."""
    parser.add_argument(
        "--sockets", action="store_true",
        help="let the TAs connect to the network from this machine, as tee-supplicant does;\n"
        "with --client-inside, to the realm itself (default: they have no sockets)",
    )  # fmt: skip
    parser.add_argument(
        "--plugin", type=Path, action="append", default=[], metavar="FILE",
        help="let the TAs call this plugin of tee-supplicant, which runs on this machine as you;\n"
        "may be repeated",
    )  # fmt: skip


def keeping_of(arguments: argparse.Namespace) -> Keeping | None:
    """Return what the options ask for.

    Raises:
        ConfigError: they do not go together.
    """
    if arguments.storage is None:
        if arguments.identity is not None:
            raise ConfigError(
                "--identity is for objects that are kept, and these are not",
                hint="add --storage DIR",
            )
        return None
    if arguments.identity is None:
        return Keeping(arguments.storage)
    if not _KEY.fullmatch(arguments.broker_key or ""):
        raise ConfigError(
            "--identity needs --broker-key: whoever relays could play a broker otherwise",
            hint='--broker-key "$(realmos broker key)"',
        )
    return Keeping(arguments.storage, arguments.identity, arguments.broker_key)


def check_plugins(arguments: argparse.Namespace, *, inside: bool) -> None:
    """Refuse plugins for a client that is `inside` the realm.

    Raises:
        ConfigError: there are some.
    """
    if arguments.plugin and inside:
        raise ConfigError(
            "--plugin is for clients on this machine: inside a realm nobody runs plugins",
            hint="leave --plugin out, or the client here",
        )


def check_storage(arguments: argparse.Namespace) -> None:
    """Refuse options of `realmos ta run` that do not go together.

    Raises:
        ConfigError: they do not.
    """
    check_plugins(arguments, inside=arguments.client_inside)
    if arguments.storage is not None and arguments.client_inside:
        raise ConfigError(
            "--storage is for clients on this machine: with --client-inside nobody holds objects",
            hint="leave one of them out",
        )
    if arguments.identity is not None and arguments.local:
        raise ConfigError(
            "--identity is for realms: no broker trusts what runs with --local",
            hint="leave --identity out, and objects are kept for development",
        )
    if bool(arguments.identity) is not bool(arguments.broker):
        raise ConfigError(
            "--identity and --broker go together", hint="--broker ADDRESS --identity NAME"
        )
    keeping_of(arguments)
