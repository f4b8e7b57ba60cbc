# SPDX-License-Identifier: BSD-3-Clause
"""How an identity, with its key and counter, passes to another realm: by its owner's signature.

The owner signs the whole new policy in place of the old one. A new image has another RIM, but a new
program has another REM 1, and a new firmware other components: one signature covers any of them.
The serial number counts successions, so that no old one can be brought again.
"""

import json
from dataclasses import dataclass, replace
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from realmos_agent.protocol import cbor

from realmos.broker._content import Identity, check_name, normal_policy, policy_digest
from realmos.errors import ConfigError, IntegrityError

OwnerKey: TypeAlias = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey

_FORMAT = "realmos succession 1"
_ALGORITHM = ec.ECDSA(hashes.SHA384())
_KINDS = "an Ed25519 or a P-384 key"


@dataclass(frozen=True)
class Succession:
    """What an owner signed.

    Attributes:
        broker: the broker's public key.
        identity: its name there.
        serial: 1 for the first succession of an identity, 2 for the next.
        old_policy: the SHA-256 of the policy until then.
        new_policy: TOML, as `normal_policy` returns it.
        signature: of the owner.
    """

    broker: bytes
    identity: str
    serial: int
    old_policy: bytes
    new_policy: str
    signature: bytes = b""

    def statement(self) -> bytes:
        """Return what is signed."""
        return cbor.encode(
            (
                _FORMAT,
                self.broker,
                self.identity,
                self.serial,
                self.old_policy,
                self.new_policy,
            )
        )

    def signed(self, key: OwnerKey) -> "Succession":
        """Return the same with the owner's signature."""
        data = self.statement()
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return replace(self, signature=key.sign(data))
        return replace(self, signature=key.sign(data, _ALGORITHM))

    def to_json(self) -> str:
        """Return the document that goes to the broker."""
        members = {
            "format": _FORMAT,
            "broker": self.broker.hex(),
            "identity": self.identity,
            "serial": self.serial,
            "old_policy_sha256": self.old_policy.hex(),
            "new_policy": self.new_policy,
            "signature": self.signature.hex(),
        }
        return json.dumps(members, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Succession":
        """Return the succession that a document describes.

        Raises:
            ConfigError: it is none.
        """
        try:
            members = json.loads(text)
            if members["format"] != _FORMAT:
                raise ValueError(f"it is not marked as {_FORMAT!r}")  # noqa: TRY301 -- one refusal
            return cls(
                bytes.fromhex(members["broker"]),
                str(members["identity"]),
                int(members["serial"]),
                bytes.fromhex(members["old_policy_sha256"]),
                str(members["new_policy"]),
                bytes.fromhex(members["signature"]),
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigError(f"not a document of a succession: {error}") from error


def sign_succession(
    key: OwnerKey, *, broker: bytes, identity: str, serial: int, old: str, new: str
) -> Succession:
    """Return the owner's word that a realm which satisfies `new` succeeds those that satisfy `old`.

    Raises:
        ConfigError: one of them is no policy that decides anything, or there is no such name.
    """
    check_name(identity)
    replaced = policy_digest(normal_policy(old))
    return Succession(broker, identity, serial, replaced, normal_policy(new)).signed(key)


def succeed(identity: Identity, word: Succession, *, broker: bytes) -> Identity:
    """Return the identity as it is after a succession: another policy, the same key and counter.

    Raises:
        ConfigError: the owner's word is about another broker, identity or state of it.
        IntegrityError: it is not the owner's.
    """
    if not identity.owner:
        raise ConfigError(f"{identity.name} has no owner, so nobody can let another succeed it")
    _verify(identity.owner, word)
    if word.broker != broker:
        raise ConfigError(f"the succession is for the broker {word.broker.hex()}")
    if word.identity != identity.name:
        raise ConfigError(f"the succession is for {word.identity!r}, not for {identity.name!r}")
    if word.serial != identity.serial + 1:
        raise ConfigError(
            f"the succession has the number {word.serial}, and the next of {identity.name} is "
            f"{identity.serial + 1}",
            hint="an old one cannot be brought again: have the owner sign another",
        )
    if word.old_policy != policy_digest(identity.policy):
        raise ConfigError(
            f"the succession replaces another policy than {identity.name} has now",
            hint="have the owner sign one for the policy that `realmos broker list` shows",
        )
    return replace(identity, policy=normal_policy(word.new_policy), serial=word.serial)


def owner_public_key(pem: str) -> str:
    """Return an owner's public key in PEM, from that or from the private one.

    Raises:
        ConfigError: it is no key that owners have.
    """
    try:
        key = owner_private_key(pem).public_key() if "PRIVATE" in pem else _public(pem)
    except ValueError as error:
        raise ConfigError(f"the owner's key is not {_KINDS} in PEM") from error
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def owner_private_key(pem: str) -> OwnerKey:
    """Return an owner's private key.

    Raises:
        ConfigError: it is none that owners have.
    """
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            f"the owner's key is not {_KINDS} in PEM, without a passphrase"
        ) from error
    if isinstance(key, ed25519.Ed25519PrivateKey) or (
        isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == "secp384r1"
    ):
        return key
    raise ConfigError(f"the owner's key is not {_KINDS}")


def _public(pem: str) -> ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error
    if isinstance(key, ed25519.Ed25519PublicKey) or (
        isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp384r1"
    ):
        return key
    raise ValueError("another kind of key")


def _verify(owner: str, word: Succession) -> None:
    key = _public(owner)
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(word.signature, word.statement())
        else:
            key.verify(word.signature, word.statement(), _ALGORITHM)
    except InvalidSignature as error:
        raise IntegrityError(
            f"the succession of {word.identity!r:.80} is not signed by its owner, or was changed"
        ) from error
