# SPDX-License-Identifier: BSD-3-Clause
"""Trust anchors: the key that signs a platform's tokens, and what its signature is worth."""

from dataclasses import dataclass
from typing import Final, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from realmos.errors import ConfigError

AnchorKind = Literal["development", "sample", "other"]
KINDS: Final[tuple[AnchorKind, ...]] = ("development", "sample", "other")

SAMPLE_WORTH = "sample anchor, forgeable"
DEVELOPMENT_WORTH = "development anchor of this machine"
NO_WORTH = "no anchor"

# The public half of the key that signs TF-A's sample platform token. Its private half is public.
_SAMPLE_KEY = ec.EllipticCurvePublicNumbers(
    x=0x212867C52E2B9508B0A420A90560F394D2DFAA21BDD7514FF1A901AFE7E1F78BB11D4E66F8A8A38AFA76AF6A31C4DE8C,
    y=0x84CE2DAFC9964258B53FAD718774F45620D111B176E8318E1187DB0235A318D37BA597FEE80E0E4C762A12BCB3EA6ED4,
    curve=ec.SECP384R1(),
)
_SAMPLE_IMPLEMENTATION = "7f454c4602010100000000000000000003003e00010000005058000000000000"


@dataclass(frozen=True)
class Anchor:
    """A key that platform tokens of one implementation are signed with (CPAK).

    Attributes:
        kind: where it comes from, as the policy says.
        public_key: verifies platform tokens.
        implementation_id: the platform token's claim, 32 bytes.
        instance_id: the platform token's claim, 33 bytes; None for any instance.
        name: what to call an anchor of kind `other`.
    """

    kind: AnchorKind
    public_key: ec.EllipticCurvePublicKey
    implementation_id: bytes
    instance_id: bytes | None = None
    name: str = ""

    @property
    def worth(self) -> str:
        """What a verdict that rests on this anchor is worth; goes into every rendering of it.

        TF-A's sample key is one that anybody can sign with, whatever a policy calls it.
        """
        if self.kind == "sample" or self.public_key.public_numbers() == _SAMPLE_KEY:
            return SAMPLE_WORTH
        if self.kind == "development":
            return DEVELOPMENT_WORTH
        return self.name or "anchor without a name"

    def to_pem(self) -> str:
        """Return the public key as PEM SubjectPublicKeyInfo."""
        return self.public_key.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ).decode()


def key_from_pem(pem: str) -> ec.EllipticCurvePublicKey:
    """Return the elliptic curve key that a PEM SubjectPublicKeyInfo holds.

    Raises:
        ConfigError: there is none in it.
    """
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError("not a public key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ConfigError("not a key on an elliptic curve")
    return key


def sample_anchor() -> Anchor:
    """Return the anchor of TF-A's sample platform token, which proves nothing."""
    return Anchor("sample", _SAMPLE_KEY.public_key(), bytes.fromhex(_SAMPLE_IMPLEMENTATION))
