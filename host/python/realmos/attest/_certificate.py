# SPDX-License-Identifier: BSD-3-Clause
"""The certificate of an attested channel: a TLS key, and the token that vouches for it."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from realmos_agent.protocol.evidence import EVIDENCE_OID, channel_challenge

from realmos.attest._book import Book
from realmos.attest._policy import Policy
from realmos.attest._verdict import Verdict
from realmos.attest._verify import verify

_EVIDENCE = x509.ObjectIdentifier(EVIDENCE_OID)
_NAME = "certificate"
# What cryptography says of a certificate that is none, or of a kind that it does not know.
_MALFORMED = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


def verify_certificate(der: bytes, policy: Policy, *, nonce: bytes) -> Verdict:
    """Verify that a realm which satisfies `policy` holds the key of a TLS certificate.

    That the peer holds it, and not only the certificate, is what the TLS handshake shows. The
    certificate's own signature and dates prove nothing, and are not looked at.

    Args:
        der: the certificate that the peer showed, in DER.
        policy: what the token in it must say.
        nonce: what the peer was challenged with, 64 bytes.

    Returns:
        the token's verdict. Its `realm.challenge` fails when the token was made for another key or
        another nonce, as it does when a man in the middle shows a realm's token.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        spki = certificate.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        evidence = certificate.extensions.get_extension_for_oid(_EVIDENCE).value
    except x509.ExtensionNotFound:
        return _refused("it carries no attestation token")
    except _MALFORMED as error:
        return _refused(f"it is not well-formed: {error}")
    if not isinstance(evidence, x509.UnrecognizedExtension):
        return _refused("it carries no attestation token")
    return verify(evidence.value, policy, nonce=channel_challenge(nonce, spki))


def _refused(why: str) -> Verdict:
    book = Book()
    book.failed(_NAME, expected="an X.509 certificate with a CCA token", why=why)
    return book.verdict()
