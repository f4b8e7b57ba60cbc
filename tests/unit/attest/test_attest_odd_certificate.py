# SPDX-License-Identifier: BSD-3-Clause
"""Certificates that cryptography has errors of its own for: a failed verdict, and no exception."""

import datetime as dt
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from realmos.attest import Policy, verify_certificate

P384 = bytes.fromhex("06052b81040022")
EC_KEY = bytes.fromhex("06072a8648ce3d0201")
VERSION_3 = bytes.fromhex("a003020102")


@pytest.fixture
def certificate(make_key: Callable[..., ec.EllipticCurvePrivateKey]) -> bytes:
    key, name = make_key(-35), x509.Name([])
    start = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=1))
        .sign(key, hashes.SHA384())
        .public_bytes(Encoding.DER)
    )


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (VERSION_3, VERSION_3[:-1] + b"\x05"),
        (P384, P384[:-1] + b"\x63"),
        (EC_KEY, EC_KEY[:-1] + b"\x63"),
    ],
    ids=["version", "curve", "kind of key"],
)
def test_a_certificate_of_an_unknown_kind_is_refused(
    right: bytes, wrong: bytes, certificate: bytes, policy: Policy
) -> None:
    assert right in certificate
    for count in (1, -1):
        verdict = verify_certificate(
            certificate.replace(right, wrong, count), policy, nonce=bytes(64)
        )
        assert verdict.first_failure is not None
        assert verdict.first_failure.name == "certificate"
        assert "not well-formed" in verdict.first_failure.why
