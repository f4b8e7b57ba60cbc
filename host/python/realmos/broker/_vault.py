# SPDX-License-Identifier: BSD-3-Clause
"""A store's bytes: one AES-256-GCM box around everything, behind a head that it authenticates.

One box, so that names and policies are as secret as what they guard, and so that no entry can be
taken out, put back or exchanged for an older one by whoever can only write the file.
"""

import hmac
import os
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from realmos_agent.protocol import cbor

from realmos.broker._keys import Derivation, Lock
from realmos.errors import ConfigError, IntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping

SIZE_MAX: Final = 64 << 20
_FORMAT = "realmos broker store 1"
_NONCE_SIZE = 12
_HINT = "restore the store from a backup"


@dataclass(frozen=True)
class Head:
    """How the key comes about, and how to tell that it is the right one."""

    derivation: Derivation
    check: bytes

    def encode(self) -> bytes:
        """Return what the box authenticates beside its content."""
        return cbor.encode({"format": _FORMAT, "key": self.derivation, "check": self.check})


class Vault:
    """Opens and closes boxes with one key.

    Args:
        head: of the store.
        key: the store's.
    """

    def __init__(self, head: Head, key: bytes) -> None:
        self.head = head
        self._cipher = AESGCM(key)

    @classmethod
    def new(cls, lock: Lock) -> "Vault":
        """Return the vault of a new store."""
        derivation, key = lock.new()
        return cls(Head(derivation, _check(key)), key)

    @classmethod
    def of(cls, data: bytes, lock: Lock) -> "Vault":
        """Return the vault that a store's bytes are from.

        Raises:
            ConfigError: `lock` does not have its key.
            IntegrityError: it is no store.
        """
        head, _ = _split(data)
        key = lock.key(head.derivation)
        if not hmac.compare_digest(_check(key), head.check):
            raise ConfigError(
                "the store is locked with another key or passphrase",
                hint="name the right one with --key-file or --passphrase-file",
            )
        return cls(head, key)

    def close(self, content: bytes) -> bytes:
        """Return a store's bytes."""
        nonce = os.urandom(_NONCE_SIZE)
        box = self._cipher.encrypt(nonce, content, self.head.encode())
        return cbor.encode({"head": self.head.encode(), "nonce": nonce, "box": box})

    def open(self, data: bytes) -> bytes:
        """Return what was put into a store.

        Raises:
            IntegrityError: the bytes are not what was written.
        """
        head, (nonce, box) = _split(data)
        if head != self.head:
            raise IntegrityError("the store's head was changed", hint=_HINT)
        try:
            return self._cipher.decrypt(nonce, box, head.encode())
        except InvalidTag as error:
            raise IntegrityError(
                "the store was changed or damaged since it was written", hint=_HINT
            ) from error


def _check(key: bytes) -> bytes:
    return hmac.new(key, b"realmos broker store key", sha256).digest()


def _split(data: bytes) -> tuple[Head, tuple[bytes, bytes]]:
    """Take a store's bytes apart: its head, and the box's nonce and content.

    Raises:
        IntegrityError: they are no store.
    """
    head, nonce, box = (_part(_map(data), name) for name in ("head", "nonce", "box"))
    parts = _map(head)
    derivation = parts.get("key")
    if parts.get("format") != _FORMAT or len(nonce) != _NONCE_SIZE:
        raise IntegrityError(f"the store is not marked as {_FORMAT!r}", hint=_HINT)
    if not isinstance(derivation, dict):
        raise IntegrityError("the store's head does not say how it is locked", hint=_HINT)
    return Head(derivation, _part(parts, "check")), (nonce, box)


def _map(data: bytes) -> "Mapping[str, cbor.Value]":
    try:
        found = cbor.decode(data)
    except cbor.CborError as error:
        raise IntegrityError(
            f"the store is cut short or is no store of a broker ({error})", hint=_HINT
        ) from error
    return found if isinstance(found, dict) else {}


def _part(parts: "Mapping[str, cbor.Value]", name: str) -> bytes:
    value = parts.get(name)
    if not isinstance(value, bytes):
        raise IntegrityError(f"the store has no part {name!r}", hint=_HINT)
    return value
