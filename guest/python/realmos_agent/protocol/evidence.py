# SPDX-License-Identifier: BSD-3-Clause
"""What ties a TLS key, or what a TA says, to a token; shared by the realm and its verifiers."""

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


_TA_LABEL = hashlib.sha512(b"realmos TA token 1").digest()


def ta_challenge(uuid: bytes, nonce: bytes, statement: bytes) -> bytes:
    """Return the challenge of a token that a Trusted Application asked for: 64 bytes.

    No channel has it, whatever nonce a client sends: behind 64 bytes that one has a DER sequence,
    this one a CBOR array.

    Args:
        uuid: of the TA, as it is written.
        nonce: of whoever wants to know.
        statement: what the TA says.
    """
    return hashlib.sha512(_TA_LABEL + cbor.encode((uuid, nonce, statement))).digest()


_ANSWER = "realmos broker answer 2"


def answer_statement(
    challenge: bytes, question: tuple[int, str, int, bytes], data: bytes, counter: int
) -> bytes:
    """Return what a broker signs when it gives something: to whom, for what question, and what.

    Args:
        challenge: `channel_challenge` of the channel that the answer goes through. Only the realm
            that has the channel's key can use the signature.
        question: `want`, `name`, `value` and `mark` of `Asked`.
        data: of the answer, as is `counter`.
        counter: see `Given`.
    """
    return cbor.encode((_ANSWER, challenge, *question, data, counter))
