# SPDX-License-Identifier: BSD-3-Clause
"""The keys and identities of a development anchor."""

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Self

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from realmos_abi import load

from realmos.attest import Anchor

IMPLEMENTATION_ID = hashlib.sha256(b"realmos: QEMU virt with RME").digest()
"""The platform that all development anchors vouch for: 32 bytes."""

_CCA = load("attestation")
RAK_ROOT_SIZE = 48

_SCALAR_SIZE = _CCA["CCA_COORDINATE_SIZE"]


@dataclass(frozen=True)
class DevelopmentAnchor:
    """What signs an installation's platform tokens, and what it hands to the RMM.

    Attributes:
        cpak: signs platform tokens (CCA platform attestation key, P-384).
        rak_root: the secret that the keys of RMMs are derived from, 48 bytes.
        instance_id: of this installation: 33 bytes, the first of which says that it is random.
    """

    cpak: ec.EllipticCurvePrivateKey = field(repr=False)
    rak_root: bytes = field(repr=False)
    instance_id: bytes
    implementation_id: bytes = IMPLEMENTATION_ID

    @classmethod
    def new(cls) -> Self:
        """Return an anchor that there was not before."""
        kind = bytes([_CCA["CCA_INSTANCE_ID_TYPE"]])
        return cls(
            cpak=ec.generate_private_key(ec.SECP384R1()),
            rak_root=secrets.token_bytes(RAK_ROOT_SIZE),
            instance_id=kind + secrets.token_bytes(_CCA["CCA_INSTANCE_ID_SIZE"] - 1),
        )

    def attest_anchor(self) -> Anchor:
        """Return its public half, as a verifier takes it."""
        return Anchor(
            "development", self.cpak.public_key(), self.implementation_id, self.instance_id
        )

    @property
    def signer_id(self) -> bytes:
        """What names the signer of the platform's software: the hash of the anchor's public key."""
        key = self.cpak.public_key()
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).digest()


def scalar(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a P-384 key's private scalar: 48 bytes, big-endian."""
    return key.private_numbers().private_value.to_bytes(_SCALAR_SIZE)


def key_of(private: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the P-384 key with a private scalar.

    Raises:
        ValueError: it is not of 48 bytes, zero, or not below the order of the group.
    """
    if len(private) != _SCALAR_SIZE:
        raise ValueError(f"a key has {len(private)} bytes, not {_SCALAR_SIZE}")
    return ec.derive_private_key(int.from_bytes(private), ec.SECP384R1())


def cose_key(private: bytes) -> bytes:
    """Return a key's public half as the RMM puts it into realm tokens: a COSE_Key of 107 bytes."""
    numbers = key_of(private).public_key().public_numbers()
    return cbor2.dumps(
        {
            _CCA["COSE_KEY_KTY"]: _CCA["COSE_KTY_EC2"],
            _CCA["COSE_KEY_CRV"]: _CCA["COSE_CRV_P384"],
            _CCA["COSE_KEY_X"]: numbers.x.to_bytes(_SCALAR_SIZE),
            _CCA["COSE_KEY_Y"]: numbers.y.to_bytes(_SCALAR_SIZE),
        }
    )
