# SPDX-License-Identifier: BSD-3-Clause
"""Tokens that others made, where a folder of them lies beside the checkout."""

from pathlib import Path

import pytest
from realmos.attest import Era, Policy, parse_token, sample_anchor, verify

VECTORS = Path(__file__).resolve().parents[4] / "shared/reference/vectors"
GOOD = {
    "synthetic/qemu-rel0-sha256.cbor": Era.B,
    "synthetic/qemu-rel0-sha512.cbor": Era.B,
    "tf-m-tools/cca_example_token.3450f2a.cbor": Era.B,
    "tf-m-tools/cca_example_token_legacy.3450f2a.cbor": Era.A,
    "tf-m-tools/cca_token.3450f2a.cbor": Era.A,
    "tf-m-tools/cca_example_token.cbor": Era.C,
}
BAD = {
    "synthetic/neg-realm-tampered.cbor": "realm.signature",
    "synthetic/neg-cosekey-reordered.cbor": "binding",
    "synthetic/neg-rawkey.cbor": "binding",
    "tfa/qemu-platform-token.cbor": "token",
    "tfa/qemu-rak-cose-key.cbor": "token",
    "corim/corim-cca-realm-valid.cbor": "token",
}
SAMPLE = Policy(anchors=(sample_anchor(),), nonce_required=False)

pytestmark = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="no folder of attestation vectors lies beside the checkout"
)


@pytest.mark.parametrize("name", GOOD)
def test_vectors_that_are_good_pass(name: str) -> None:
    verdict = verify((VECTORS / name).read_bytes(), SAMPLE, nonce=None)
    assert verdict.first_failure is None
    assert verdict.passed
    assert verdict.anchor == "sample anchor, forgeable"
    assert verdict.token is not None
    assert verdict.token.era is GOOD[name]


@pytest.mark.parametrize("name", BAD)
def test_vectors_that_are_bad_fail_where_they_are(name: str) -> None:
    verdict = verify((VECTORS / name).read_bytes(), SAMPLE, nonce=None)
    assert verdict.first_failure is not None
    assert verdict.first_failure.name == BAD[name]


def test_the_sample_key_is_that_of_the_vectors() -> None:
    key = (VECTORS / "tfa/qemu-rak-cose-key.cbor").read_bytes()
    token = parse_token((VECTORS / "synthetic/qemu-rel0-sha256.cbor").read_bytes())
    assert token.realm.public_key == key
    assert token.platform.implementation_id == sample_anchor().implementation_id
