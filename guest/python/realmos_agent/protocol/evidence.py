# SPDX-License-Identifier: BSD-3-Clause
"""What ties a TLS key to an attestation token; shared by the realm and its verifiers."""

import hashlib

from realmos_agent.protocol import cbor

EVIDENCE_OID = "2.23.133.5.4.9"
"""The certificate extension that carries a token (TCG DICE, conceptual message wrapper)."""


def channel_challenge(nonce: bytes, spki: bytes) -> bytes:
    """Return the challenge of the token in a channel's certificate: 64 bytes.

    Args:
        nonce: what the client sent, 64 bytes.
        spki: the certificate's SubjectPublicKeyInfo, DER.
    """
    return hashlib.sha512(nonce + spki).digest()


_ANSWER = "realmos broker answer 1"


def answer_statement(
    challenge: bytes, question: tuple[int, str, int], data: bytes, counter: int
) -> bytes:
    """Return what a broker signs when it gives something: to whom, for what question, and what.

    Args:
        challenge: `channel_challenge` of the channel that the answer goes through. Only the realm
            that has the channel's key can use the signature.
        question: `want`, `name` and `value` of `Asked`.
        data: of the answer, as is `counter`.
        counter: see `Given`.
    """
    return cbor.encode((_ANSWER, challenge, *question, data, counter))
