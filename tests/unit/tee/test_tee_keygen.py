# SPDX-License-Identifier: BSD-3-Clause
import pytest
from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto import sm2
from realmos_agent.tee.crypto.object_types import TYPES
from realmos_agent.tee.crypto.objects import TransientObject
from tee_keys import Content, attributes, fails, generated, key, public_of
from test_tee_derive import DH_PRIME
from test_tee_signatures import DSA, SM2

SECRETS = [
    (n.TYPE_AES, 192, 24),
    (n.TYPE_DES, 56, 8),
    (n.TYPE_DES, 64, 8),
    (n.TYPE_DES3, 112, 16),
    (n.TYPE_DES3, 168, 24),
    (n.TYPE_DES3, 192, 24),
    (n.TYPE_SM4, 128, 16),
    (n.TYPE_HMAC_MD5, 64, 8),
    (n.TYPE_HMAC_SHA1, 512, 64),
    (n.TYPE_HMAC_SHA512, 1024, 128),
    (n.TYPE_HMAC_SHA3_384, 256, 32),
    (n.TYPE_HMAC_SM3, 512, 64),
    (n.TYPE_GENERIC_SECRET, 4096, 512),
]
DH_GROUP: dict[int, Content] = {n.ATTR_DH_PRIME: DH_PRIME, n.ATTR_DH_BASE: b"\2"}
DH_SMALL = 2**256 - 189
"""The largest prime of 256 bits."""


@pytest.mark.parametrize(("object_type", "bits", "size"), SECRETS)
def test_secrets_have_their_size_and_differ(object_type: int, bits: int, size: int) -> None:
    made = [generated(object_type, bits) for _ in range(2)]
    assert [len(one.secret()) for one in made] == [size, size]
    assert made[0].secret() != made[1].secret()
    assert made[0].size == bits


def test_secret_larger_than_its_room_is_refused() -> None:
    with fails(n.ERROR_EXCESS_DATA):
        generated(n.TYPE_HMAC_SM3, 1024)


def test_keys_are_generated_once_and_of_sizes_there_are() -> None:
    made = generated(n.TYPE_AES, 128)
    with fails(n.ERROR_BAD_STATE):
        made.generate(128, ())
    with fails(n.ERROR_NOT_SUPPORTED):
        TransientObject(n.TYPE_AES, 128).generate(130, ())
    with fails(n.ERROR_ITEM_NOT_FOUND):
        TransientObject(n.TYPE_AES, 128).generate(128, ((n.ATTR_SECRET_VALUE, bytes(16)),))


@pytest.mark.parametrize(
    "object_type",
    [
        n.TYPE_RSA_PUBLIC_KEY,
        n.TYPE_DSA_PUBLIC_KEY,
        n.TYPE_ECDH_PUBLIC_KEY,
        n.TYPE_SM2_DSA_PUBLIC_KEY,
        n.TYPE_ED25519_PUBLIC_KEY,
        n.TYPE_X25519_PUBLIC_KEY,
        n.TYPE_HKDF_IKM,
        n.TYPE_CONCAT_KDF_Z,
        n.TYPE_PBKDF2_PASSWORD,
    ],
)
def test_some_types_of_key_are_not_generated(object_type: int) -> None:
    with fails(n.ERROR_BAD_FORMAT):
        generated(object_type, TYPES[object_type].maximum)


@pytest.mark.parametrize("exponent", [None, 65537, 65539, 2**255 + 95])
@pytest.mark.parametrize("bits", [256, 392, 512, 1024])
def test_rsa_keys_have_their_exponent_and_all_attributes(bits: int, exponent: int | None) -> None:
    params: dict[int, Content] = {}
    if exponent is not None:
        params[n.ATTR_RSA_PUBLIC_EXPONENT] = exponent
    made = generated(n.TYPE_RSA_KEYPAIR, bits, params)
    names = [spec.id for spec in made.spec.attributes]
    modulus, e, d, p, q, dp, dq, qp = (made.number(name) for name in names)
    assert modulus.bit_length() == bits
    assert modulus == p * q
    assert e == (exponent or 65537)
    assert pow(pow(7, e, modulus), d, modulus) == 7
    assert (dp, dq, qp * q % p) == (d % (p - 1), d % (q - 1), 1)


@pytest.mark.parametrize("exponent", [3, 65536, 65538, 2**256 + 1])
def test_rsa_exponents_that_nist_forbids_are_refused(exponent: int) -> None:
    with fails(n.ERROR_BAD_PARAMETERS):
        generated(n.TYPE_RSA_KEYPAIR, 512, {n.ATTR_RSA_PUBLIC_EXPONENT: exponent})


def test_rsa_keys_are_of_whole_bytes() -> None:
    with fails(n.ERROR_BAD_PARAMETERS):
        generated(n.TYPE_RSA_KEYPAIR, 513)


def test_dsa_key_belongs_to_the_group_that_is_given() -> None:
    group = {name: DSA[name] for name in (n.ATTR_DSA_PRIME, n.ATTR_DSA_SUBPRIME, n.ATTR_DSA_BASE)}
    made = generated(n.TYPE_DSA_KEYPAIR, 1024, group)
    p, q, g, x, y = (made.number(spec.id) for spec in made.spec.attributes)
    assert 0 < x < q
    assert y == pow(g, x, p)
    with fails(n.ERROR_ITEM_NOT_FOUND):
        generated(n.TYPE_DSA_KEYPAIR, 1024)
    with fails(n.ERROR_BAD_PARAMETERS):
        generated(n.TYPE_DSA_KEYPAIR, 1024, {**group, n.ATTR_DSA_PRIME: b"\7"})


@pytest.mark.parametrize("bits", [0, 9, 160, 1536])
def test_dh_secret_has_the_bits_that_are_asked_for(bits: int) -> None:
    params = {**DH_GROUP, n.ATTR_DH_X_BITS: (bits, 0)} if bits else DH_GROUP
    made = generated(n.TYPE_DH_KEYPAIR, 1536, params)
    x = made.number(n.ATTR_DH_PRIVATE_VALUE)
    assert made.number(n.ATTR_DH_PUBLIC_VALUE) == pow(2, x, int(DH_PRIME, 16))
    assert not bits or x.bit_length() == bits
    assert made.value(n.ATTR_DH_X_BITS) == bits


def test_dh_has_small_groups_and_secrets_below_a_subprime() -> None:
    params: dict[int, Content] = {n.ATTR_DH_PRIME: DH_SMALL, n.ATTR_DH_BASE: b"\2"}
    subprime = 2**31 - 1
    made = generated(n.TYPE_DH_KEYPAIR, 256, {**params, n.ATTR_DH_SUBPRIME: subprime})
    assert 0 < made.number(n.ATTR_DH_PRIVATE_VALUE) < subprime


@pytest.mark.parametrize(
    "change",
    [
        {n.ATTR_DH_PRIME: b"\xff" * 191},
        {n.ATTR_DH_PRIME: b"\xfe" * 192},
        {n.ATTR_DH_BASE: b"\1"},
        {n.ATTR_DH_X_BITS: (1537, 0)},
        {n.ATTR_DH_SUBPRIME: b"\xff" * 193},
        {n.ATTR_DH_SUBPRIME: b"\2"},
        {n.ATTR_DH_SUBPRIME: 1 << 100, n.ATTR_DH_X_BITS: (101, 0)},
    ],
)
def test_dh_groups_that_are_none_are_refused(change: dict[int, Content]) -> None:
    with fails(n.ERROR_BAD_PARAMETERS):
        generated(n.TYPE_DH_KEYPAIR, 1536, {**DH_GROUP, **change})


def test_elliptic_keys_are_of_the_curve_and_its_size() -> None:
    curve: dict[int, Content] = {n.ATTR_ECC_CURVE: (n.ECC_CURVE_NIST_P256, 0)}
    made = generated(n.TYPE_ECDSA_KEYPAIR, 256, curve)
    assert set(made.attributes) == {spec.id for spec in made.spec.attributes}
    assert made.size == 256
    with fails(n.ERROR_BAD_PARAMETERS):
        TransientObject(n.TYPE_ECDSA_KEYPAIR, 256).generate(224, attributes(curve))
    with fails(n.ERROR_ITEM_NOT_FOUND):
        generated(n.TYPE_ECDSA_KEYPAIR, 256)


@pytest.mark.parametrize(
    ("object_type", "bits"),
    [
        (n.TYPE_SM2_DSA_KEYPAIR, 256),
        (n.TYPE_SM2_PKE_KEYPAIR, 256),
        (n.TYPE_SM2_KEP_KEYPAIR, 256),
        (n.TYPE_ED25519_KEYPAIR, 256),
        (n.TYPE_X25519_KEYPAIR, 256),
        (n.TYPE_X448_KEYPAIR, 448),
    ],
)
def test_keys_of_one_curve_take_no_parameters(object_type: int, bits: int) -> None:
    made = generated(object_type, bits)
    assert set(made.attributes) == {spec.id for spec in made.spec.attributes}
    assert made.size == bits


# GM/T 0003.5-2012, C: encryption.
SM2_PLAIN = b"encryption standard"
SM2_CIPHERTEXT = (
    "0404EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73"
    "E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0"
    "21886CA989CA9C7D58087307CA93092D651EFA"
    "59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766"
)


def test_sm2_decrypts_the_ciphertext_of_the_standard() -> None:
    pair = key(n.TYPE_SM2_PKE_KEYPAIR, 256, SM2)
    assert sm2.decrypt(pair, bytes.fromhex(SM2_CIPHERTEXT)) == SM2_PLAIN
    own = sm2.encrypt(public_of(pair, n.TYPE_SM2_PKE_PUBLIC_KEY), SM2_PLAIN)
    assert len(own) == len(SM2_CIPHERTEXT) // 2
    assert sm2.decrypt(pair, own) == SM2_PLAIN


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda c: c[:-1] + bytes([c[-1] ^ 1]), n.ERROR_CIPHERTEXT_INVALID),
        (lambda c: b"\2" + c[1:], n.ERROR_NOT_SUPPORTED),
        (lambda c: b"\5" + c[1:], n.ERROR_BAD_PARAMETERS),
        (lambda c: c[:1] + bytes([c[1] ^ 1]) + c[2:], n.ERROR_BAD_PARAMETERS),
        (lambda c: c[:97], n.ERROR_BAD_PARAMETERS),
        (lambda _: b"", n.ERROR_BAD_PARAMETERS),
    ],
)
def test_sm2_refuses(change: object, code: int) -> None:
    assert callable(change)
    pair = key(n.TYPE_SM2_PKE_KEYPAIR, 256, SM2)
    with fails(code):
        sm2.decrypt(pair, change(bytes.fromhex(SM2_CIPHERTEXT)))
