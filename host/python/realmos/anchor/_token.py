# SPDX-License-Identifier: BSD-3-Clause
"""The platform token: what booted, signed by the anchor.

draft-ffm-rats-cca-token-00, cca-platform-claims, in a COSE_Sign1 (RFC 9052) by ES384. All labels
ascend and the signature's nonce comes from key and message (RFC 6979), so that one anchor and one
platform give one token.
"""

import hashlib
from collections.abc import Sequence

import cbor2
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from realmos_abi import load

from realmos.anchor.development import DevelopmentAnchor, cose_key
from realmos.attest import SoftwareComponent
from realmos.errors import ToolError

PROFILE = "tag:arm.com,2023:cca_platform#1.0.0"
HASH_ALGORITHM = "sha-256"
CONFIG = b"QEMU virt, RME emulated: memory is not protected from the build machine"
"""The claim that says how well the platform protects realms."""

_RAK_LABEL = b"realmos: realm attestation key for "
_CCA = load("attestation")


def platform_token(anchor: DevelopmentAnchor, components: Sequence[SoftwareComponent]) -> bytes:
    """Return the platform token of a machine whose software these components are.

    Raises:
        ToolError: the cryptography library cannot sign deterministically.
    """
    key = cose_key(realm_key(anchor, components))
    payload = cbor2.dumps(
        {
            _CCA["CCA_PLATFORM_CHALLENGE"]: hashlib.sha256(key).digest(),
            _CCA["CCA_PLATFORM_INSTANCE_ID"]: anchor.instance_id,
            _CCA["CCA_PLATFORM_PROFILE"]: PROFILE,
            _CCA["CCA_PLATFORM_LIFECYCLE"]: _CCA["CCA_LIFECYCLE_SECURED"] << 8,
            _CCA["CCA_PLATFORM_IMPLEMENTATION_ID"]: anchor.implementation_id,
            _CCA["CCA_PLATFORM_SW_COMPONENTS"]: [_claims(part) for part in components],
            _CCA["CCA_PLATFORM_CONFIG"]: CONFIG,
            _CCA["CCA_PLATFORM_HASH_ALGORITHM"]: HASH_ALGORITHM,
        }
    )
    return _sign1(anchor.cpak, payload)


def realm_key(anchor: DevelopmentAnchor, components: Sequence[SoftwareComponent]) -> bytes:
    """Return the key that the RMM of this platform signs realm tokens with (RAK).

    Other software, another key: an RMM that gives its key away can be impersonated, and nobody can
    be with it who is not that RMM.

    Returns:
        the private scalar, P-384, big-endian, 48 bytes.
    """
    software = cbor2.dumps([_claims(part) for part in components])
    size = _CCA["CCA_COORDINATE_SIZE"]
    # Of 2^194 values one is not below the order of the group, and then signing says so.
    return HKDF(SHA384(), size, salt=None, info=_RAK_LABEL + software).derive(anchor.rak_root)


def _claims(part: SoftwareComponent) -> dict[int, object]:
    claims: dict[int, object] = {
        _CCA["CCA_SW_COMPONENT_TYPE"]: part.type,
        _CCA["CCA_SW_COMPONENT_MEASUREMENT"]: part.measurement,
        _CCA["CCA_SW_COMPONENT_VERSION"]: part.version,
        _CCA["CCA_SW_COMPONENT_SIGNER_ID"]: part.signer,
        _CCA["CCA_SW_COMPONENT_HASH_ALGORITHM"]: part.hash_algorithm,
    }
    return {label: value for label, value in claims.items() if value is not None}


def _sign1(key: ec.EllipticCurvePrivateKey, payload: bytes) -> bytes:
    """Return a COSE_Sign1 by ES384."""
    protected = cbor2.dumps({_CCA["COSE_HEADER_ALG"]: _CCA["COSE_ALG_ES384"]})
    to_be_signed = cbor2.dumps(["Signature1", protected, b"", payload])
    try:
        der = key.sign(to_be_signed, ec.ECDSA(SHA384(), deterministic_signing=True))
    except UnsupportedAlgorithm as error:
        raise ToolError(
            "Python's cryptography here cannot make deterministic signatures",
            hint="its OpenSSL must be 3.2 or later: pip install --upgrade cryptography",
        ) from error
    size = _CCA["CCA_SIGNATURE_SIZE"] // 2
    signature = b"".join(part.to_bytes(size) for part in decode_dss_signature(der))
    return cbor2.dumps(cbor2.CBORTag(_CCA["COSE_SIGN1_TAG"], [protected, {}, payload, signature]))
