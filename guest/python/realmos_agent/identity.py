# SPDX-License-Identifier: BSD-3-Clause
"""The realm's end of an attested channel: a key of its own, in a certificate with a token.

Imported at the first request for a channel: what it needs is slow to import. Each channel has a
new key, which never leaves this process, so no snapshot and no earlier channel holds it.
"""

import datetime as dt
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from realmos_agent import attestation
from realmos_agent.protocol.evidence import EVIDENCE_OID, channel_challenge
from realmos_agent.protocol.tls import context

_EVIDENCE = x509.ObjectIdentifier(EVIDENCE_OID)
_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "realm")])
# A realm's clock is its peer's claim. What makes the certificate fresh is the nonce in the token.
_NOT_BEFORE = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NOT_AFTER = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)


def server_context(nonce: bytes) -> tuple[ssl.SSLContext, bytes]:
    """Return TLS settings with a new key and a certificate that attests to it for `nonce`.

    Returns:
        the settings, and the challenge of the token in the certificate.

    Raises:
        OSError: the realm cannot attest to itself.
    """
    key = ec.generate_private_key(ec.SECP384R1())
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    challenge = channel_challenge(nonce, spki)
    token = attestation.token(challenge)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_AFTER)
        .add_extension(x509.UnrecognizedExtension(_EVIDENCE, token), critical=False)
        .sign(key, hashes.SHA384())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made = context(server=True)
    _load(made, secret + certificate.public_bytes(Encoding.PEM))
    return made, challenge


def _load(made: ssl.SSLContext, pem: bytes) -> None:
    """Hand over a key; `ssl` takes it from files only, so from one that is in memory."""
    fd = os.memfd_create("channel", os.MFD_CLOEXEC)
    try:
        os.write(fd, pem)
        made.load_cert_chain(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)
