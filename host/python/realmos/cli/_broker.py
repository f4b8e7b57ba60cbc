# SPDX-License-Identifier: BSD-3-Clause
"""`realmos broker`: what a relying party keeps for realms, and gives to those it expects."""

import argparse
import getpass
import json
import os
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from realmos.agent import AgentClient
from realmos.anchor import data_dir
from realmos.attest import read_policy
from realmos.broker import (
    SECRET_MAX,
    Address,
    Broker,
    Content,
    DecisionLog,
    Identity,
    KeyFile,
    Lock,
    Passphrase,
    Secret,
    Server,
    Store,
    Succession,
    check_name,
    normal_policy,
    owner_private_key,
    owner_public_key,
    policy_digest,
    sign_succession,
    succeed,
)
from realmos.cli._files import read_input, write_output
from realmos.cli._messages import complain
from realmos.errors import ConfigError

_FILE_LIMIT = 1 << 20
_SEALING_KEY_SIZE = 32


def broker_address(text: str | None) -> Address | None:
    """Return the broker that `--broker` names, after a look whether it is there.

    Raises:
        ConfigError: it is not.
    """
    if text is None:
        return None
    address = Address.parse(text)
    address.require()
    return address


def relay_to(agent: AgentClient, address: Address | None) -> None:
    """Let what runs in a realm ask the broker of `--broker`, if there is one."""
    if address is not None:
        agent.relay(address.connect)


def serve(arguments: argparse.Namespace) -> int:
    """`realmos broker serve`: until Ctrl-C."""
    store = _store(arguments)
    store.read()  # what is wrong with it is better known now
    folder = _folder(arguments)
    address = Address.parse(arguments.listen or str(folder / "socket"))
    log = DecisionLog(folder / "decisions.jsonl", say=_say, complain=complain)
    with address.listening() as listener:
        _say(f"listening; give realms this broker with: realmos run --broker {address}")
        server = Server(listener, Broker(store, log).answer, complain=_say)
        try:
            server.serve()
        except KeyboardInterrupt:
            _say("ended")
    return 0


def add(arguments: argparse.Namespace) -> int:
    """`realmos broker add`."""
    check_name(arguments.name)
    policy = _policy(arguments.policy)
    value = _value(arguments.source, arguments.name)

    def change(content: Content) -> Content:
        if arguments.name in content.secrets and not arguments.replace:
            raise ConfigError(
                f"there is a secret {arguments.name} already",
                hint="add --replace to put this one in its place",
            )
        return content.with_secret(Secret(arguments.name, policy, value))

    _store(arguments).update(change)
    return _warn(policy)


def add_identity(arguments: argparse.Namespace) -> int:
    """`realmos broker identity`."""
    check_name(arguments.name)
    policy = _policy(arguments.policy)
    owner = "" if arguments.owner is None else owner_public_key(_text(arguments.owner, "key"))

    def change(content: Content) -> Content:
        if arguments.name in content.identities:
            raise ConfigError(
                f"there is an identity {arguments.name} already",
                hint="let another realm take its place with: realmos broker succeed",
            )
        key = os.urandom(_SEALING_KEY_SIZE)
        return content.with_identity(Identity(arguments.name, policy, owner, 0, 0, key))

    _store(arguments).update(change)
    if not owner:
        complain("this identity has no --owner, so nobody can let another realm succeed it")
    return _warn(policy)


def remove(arguments: argparse.Namespace) -> int:
    """`realmos broker remove`."""
    store = _store(arguments)
    store.read()  # what is not there is not made for this
    without = Content.without_identity if arguments.identity else Content.without_secret
    store.update(lambda content: without(content, arguments.name))
    return 0


def show(arguments: argparse.Namespace) -> int:
    """`realmos broker list`: everything but the secrets."""
    content = _store(arguments).read()
    if arguments.json:
        print(json.dumps(_facts(content)))
        return 0
    table = Table("kind", "name", "counter", Column("for realms with", overflow="fold"))
    for secret in content.secrets.values():
        table.add_row("secret", escape(secret.name), "", escape(_wanted(secret.policy)))
    for one in content.identities.values():
        table.add_row("identity", escape(one.name), str(one.counter), escape(_wanted(one.policy)))
    Console().print(table)
    return 0


def key(arguments: argparse.Namespace) -> int:
    """`realmos broker key`: what workloads know this broker by; its first word makes a broker.

    Policies may take the key, so that it is there before anything that is kept.
    """
    store = _store(arguments)
    if not store.path.exists():
        store.update(lambda content: content)
        made = f"made a new broker in {store.path.parent}, for there was none"
        print(made, file=sys.stderr, flush=True)
    print(store.read().public_key().hex())
    return 0


def sign(arguments: argparse.Namespace) -> int:
    """`realmos broker sign`: the owner's part of a succession; needs no store."""
    word = sign_succession(
        owner_private_key(_text(arguments.owner, "owner's key")),
        broker=arguments.broker,
        identity=arguments.name,
        serial=arguments.serial,
        old=_text(arguments.old, "policy"),
        new=_text(arguments.new, "policy"),
    )
    write_output(arguments.out, word.to_json().encode())
    return 0


def succession(arguments: argparse.Namespace) -> int:
    """`realmos broker succeed`."""
    word = Succession.from_json(_text(arguments.word, "succession"))

    def change(content: Content) -> Content:
        identity = content.identities.get(word.identity)
        if identity is None:
            raise ConfigError(f"there is no identity {word.identity!r:.80}")
        return content.with_identity(succeed(identity, word, broker=content.public_key()))

    content = _store(arguments).update(change)
    return _warn(content.identities[word.identity].policy)


def _folder(arguments: argparse.Namespace) -> Path:
    chosen: Path | None = arguments.store
    return chosen or data_dir() / "broker"


def _store(arguments: argparse.Namespace) -> Store:
    folder = _folder(arguments)
    lock: Lock = KeyFile(arguments.key_file or folder / "key")
    if arguments.passphrase_file is not None:
        words = _bytes(arguments.passphrase_file, "passphrase", limit=_FILE_LIMIT)
        lock = Passphrase(words.rstrip(b"\r\n"))
    return Store(folder, lock)


def _value(source: Path | None, name: str) -> bytes:
    """Return a secret: a file's content as it is, or what comes in; never a word of a command."""
    if source is not None:
        return _bytes(source, "secret", limit=SECRET_MAX + 1)
    if sys.stdin.isatty():
        return getpass.getpass(f"secret {name}: ").encode()
    return sys.stdin.buffer.read(SECRET_MAX + 1)


def _policy(path: Path) -> str:
    return normal_policy(_text(path, "policy"))


def _text(path: Path, what: str) -> str:
    try:
        return _bytes(path, what, limit=_FILE_LIMIT).decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"the {what} {path} is not text") from error


def _bytes(path: Path, what: str, *, limit: int) -> bytes:
    return read_input(path, what, limit=limit, hint="")


def _warn(policy: str) -> int:
    """Say what a policy leaves open."""
    if not any(rem.index == 1 for rem in read_policy(policy).rems):
        complain(
            "the policy says nothing of REM 1: whatever runs in such a realm gets it, and whoever "
            "commands the realm can run what he likes",
            "name the program, too: realmos measure --policy FILE SCRIPT.py",
        )
    return 0


def _wanted(policy: str) -> str:
    read = read_policy(policy)
    lines = [f"RIM {rim.value.hex()} ({rim.name})" for rim in read.rims]
    for rem in read.rems:
        values = [value.hex() for value in rem.values] or ["by its log"]
        lines += [f"REM {rem.index} {value}" for value in values]
    return "\n".join(lines)


def _facts(content: Content) -> dict[str, object]:
    secrets = [{"name": one.name, "policy": one.policy} for one in content.secrets.values()]
    identities = [
        {
            "name": one.name,
            "policy": one.policy,
            "policy_sha256": policy_digest(one.policy).hex(),
            "owner": one.owner,
            "counter": one.counter,
            "serial": one.serial,
        }
        for one in content.identities.values()
    ]
    return {"key": content.public_key().hex(), "secrets": secrets, "identities": identities}


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)
