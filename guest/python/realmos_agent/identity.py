# SPDX-License-Identifier: BSD-3-Clause
"""The realm's end of an attested channel: a key of its own, in a certificate with a token.

Imported after the agent's first answer: what it needs is slow to import. Each channel has a new
key, which never leaves this process, so no snapshot and no earlier channel holds it.
"""

import datetime as dt
import os
import ssl
from functools import cache

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
from realmos_agent.protocol.tls import TlsStream, context

_SEED_SIZE = 48
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
    # OpenSSL's generator is a copy like all else in a restored realm; it takes from the kernel's.
    ssl.RAND_add(os.urandom(_SEED_SIZE), 0.0)
    key = _new_key()
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    challenge = channel_challenge(nonce, spki)
    return _context(key, attestation.token(challenge)), challenge


def rehearse() -> None:
    """Make a channel with ourselves, whose key is thrown away.

    The first takes twice the time, which is then spent before a snapshot is taken.
    """
    server = TlsStream(_context(_new_key(), b""), server=True)
    client = TlsStream(context(server=False), server=False)
    while not server.established:
        client.handshake()
        server.feed(client.take())
        server.handshake()
        client.feed(server.take())


def _new_key() -> ec.EllipticCurvePrivateKey:
    """Return a key on the curve that OpenSSL is fastest with, by far."""
    return ec.generate_private_key(ec.SECP256R1())


def _context(key: ec.EllipticCurvePrivateKey, token: bytes) -> ssl.SSLContext:
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_AFTER)
        .add_extension(x509.UnrecognizedExtension(_EVIDENCE, token), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made = _settings()
    _load(made, secret + certificate.public_bytes(Encoding.PEM))
    return made


@cache
def _settings() -> ssl.SSLContext:
    """Return the settings of every channel, of which each has a certificate of its own.

    What began with another certificate goes on with that.
    """
    return context(server=True)


def _load(made: ssl.SSLContext, pem: bytes) -> None:
    """Hand over a key; `ssl` takes it from files only, so from one that is in memory."""
    fd = os.memfd_create("channel", os.MFD_CLOEXEC)
    try:
        os.write(fd, pem)
        made.load_cert_chain(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)
