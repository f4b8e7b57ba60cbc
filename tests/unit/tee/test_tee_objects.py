# SPDX-License-Identifier: BSD-3-Clause
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto.object_types import TYPES, Kind, Use
from realmos_agent.tee.crypto.objects import TransientObject
from realmos_agent.tee.errors import TeeError
from tee_keys import attributes, fails, key

AES_KEY = bytes(range(16))
RSA = {
    n.ATTR_RSA_MODULUS: b"\xc1" + bytes(63),
    n.ATTR_RSA_PUBLIC_EXPONENT: b"\x00\x01\x00\x01",
    n.ATTR_RSA_PRIVATE_EXPONENT: b"\x77" * 64,
}


@pytest.mark.parametrize(
    ("object_type", "size"),
    [
        (n.TYPE_AES, 64),
        (n.TYPE_AES, 129),
        (n.TYPE_AES, 320),
        (n.TYPE_DES, 128),
        (n.TYPE_DES3, 64),
        (n.TYPE_HMAC_SHA256, 184),
        (n.TYPE_HMAC_SHA512, 1032),
        (n.TYPE_GENERIC_SECRET, 4104),
        (n.TYPE_RSA_KEYPAIR, 255),
        (n.TYPE_RSA_KEYPAIR, 4097),
        (n.TYPE_DSA_KEYPAIR, 500),
        (n.TYPE_DH_KEYPAIR, 2049),
        (n.TYPE_ECDSA_KEYPAIR, 191),
        (n.TYPE_ECDH_PUBLIC_KEY, 522),
        (n.TYPE_SM2_PKE_KEYPAIR, 255),
        (n.TYPE_DATA, 8),
        (n.TYPE_CORRUPTED_OBJECT, 0),
        (0x1234, 0),
    ],
)
def test_objects_are_not_allocated_with_other_sizes(object_type: int, size: int) -> None:
    with fails(n.ERROR_NOT_SUPPORTED):
        TransientObject(object_type, size)


@pytest.mark.parametrize(("without", "with_parity"), [(56, 8), (112, 16), (168, 24)])
def test_keys_of_des_may_be_counted_without_parity(without: int, with_parity: int) -> None:
    made = TransientObject(n.TYPE_DES if without == 56 else n.TYPE_DES3, without)
    made.populate(attributes({n.ATTR_SECRET_VALUE: bytes(with_parity)}))
    assert made.size == without


def test_new_object_has_every_usage_and_no_key() -> None:
    made = TransientObject(n.TYPE_AES, 256)
    assert struct.unpack("<7I", made.info()) == (n.TYPE_AES, 0, 256, 0xFFFFFFFF, 0, 0, 0)
    with fails(n.ERROR_BAD_PARAMETERS):
        made.get_attr(n.ATTR_SECRET_VALUE)
    with fails(n.ERROR_BAD_PARAMETERS):
        made.secret()


def test_populated_object_tells_its_size_and_gives_its_key() -> None:
    made = key(n.TYPE_AES, 256, {n.ATTR_SECRET_VALUE: AES_KEY})
    expected = (n.TYPE_AES, 128, 256, 0xFFFFFFFF, 0, 0, n.HANDLE_FLAG_INITIALIZED)
    assert struct.unpack("<7I", made.info()) == expected
    assert made.get_attr(n.ATTR_SECRET_VALUE) == AES_KEY
    assert made.secret() == AES_KEY


def test_protected_attributes_take_an_extractable_key_and_public_ones_do_not() -> None:
    made = key(n.TYPE_RSA_KEYPAIR, 512, RSA)
    made.restrict_usage(n.USAGE_SIGN)
    assert made.get_attr(n.ATTR_RSA_PUBLIC_EXPONENT) == b"\x01\x00\x01"
    with fails(n.ERROR_BAD_PARAMETERS):
        made.get_attr(n.ATTR_RSA_PRIVATE_EXPONENT)
    made.restrict_usage(n.USAGE_EXTRACTABLE)
    assert made.usage == 0, "usages only ever go"


def test_attributes_that_are_not_set_are_not_found() -> None:
    made = key(n.TYPE_RSA_KEYPAIR, 512, RSA)
    for absent in (n.ATTR_RSA_PRIME1, n.ATTR_DSA_BASE):
        with fails(n.ERROR_ITEM_NOT_FOUND):
            made.get_attr(absent)


def test_value_attribute_comes_out_with_a_second_value_of_zero() -> None:
    point = {n.ATTR_ECC_PUBLIC_VALUE_X: b"\1", n.ATTR_ECC_PUBLIC_VALUE_Y: b"\2"}
    curve = {n.ATTR_ECC_CURVE: (n.ECC_CURVE_NIST_P256, 77)}
    made = key(n.TYPE_ECDSA_PUBLIC_KEY, 256, {**point, **curve})
    assert made.get_attr(n.ATTR_ECC_CURVE) == struct.pack("<II", n.ECC_CURVE_NIST_P256, 0)
    assert made.size == 256


def test_number_of_zero_comes_out_empty() -> None:
    made = key(n.TYPE_RSA_PUBLIC_KEY, 512, {**_public(), n.ATTR_RSA_PUBLIC_EXPONENT: b"\0\0"})
    assert made.get_attr(n.ATTR_RSA_PUBLIC_EXPONENT) == b""


def _public() -> dict[int, bytes | str | int | tuple[int, int]]:
    return {n.ATTR_RSA_MODULUS: RSA[n.ATTR_RSA_MODULUS], n.ATTR_RSA_PUBLIC_EXPONENT: b"\3"}


@pytest.mark.parametrize(
    ("object_type", "size", "given", "code"),
    [
        (n.TYPE_AES, 256, (), n.ERROR_ITEM_NOT_FOUND),
        (n.TYPE_AES, 256, ((n.ATTR_SECRET_VALUE, AES_KEY),) * 2, n.ERROR_ITEM_NOT_FOUND),
        (n.TYPE_AES, 256, ((n.ATTR_RSA_MODULUS, AES_KEY),), n.ERROR_ITEM_NOT_FOUND),
        (n.TYPE_AES, 256, ((n.ATTR_SECRET_VALUE, bytes(15)),), n.ERROR_BAD_PARAMETERS),
        (n.TYPE_AES, 128, ((n.ATTR_SECRET_VALUE, bytes(24)),), n.ERROR_BAD_STATE),
        (n.TYPE_AES, 256, ((n.ATTR_SECRET_VALUE, bytes(33)),), n.ERROR_SECURITY),
        (n.TYPE_ED25519_PUBLIC_KEY, 256, ((n.ATTR_ED25519_PUBLIC_VALUE, b"k"),), n.ERROR_SECURITY),
    ],
)  # fmt: skip
def test_populate_refuses(
    object_type: int, size: int, given: tuple[tuple[int, bytes], ...], code: int
) -> None:
    made = TransientObject(object_type, size)
    with fails(code):
        made.populate(given)
    assert not made.initialized
    assert not made.attributes


def test_populate_takes_all_of_the_chinese_remainder_or_none() -> None:
    made = TransientObject(n.TYPE_RSA_KEYPAIR, 512)
    with fails(n.ERROR_ITEM_NOT_FOUND):
        made.populate(attributes({**RSA, n.ATTR_RSA_PRIME1: b"\3"}))
    made.populate(attributes(dict(RSA)))


def test_populate_refuses_unknown_curves_and_larger_ones() -> None:
    point = {n.ATTR_ECC_PUBLIC_VALUE_X: b"\1", n.ATTR_ECC_PUBLIC_VALUE_Y: b"\2"}
    with fails(n.ERROR_NOT_SUPPORTED):
        key(n.TYPE_ECDSA_PUBLIC_KEY, 256, {**point, n.ATTR_ECC_CURVE: (0x77, 0)})
    with fails(n.ERROR_BAD_STATE):
        key(n.TYPE_ECDSA_PUBLIC_KEY, 256, {**point, n.ATTR_ECC_CURVE: (n.ECC_CURVE_NIST_P384, 0)})


def test_object_is_populated_once_until_it_is_reset() -> None:
    made = key(n.TYPE_AES, 256, {n.ATTR_SECRET_VALUE: AES_KEY})
    with fails(n.ERROR_BAD_PARAMETERS):
        made.populate(attributes({n.ATTR_SECRET_VALUE: AES_KEY}))
    made.restrict_usage(0)
    made.reset()
    assert (made.size, made.usage, made.initialized) == (0, 0xFFFFFFFF, False)
    made.populate(attributes({n.ATTR_SECRET_VALUE: bytes(32)}))
    assert made.size == 256


def test_persistent_objects_do_not_change() -> None:
    made = key(n.TYPE_AES, 256, {n.ATTR_SECRET_VALUE: AES_KEY})
    made.handle_flags |= n.HANDLE_FLAG_PERSISTENT
    other = key(n.TYPE_AES, 256, {n.ATTR_SECRET_VALUE: AES_KEY})
    with fails(n.ERROR_BAD_PARAMETERS):
        made.reset()
    with fails(n.ERROR_BAD_PARAMETERS):
        made.copy_from(other)
    with fails(n.ERROR_BAD_STATE):
        made.generate(128, ())


def test_copy_takes_size_and_usage_along() -> None:
    source = key(n.TYPE_AES, 256, {n.ATTR_SECRET_VALUE: AES_KEY})
    source.restrict_usage(n.USAGE_ENCRYPT)
    copy = TransientObject(n.TYPE_AES, 128)
    copy.copy_from(source)
    assert (copy.secret(), copy.size, copy.usage) == (AES_KEY, 128, n.USAGE_ENCRYPT)
    source.reset()
    assert copy.secret() == AES_KEY


def test_public_key_is_copied_of_a_pair_and_not_the_other_way_round() -> None:
    pair = key(n.TYPE_RSA_KEYPAIR, 512, RSA)
    public = TransientObject(n.TYPE_RSA_PUBLIC_KEY, 512)
    public.copy_from(pair)
    assert set(public.attributes) == {n.ATTR_RSA_MODULUS, n.ATTR_RSA_PUBLIC_EXPONENT}
    for object_type, source in (
        (n.TYPE_RSA_KEYPAIR, public),
        (n.TYPE_DSA_PUBLIC_KEY, pair),
        (n.TYPE_RSA_PUBLIC_KEY, TransientObject(n.TYPE_RSA_KEYPAIR, 512)),
    ):
        with fails(n.ERROR_BAD_PARAMETERS):
            TransientObject(object_type, 512).copy_from(source)


def test_attributes_survive_storage() -> None:
    pair = key(n.TYPE_RSA_KEYPAIR, 512, RSA)
    found = TransientObject(n.TYPE_RSA_KEYPAIR, 512)
    found.load(pair.dump(), pair.set_attributes)
    assert found.attributes == pair.attributes


contents = st.one_of(
    st.binary(max_size=600), st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
)


def _names(object_type: int) -> st.SearchStrategy[int]:
    own = [spec.id for spec in TYPES[object_type].attributes] or [n.ATTR_SECRET_VALUE]
    return st.one_of(st.sampled_from(own), st.integers(0, 2**32 - 1))


@given(st.data())
def test_populate_never_leaves_half_a_key(data: st.DataObject) -> None:
    object_type = data.draw(st.sampled_from(sorted(TYPES)))
    spec = TYPES[object_type]
    made = TransientObject(object_type, data.draw(st.sampled_from([spec.minimum, spec.maximum])))
    # The runner gives values for attributes whose number says so, and buffers for the others.
    given_attributes = tuple(
        (name, content)
        for name, content in data.draw(
            st.lists(st.tuples(_names(object_type), contents), max_size=10)
        )
        if isinstance(content, tuple) == bool(name & n.ATTR_FLAG_VALUE)
    )
    try:
        made.populate(given_attributes)
    except TeeError:
        assert not made.attributes
        assert not made.initialized
        return
    assert made.size <= made.max_size
    assert {s.id for s in spec.attributes if s.use & Use.REQUIRED} <= set(made.attributes)
    for attribute in spec.attributes:
        if attribute.id in made.attributes and attribute.kind is Kind.SECRET:
            assert len(made.get_attr(attribute.id)) <= spec.secret_size
    again = TransientObject(object_type, made.max_size)
    again.load(made.dump(), made.set_attributes)
    assert again.attributes == made.attributes


@given(st.sampled_from(sorted(TYPES)), st.binary(max_size=300), st.integers(0, 2**32 - 1))
def test_load_refuses_or_takes_what_it_is_given(object_type: int, data: bytes, bits: int) -> None:
    made = TransientObject(object_type, TYPES[object_type].minimum)
    codes = {n.SUCCESS}
    try:
        made.load(data, bits)
    except TeeError as error:
        codes = {error.code}
    assert codes <= {n.SUCCESS, n.ERROR_CORRUPT_OBJECT}


def test_what_is_prepared_of_a_key_goes_with_it() -> None:
    made = key(n.TYPE_AES, 256, {n.ATTR_SECRET_VALUE: AES_KEY})
    calls: list[bytes] = []

    def prepare() -> int:
        calls.append(made.secret())
        return len(calls)

    assert [made.prepared("one", prepare), made.prepared("one", prepare)] == [1, 1]
    assert made.prepared("two", prepare) == 2
    made.reset()
    made.populate(attributes({n.ATTR_SECRET_VALUE: bytes(32)}))
    assert made.prepared("one", prepare) == 3
    assert calls == [AES_KEY, AES_KEY, bytes(32)]
