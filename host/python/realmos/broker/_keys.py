# SPDX-License-Identifier: BSD-3-Clause
"""What a store is locked with: a key in a file, or one that is derived from a passphrase."""

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from realmos.broker._files import make_folder, read_private, write_private
from realmos.errors import ConfigError, IntegrityError

if TYPE_CHECKING:
    from realmos_agent.protocol import cbor

KEY_SIZE: Final = 32
Derivation: TypeAlias = "dict[str, cbor.Value]"
"""How the key comes about, as the store's head has it."""

_FROM_FILE: Final = "key file"
_FROM_PASSPHRASE: Final = "scrypt"  # noqa: S105 -- what kind it is
_KEY_FILE_LIMIT = 1024
_SALT_SIZE = 16
# 128 MiB and some tenths of a second a guess.
_COST = {"n": 1 << 17, "r": 8, "p": 1}
# What a store may ask for: a changed one must not make us use up the memory or never come back.
_COST_MAX = {"n": 1 << 20, "r": 16, "p": 4}


class Lock(Protocol):
    """What opens a store."""

    def new(self) -> tuple[Derivation, bytes]:
        """Return the key for a new store, and how it comes about."""

    def key(self, derivation: Derivation) -> bytes:
        """Return the key of a store."""


@dataclass(frozen=True)
class KeyFile:
    """A file with a random key, made with the first store; 64 hexadecimal digits."""

    path: Path

    def new(self) -> tuple[Derivation, bytes]:
        """Make the file, unless it is there.

        Raises:
            ConfigError: it cannot be made, or is not one.
        """
        with contextlib.suppress(FileNotFoundError):
            return {"kind": _FROM_FILE}, self._read()
        make_folder(self.path.parent)
        write_private(self.path, os.urandom(KEY_SIZE).hex().encode() + b"\n")
        return {"kind": _FROM_FILE}, self._read()

    def key(self, derivation: Derivation) -> bytes:
        """Read the file.

        Raises:
            ConfigError: the store is not locked with a file, or the file is not there, or no key.
        """
        if derivation.get("kind") != _FROM_FILE:
            raise ConfigError(
                "the store is locked with a passphrase, not with a key file",
                hint="add --passphrase-file FILE",
            )
        try:
            return self._read()
        except FileNotFoundError as error:
            raise ConfigError(
                f"the store's key {self.path} is not there",
                hint="restore it, or name it with --key-file; without it nobody can read the store",
            ) from error

    def _read(self) -> bytes:
        data = read_private(self.path, limit=_KEY_FILE_LIMIT)
        try:
            key = bytes.fromhex(data.decode("ascii"))
        except ValueError as error:
            raise ConfigError(f"{self.path} is not a key of {KEY_SIZE} bytes in hex") from error
        if len(key) != KEY_SIZE:
            raise ConfigError(f"{self.path} is not a key of {KEY_SIZE} bytes in hex")
        return key


@dataclass(frozen=True)
class Passphrase:
    """Words that somebody remembers."""

    words: bytes = field(repr=False)

    def new(self) -> tuple[Derivation, bytes]:
        """Choose a salt.

        Raises:
            ConfigError: there are no words.
        """
        if not self.words:
            raise ConfigError("the passphrase is empty")
        derivation: Derivation = {
            "kind": _FROM_PASSPHRASE,
            "salt": os.urandom(_SALT_SIZE),
            **_COST,
        }
        return derivation, self.key(derivation)

    def key(self, derivation: Derivation) -> bytes:
        """Derive the key.

        Raises:
            ConfigError: the store is not locked with a passphrase.
            IntegrityError: it asks for costs that no store of ours has.
        """
        if derivation.get("kind") != _FROM_PASSPHRASE:
            raise ConfigError(
                "the store is locked with a key file, not with a passphrase",
                hint="leave --passphrase-file out",
            )
        salt = derivation.get("salt")
        n, r, p = (_cost(derivation, name) for name in ("n", "r", "p"))
        if not isinstance(salt, bytes) or len(salt) != _SALT_SIZE or n & (n - 1) or n < 2:
            raise IntegrityError("the store's head was changed: no passphrase is derived so")
        return Scrypt(salt=salt, length=KEY_SIZE, n=n, r=r, p=p).derive(self.words)


def _cost(derivation: Derivation, name: str) -> int:
    value = derivation.get(name)
    if type(value) is not int or not 0 < value <= _COST_MAX[name]:
        raise IntegrityError(f"the store's head was changed: its {name} is none of ours")
    return value
