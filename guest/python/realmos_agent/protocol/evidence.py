# SPDX-License-Identifier: BSD-3-Clause
"""What ties a TLS key to an attestation token; shared by the realm and its verifiers."""

import hashlib

EVIDENCE_OID = "2.23.133.5.4.9"
"""The certificate extension that carries a token (TCG DICE, conceptual message wrapper)."""


def channel_challenge(nonce: bytes, spki: bytes) -> bytes:
    """Return the challenge of the token in a channel's certificate: 64 bytes.

    Args:
        nonce: what the client sent, 64 bytes.
        spki: the certificate's SubjectPublicKeyInfo, DER.
    """
    return hashlib.sha512(nonce + spki).digest()
