# SPDX-License-Identifier: BSD-3-Clause
"""Keys and signatures: three algorithms, each with its own curve, and nothing by a token's word."""

from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from realmos.attest._cose import Sign1
from realmos.attest._keys import ALGORITHMS, Algorithm, cose_key, raw_key
from realmos.errors import TokenError

MakeKey = Callable[..., ec.EllipticCurvePrivateKey]
BY_NAME = {algorithm.name: algorithm for algorithm in ALGORITHMS}


@pytest.fixture(params=list(BY_NAME))
def algorithm(request: pytest.FixtureRequest) -> Algorithm:
    """Each of the three."""
    return BY_NAME[request.param]


def fields(algorithm: Algorithm, key: ec.EllipticCurvePrivateKey) -> dict[int, object]:
    numbers, size = key.public_key().public_numbers(), algorithm.size
    coordinates = {-2: numbers.x.to_bytes(size), -3: numbers.y.to_bytes(size)}
    return {1: 2, -1: algorithm.curve_number, **coordinates}


def test_orders_are_those_of_the_curves(algorithm: Algorithm, make_key: MakeKey) -> None:
    last = make_key(algorithm.number, algorithm.order - 1)
    first = make_key(algorithm.number, 1).public_key().public_numbers()
    assert last.public_key().public_numbers().x == first.x
    with pytest.raises(ValueError, match=r".*"):
        make_key(algorithm.number, algorithm.order)


def test_keys_of_either_form_are_read(algorithm: Algorithm, make_key: MakeKey) -> None:
    key = make_key(algorithm.number)
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert raw_key(point, "key") == key.public_key()
    content = fields(algorithm, key)
    for more in ({}, {3: algorithm.number}, {2: b"name"}, {4: [2]}):
        for order in (content | more, dict(reversed((content | more).items()))):
            assert cose_key(cbor2.dumps(order), "key") == key.public_key()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({1: 1}, "type EC2"),
        ({1: 2.0}, "type EC2"),
        ({1: "EC2"}, "type EC2"),
        ({-1: 8}, "not on P-256"),
        ({-1: 4}, "not on P-256"),
        ({-1: True}, "not on P-256"),
        ({3: -8}, "algorithm"),
        ({-4: b"\1" * 48}, "private"),
        ({-3: True}, "has not"),
        ({-3: b""}, "has not"),
        ({-2: bytes(200)}, "has not"),
        ({-2: "x"}, "has not"),
    ],
)
def test_a_cose_key_of_another_shape_is_refused(
    algorithm: Algorithm, make_key: MakeKey, change: dict[int, object], problem: str
) -> None:
    content = fields(algorithm, make_key(algorithm.number)) | change
    with pytest.raises(TokenError, match=problem) as caught:
        cose_key(cbor2.dumps(content), "realm.public_key")
    assert caught.value.field == "realm.public_key"


def test_a_key_that_is_no_cose_key_is_refused(algorithm: Algorithm, make_key: MakeKey) -> None:
    content = fields(algorithm, make_key(algorithm.number))
    encoded = cbor2.dumps(content)
    lists = cbor2.dumps(list(content.items()))
    for data in (b"", b"\xa0", encoded + b"\0", encoded[:-1], lists, b"\x04" + bytes(96)):
        with pytest.raises(TokenError):
            cose_key(data, "key")


def test_points_that_are_not_on_the_curve_are_refused(
    algorithm: Algorithm, make_key: MakeKey
) -> None:
    size = algorithm.size
    numbers = make_key(algorithm.number).public_key().public_numbers()
    x, y = numbers.x.to_bytes(size), numbers.y.to_bytes(size)
    beyond = b"\xff" * size
    for pair in ((x, x), (y, x), (x, bytes(size)), (bytes(size), y), (beyond, y), (x, beyond)):
        with pytest.raises(TokenError, match="not on"):
            raw_key(b"\x04" + b"".join(pair), "key")
        with pytest.raises(TokenError, match="not on"):
            cose_key(cbor2.dumps({1: 2, -1: algorithm.curve_number, -2: pair[0], -3: pair[1]}), "k")
    with pytest.raises(TokenError, match="zero"):
        raw_key(b"\x04" + bytes(2 * size), "key")


def test_raw_keys_of_another_form_are_refused(algorithm: Algorithm, make_key: MakeKey) -> None:
    public = make_key(algorithm.number).public_key()
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    compressed = public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    hybrid = b"\x06" + point[1:]
    for data in (b"", b"\x00", point[:-1], point + b"\0", compressed, hybrid):
        with pytest.raises(TokenError, match="uncompressed"):
            raw_key(data, "key")


def signed(algorithm: Algorithm, key: ec.EllipticCurvePrivateKey) -> Sign1:
    """Return a part that is signed by its own algorithm."""
    protected, payload = cbor2.dumps({1: algorithm.number}), b"\xa0"
    message = cbor2.dumps(["Signature1", protected, b"", payload])
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(algorithm.hash)))
    signature = r.to_bytes(algorithm.size) + s.to_bytes(algorithm.size)
    data = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))
    return Sign1.parse(data, "part")


def with_halves(part: Sign1, r: int, s: int) -> Sign1:
    size = part.algorithm.size
    return Sign1(part.algorithm, part.protected, part.payload, r.to_bytes(size) + s.to_bytes(size))


def halves(part: Sign1) -> tuple[int, int]:
    size = part.algorithm.size
    return int.from_bytes(part.signature[:size]), int.from_bytes(part.signature[size:])


def test_signatures_verify_by_their_key_alone(algorithm: Algorithm, make_key: MakeKey) -> None:
    part = signed(algorithm, make_key(algorithm.number))
    assert part.problem(make_key(algorithm.number).public_key()) == ""
    assert "not one of this key" in part.problem(make_key(algorithm.number, 2).public_key())


def test_both_values_of_s_verify(algorithm: Algorithm, make_key: MakeKey) -> None:
    key = make_key(algorithm.number)
    part = signed(algorithm, key)
    r, s = halves(part)
    other = with_halves(part, r, algorithm.order - s)
    assert part.problem(key.public_key()) == other.problem(key.public_key()) == ""


def test_zero_and_large_halves_do_not_verify(algorithm: Algorithm, make_key: MakeKey) -> None:
    key = make_key(algorithm.number)
    part, order = signed(algorithm, key), algorithm.order
    r, s = halves(part)
    top = (1 << 8 * algorithm.size) - 1
    for pair in ((0, 0), (0, s), (r, 0), (order, s), (r, order), (top, top), (r, top)):
        problem = with_halves(part, *pair).problem(key.public_key())
        assert "zero, or beyond" in problem
    assert with_halves(part, 1, 1).problem(key.public_key())
    if (beyond := r + order) <= top:
        assert "beyond" in with_halves(part, beyond, s).problem(key.public_key())


def test_an_algorithm_does_not_go_with_another_curve(
    algorithm: Algorithm, make_key: MakeKey
) -> None:
    part = signed(algorithm, make_key(algorithm.number))
    for other in ALGORITHMS:
        if other is not algorithm:
            assert "does not go with" in part.problem(make_key(other.number).public_key())


GOOD: list[Any] = [b"\xa1\x01\x38\x22", {}, b"\xa0", bytes(96)]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ([b"\xa1\x01\x26", *GOOD[1:]], "64 bytes"),
        ([b"\xa1\x01\x38\x23", *GOOD[1:]], "132 bytes"),
        ([*GOOD[:3], bytes(95)], "96 bytes"),
        ([*GOOD[:3], bytes(97)], "96 bytes"),
        ([*GOOD[:3], b""], "96 bytes"),
        ([b"\xa1\x01\x27", *GOOD[1:]], "algorithm -8"),
        ([b"\xa1\x01\x05", *GOOD[1:]], "algorithm 5"),
        ([b"\xa1\x01\x00", *GOOD[1:]], "algorithm 0"),
        ([b"\xa1\x01\x65ES384", *GOOD[1:]], "algorithm ES384"),
        ([b"\xa0", *GOOD[1:]], "algorithm None"),
        ([b"\xa0", {1: -35}, *GOOD[2:]], "algorithm None"),
        ([b"", {1: -35}, *GOOD[2:]], "cut short"),
        ([GOOD[0], {1: -7}, *GOOD[2:]], "both protected and not"),
        ([b"\xa2\x01\x38\x22\x02\x81\x03", *GOOD[1:]], "critical"),
        ([GOOD[0], {2: [1]}, *GOOD[2:]], "critical"),
        ([b"\xa2\x01\x38\x22\x01\x26", *GOOD[1:]], "Duplicate"),
        ([b"\x80", *GOOD[1:]], "no map"),
        ([GOOD[0], [], *GOOD[2:]], "expected a COSE_Sign1"),
        ([*GOOD[:2], None, GOOD[3]], "expected a COSE_Sign1"),
        ([*GOOD[:2], {}, GOOD[3]], "expected a COSE_Sign1"),
        (GOOD[:3], "an array of 3"),
        ([*GOOD, b""], "an array of 5"),
        ({}, "a map of 0"),
        (b"", "0 bytes"),
    ],
)
def test_a_part_that_is_no_cose_sign1_is_refused(content: object, problem: str) -> None:
    with pytest.raises(TokenError, match=problem):
        Sign1.parse(cbor2.dumps(cbor2.CBORTag(18, content)), "realm")


def test_a_part_has_the_tag_of_cose_sign1() -> None:
    Sign1.parse(cbor2.dumps(cbor2.CBORTag(18, GOOD)), "realm")
    wrapped = cbor2.CBORTag(61, cbor2.CBORTag(18, GOOD))
    for wrong in (GOOD, cbor2.CBORTag(17, GOOD), cbor2.CBORTag(98, GOOD), wrapped):
        with pytest.raises(TokenError, match="expected tag 18"):
            Sign1.parse(cbor2.dumps(wrong), "realm")
