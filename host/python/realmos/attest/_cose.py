# SPDX-License-Identifier: BSD-3-Clause
"""COSE_Sign1 (RFC 9052) as CCA tokens use it: tagged, payload attached, one of three algorithms.

ECDSA in COSE does not ask for the low one of the two `s` that verify, and the RMM's signatures have
either; so both are accepted, and nothing may take a token's bytes for its identity.
"""

from dataclasses import dataclass
from typing import Self

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from realmos_abi import load

from realmos.attest._cbor import decode, is_map, kind, untag
from realmos.attest._keys import ALGORITHMS, Algorithm
from realmos.errors import TokenError

_CCA = load("attestation")


@dataclass(frozen=True)
class Sign1:
    """A signed part of a token. Its signature was not looked at yet.

    Attributes:
        algorithm: what the protected header names.
        protected: the protected header's bytes.
        payload: the claims, encoded.
        signature: r and s, each as long as the curve's field.
    """

    algorithm: Algorithm
    protected: bytes
    payload: bytes
    signature: bytes

    @classmethod
    def parse(cls, data: bytes, what: str) -> Self:
        """Take a COSE_Sign1 apart.

        Args:
            data: the tagged item.
            what: the field that errors name.

        Raises:
            TokenError: it is none, or of an algorithm that is not accepted.
        """
        _, content = untag(decode(data, what), (_CCA["COSE_SIGN1_TAG"],), what)
        match content:
            case (bytes(protected), unprotected, bytes(payload), bytes(signature)) if is_map(
                unprotected
            ):
                algorithm = _algorithm(protected, unprotected, what)
                if len(signature) != 2 * algorithm.size:
                    raise TokenError(
                        f"expected a signature of {2 * algorithm.size} bytes,"
                        f" found {len(signature)}",
                        field=what,
                    )
                return cls(algorithm, protected, payload, signature)
            case _:
                raise TokenError(f"expected a COSE_Sign1, found {kind(content)}", field=what)

    def problem(self, key: ec.EllipticCurvePublicKey) -> str:
        """Return why the signature is not one by `key`, or nothing when it is."""
        if key.curve.name != self.algorithm.curve.name:
            return f"{self.algorithm.name} does not go with a key on {key.curve.name}"
        half = self.algorithm.size
        r, s = int.from_bytes(self.signature[:half]), int.from_bytes(self.signature[half:])
        if not (0 < r < self.algorithm.order and 0 < s < self.algorithm.order):
            return "the signature is zero, or beyond the curve's order"
        signed = cbor2.dumps(["Signature1", self.protected, b"", self.payload])
        try:
            key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(self.algorithm.hash))
        except InvalidSignature:
            return "the signature is not one of this key over these bytes"
        return ""


def _algorithm(protected: bytes, unprotected: object, what: str) -> Algorithm:
    headers = decode(protected, f"{what}.protected")
    if not is_map(headers) or not is_map(unprotected):
        raise TokenError("the protected header is no map", field=what)
    if _CCA["COSE_HEADER_CRIT"] in headers or _CCA["COSE_HEADER_CRIT"] in unprotected:
        raise TokenError("it has headers that are critical, and not known", field=what)
    if headers.keys() & unprotected.keys():
        raise TokenError("a header is both protected and not", field=what)
    number = headers.get(_CCA["COSE_HEADER_ALG"])
    for algorithm in ALGORITHMS:
        if type(number) is int and algorithm.number == number:
            return algorithm
    names = ", ".join(algorithm.name for algorithm in ALGORITHMS)
    raise TokenError(f"expected one of {names}, found algorithm {number}", field=what)
