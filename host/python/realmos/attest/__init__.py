# SPDX-License-Identifier: BSD-3-Clause
"""CCA attestation tokens: parsed strictly, and verified against a policy.

Pure: bytes and a policy in, a verdict out. No file, no network and no clock is used.
"""

from realmos.attest._anchor import Anchor, AnchorKind, key_from_pem, sample_anchor
from realmos.attest._ccatoken_store import export_ccatoken, import_ccatoken
from realmos.attest._certificate import verify_certificate
from realmos.attest._claims import PlatformClaims, RealmClaims, SoftwareComponent
from realmos.attest._corim import CorimIdentity, CorimPart, export_corim, import_corim
from realmos.attest._cose import Sign1
from realmos.attest._names import HASH_SIZES, LIFE_CYCLES, replay
from realmos.attest._policy import (
    NONCE_MAX,
    Policy,
    ReferenceComponent,
    ReferenceRem,
    ReferenceRim,
    default_policy,
)
from realmos.attest._policy_file import read_policy, write_policy
from realmos.attest._token import Era, Token, parse_token
from realmos.attest._verdict import Check, Status, Verdict
from realmos.attest._verify import verify

__all__ = [
    "HASH_SIZES",
    "LIFE_CYCLES",
    "NONCE_MAX",
    "Anchor",
    "AnchorKind",
    "Check",
    "CorimIdentity",
    "CorimPart",
    "Era",
    "PlatformClaims",
    "Policy",
    "RealmClaims",
    "ReferenceComponent",
    "ReferenceRem",
    "ReferenceRim",
    "Sign1",
    "SoftwareComponent",
    "Status",
    "Token",
    "Verdict",
    "default_policy",
    "export_ccatoken",
    "export_corim",
    "import_ccatoken",
    "import_corim",
    "key_from_pem",
    "parse_token",
    "read_policy",
    "replay",
    "sample_anchor",
    "verify",
    "verify_certificate",
    "write_policy",
]
