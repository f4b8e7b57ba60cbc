# SPDX-License-Identifier: BSD-3-Clause
"""What a broker keeps: named secrets and identities, each with the policy that decides on it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from realmos_agent.protocol import cbor, numbers

from realmos.attest import read_policy, write_policy
from realmos.errors import ConfigError, IntegrityError

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
SECRET_MAX: Final = numbers.WANT_SECRET_MAX

_Kept = TypeVar("_Kept")


@dataclass(frozen=True)
class Secret:
    """Bytes that a realm gets which satisfies the policy.

    Attributes:
        policy: TOML, as `normal_policy` returns it.
    """

    name: str
    policy: str
    value: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        if not 0 < len(self.value) <= SECRET_MAX:
            raise ConfigError(f"a secret has 1 to {SECRET_MAX} bytes, not {len(self.value)}")


@dataclass(frozen=True)
class Identity:
    """Whoever satisfies the policy: it has a key to seal data with, and a counter that only rises.

    Attributes:
        policy: see `Secret`. Only the owner's signature replaces it.
        owner: the owner's public key, PEM; empty if the identity is to stay as it is for ever.
        counter: tells the newest state of sealed data from older ones.
        serial: how often the policy was replaced.
        key: 32 random bytes.
        mark: what the counter was last advanced with.
    """

    name: str
    policy: str
    owner: str
    counter: int
    serial: int
    key: bytes = field(repr=False)
    mark: bytes = b""

    def __post_init__(self) -> None:
        check_name(self.name)


@dataclass(frozen=True)
class Content:
    """All of it.

    Attributes:
        signer: private key (Ed25519) by which realms know this broker.
    """

    signer: bytes = field(repr=False)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    identities: Mapping[str, Identity] = field(default_factory=dict)

    @classmethod
    def new(cls) -> "Content":
        """Return what a new broker keeps: its own key."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    def signing_key(self) -> Ed25519PrivateKey:
        """Return the broker's own key."""
        return Ed25519PrivateKey.from_private_bytes(self.signer)

    def public_key(self) -> bytes:
        """Return what realms can know this broker by, 32 bytes."""
        return self.signing_key().public_key().public_bytes_raw()

    def with_secret(self, secret: Secret) -> "Content":
        """Return the same with one more secret, or with another in place of one of its name."""
        return replace(self, secrets={**self.secrets, secret.name: secret})

    def with_identity(self, identity: Identity) -> "Content":
        """Return the same with one more identity, or with another state of it."""
        return replace(self, identities={**self.identities, identity.name: identity})

    def without_secret(self, name: str) -> "Content":
        """Return the same without a secret.

        Raises:
            ConfigError: there is none of that name.
        """
        return replace(self, secrets=_without(self.secrets, name, "secret"))

    def without_identity(self, name: str) -> "Content":
        """Return the same without an identity, as whom nobody can open what it sealed.

        Raises:
            ConfigError: there is none of that name.
        """
        return replace(self, identities=_without(self.identities, name, "identity"))

    def encode(self) -> bytes:
        """Return the content as bytes."""
        return cbor.encode(
            {
                "signer": self.signer,
                "secrets": tuple(
                    (one.name, one.policy, one.value) for one in self.secrets.values()
                ),
                "identities": tuple(
                    (one.name, one.policy, one.owner, one.counter, one.serial, one.key, one.mark)
                    for one in self.identities.values()
                ),
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> "Content":
        """Return the content that was encoded so.

        Raises:
            IntegrityError: none was.
        """
        try:
            parts: Any = cbor.decode(data)  # we wrote it, and nobody else can
            secrets = [Secret(*one) for one in parts["secrets"]]
            identities = [Identity(*one) for one in parts["identities"]]
            return cls(
                parts["signer"],
                {one.name: one for one in secrets},
                {one.name: one for one in identities},
            )
        except (cbor.CborError, KeyError, TypeError, ConfigError) as error:
            raise IntegrityError(
                f"the store was written by another version of realmos: {error}"
            ) from error


def _without(kept: Mapping[str, _Kept], name: str, what: str) -> dict[str, _Kept]:
    if name not in kept:
        raise ConfigError(f"there is no {what} {name!r:.80}", hint="realmos broker list")
    return {other: one for other, one in kept.items() if other != name}


def check_name(name: str) -> None:
    """Refuse what cannot be a name.

    Raises:
        ConfigError: it is none.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r:.80} is no name of a secret or an identity",
            hint="use 1 to 63 letters, digits, dots, dashes and underscores",
        )


def normal_policy(text: str) -> str:
    """Return a policy in the one form that it is kept and hashed in.

    Raises:
        ConfigError: it is no policy, or one that everybody satisfies, or nobody.
    """
    policy = read_policy(text)
    if not policy.anchors:
        raise ConfigError("the policy names no anchor, so no realm satisfies it")
    if not policy.rims:
        raise ConfigError(
            "the policy names no RIM, so every realm of its anchors satisfies it",
            hint="make one with: realmos measure --policy FILE",
        )
    return write_policy(policy)


def policy_digest(policy: str) -> bytes:
    """Return the SHA-256 of a policy in its normal form."""
    return sha256(policy.encode()).digest()
