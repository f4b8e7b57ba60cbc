# SPDX-License-Identifier: BSD-3-Clause
"""The options of `realmos broker`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from realmos.cli import _broker as commands
from realmos.cli._options import add_json
from realmos.cli._values import count

if TYPE_CHECKING:
    from collections.abc import Callable

    # argparse has no public name for what add_subparsers() returns.
    Actions = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001

_DESCRIPTION = """\
Keeps secrets for realms, encrypted, and gives each to those that satisfy its policy.
docs/broker.md tells how it works, and what it is worth."""


def add_broker(parser: argparse.ArgumentParser) -> None:
    """Add the kinds of the command to its parser."""
    parser.description = _DESCRIPTION
    kinds = parser.add_subparsers(metavar="WHAT", required=True)
    _serve(_kind(kinds, "serve", "serve realms until Ctrl-C", commands.serve))
    _add(_kind(kinds, "add", "keep a secret: what comes in, or a file's content", commands.add))
    _identity(_kind(kinds, "identity", "keep a sealing key and a counter", commands.add_identity))
    shown = _kind(kinds, "list", "what is kept for whom; no secrets", commands.show)
    add_json(shown)
    removed = _kind(kinds, "remove", "forget a secret", commands.remove)
    removed.add_argument("name", help="its name")
    removed.add_argument(
        "--identity", action="store_true", help="an identity: what it sealed is lost then"
    )
    _kind(kinds, "key", "the key that workloads can know this broker by", commands.key)
    _sign(kinds.add_parser("sign", help="as an identity's owner, sign another policy for it"))
    succeeded = _kind(
        kinds, "succeed", "let another realm take an identity's place", commands.succession
    )
    succeeded.add_argument("word", type=Path, metavar="FILE", help="what its owner signed")


def broker_key(text: str) -> bytes:
    """Parse a broker's public key."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise argparse.ArgumentTypeError(f"{text!r} is not 64 hexadecimal digits")
    return key


def _kind(
    kinds: "Actions", name: str, text: str, command: "Callable[[argparse.Namespace], int]"
) -> argparse.ArgumentParser:
    parser = kinds.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    group = parser.add_argument_group("the store")
    group.add_argument("--store", type=Path, metavar="DIR", help="where (default: user's data)")
    group.add_argument(
        "--key-file", type=Path, metavar="FILE", help="its key (default DIR/key; made if need be)"
    )
    group.add_argument(
        "--passphrase-file", type=Path, metavar="FILE",
        help="a file with a passphrase instead; it may be a pipe",
    )  # fmt: skip
    parser.set_defaults(command=command)
    return parser


def _policy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="what realms ask for")
    parser.add_argument(
        "--policy", type=Path, required=True, metavar="FILE",
        help="which realms get it, in TOML: `realmos measure --policy FILE` makes one",
    )  # fmt: skip


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen", metavar="ADDRESS",
        help="a socket's path (default DIR/socket), or 127.0.0.1:PORT",
    )  # fmt: skip


def _add(parser: argparse.ArgumentParser) -> None:
    _policy(parser)
    parser.add_argument(
        "--from", dest="source", type=Path, metavar="FILE",
        help="the secret, byte for byte (default: standard input)",
    )  # fmt: skip
    parser.add_argument("--replace", action="store_true", help="in place of one of that name")


def _identity(parser: argparse.ArgumentParser) -> None:
    _policy(parser)
    parser.add_argument(
        "--owner", type=Path, metavar="FILE",
        help="the key whose signature can let another realm succeed (PEM, Ed25519 or P-384)",
    )  # fmt: skip


def _sign(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the identity")
    parser.add_argument(
        "--owner", type=Path, required=True, metavar="FILE", help="the owner's private key, PEM"
    )
    parser.add_argument(
        "--old", type=Path, required=True, metavar="FILE", help="the policy that it has"
    )
    parser.add_argument(
        "--new", type=Path, required=True, metavar="FILE", help="the policy that it is to have"
    )
    parser.add_argument(
        "--serial", type=count, default=1, metavar="N",
        help="1 for the first succession of this identity (default), 2 for the next",
    )  # fmt: skip
    parser.add_argument(
        "--broker", type=broker_key, required=True, metavar="KEY",
        help="the broker that keeps it: what `realmos broker key` prints",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="for `realmos broker succeed`"
    )
    parser.set_defaults(command=commands.sign)
