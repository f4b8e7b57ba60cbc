# SPDX-License-Identifier: BSD-3-Clause
"""The key of a channel: made when it is asked for, so that no snapshot and no copy has it."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from realmos.attest import Policy, Verdict, verify_certificate
from realmos.pytest_plugin import RealmFactory
from realmos.session import _trust

pytestmark = pytest.mark.qemu


def point_of(certificate: bytes) -> bytes:
    key = x509.load_der_x509_certificate(certificate).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The public keys of the channels that sessions make, as they come."""
    seen: list[bytes] = []

    def look(der: bytes, policy: Policy, *, nonce: bytes) -> Verdict:
        seen.append(point_of(der))
        return verify_certificate(der, policy, nonce=nonce)

    monkeypatch.setattr(_trust, "verify_certificate", look)
    return seen


def test_copies_of_one_realm_have_channel_keys_of_their_own(
    realm_factory: RealmFactory, points: list[bytes]
) -> None:
    with realm_factory():
        pass  # there is a snapshot now
    for _ in range(2):
        with realm_factory() as session:
            assert session.restored
    assert len(set(points)) == len(points) == 3
