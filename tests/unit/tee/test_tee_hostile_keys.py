# SPDX-License-Identifier: BSD-3-Clause
"""Keys that a hostile TA makes up: whatever their numbers, an operation ends with a result."""

from hypothesis import given, settings
from hypothesis import strategies as st
from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto import algorithms, asymmetric
from realmos_agent.tee.crypto.asymmetric import AsymmetricState
from realmos_agent.tee.crypto.derive import DeriveState
from realmos_agent.tee.crypto.object_types import TYPES, Kind
from realmos_agent.tee.crypto.objects import Attribute, TransientObject
from realmos_agent.tee.errors import TeeError
from test_tee_derive import DH_PRIME
from test_tee_signatures import DSA, P192, P256, SM2

OPERATIONS = [
    (n.ALG_RSA_NOPAD, n.MODE_ENCRYPT),
    (n.ALG_RSA_NOPAD, n.MODE_DECRYPT),
    (n.ALG_RSAES_PKCS1_V1_5, n.MODE_DECRYPT),
    (n.ALG_RSAES_PKCS1_OAEP_MGF1_SHA256, n.MODE_ENCRYPT),
    (n.ALG_RSASSA_PKCS1_V1_5_SHA1, n.MODE_SIGN),
    (n.ALG_RSASSA_PKCS1_PSS_MGF1_SHA1, n.MODE_VERIFY),
    (n.ALG_RSASSA_PKCS1_V1_5, n.MODE_SIGN),
    (n.ALG_DSA_SHA1, n.MODE_SIGN),
    (n.ALG_DSA_SHA1, n.MODE_VERIFY),
    (n.ALG_ECDSA_SHA256, n.MODE_SIGN),
    (n.ALG_ECDSA_SHA256, n.MODE_VERIFY),
    (n.ALG_SM2_DSA_SM3, n.MODE_SIGN),
    (n.ALG_SM2_DSA_SM3, n.MODE_VERIFY),
    (n.ALG_SM2_PKE, n.MODE_ENCRYPT),
    (n.ALG_SM2_PKE, n.MODE_DECRYPT),
    (n.ALG_ED25519, n.MODE_SIGN),
    (n.ALG_ED25519, n.MODE_VERIFY),
]
DERIVATIONS = {
    n.ALG_DH_DERIVE_SHARED_SECRET: (n.ATTR_DH_PUBLIC_VALUE,),
    n.ALG_ECDH_DERIVE_SHARED_SECRET: (n.ATTR_ECC_PUBLIC_VALUE_X, n.ATTR_ECC_PUBLIC_VALUE_Y),
    n.ALG_X25519: (n.ATTR_X25519_PUBLIC_VALUE,),
    n.ALG_X448: (n.ATTR_X448_PUBLIC_VALUE,),
    n.ALG_SM2_KEP: (
        n.ATTR_SM2_KEP_USER,
        n.ATTR_ECC_PUBLIC_VALUE_X,
        n.ATTR_ECC_PUBLIC_VALUE_Y,
        n.ATTR_ECC_EPHEMERAL_PUBLIC_VALUE_X,
        n.ATTR_ECC_EPHEMERAL_PUBLIC_VALUE_Y,
        n.ATTR_SM2_ID_INITIATOR,
        n.ATTR_SM2_ID_RESPONDER,
    ),
}
CURVES = [value for name, value in vars(n).items() if name.startswith("ECC_CURVE_")]
KNOWN = [bytes.fromhex(text) for values in (DSA, P192, P256, SM2) for text in values.values()]

buffers = st.one_of(
    st.sampled_from([b"", b"\1", b"\2", b"\3", bytes.fromhex(DH_PRIME), *KNOWN]),
    st.binary(max_size=8),
    st.binary(min_size=20, max_size=20),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=64, max_size=520),
)


def content(data: st.DataObject, name: int) -> Attribute:
    if name & n.ATTR_FLAG_VALUE:
        return (data.draw(st.sampled_from([0, 1, 160, *CURVES])), 0)
    return data.draw(buffers)


def made_up(data: st.DataObject, object_type: int) -> TransientObject:
    """Return a key as no call would populate one: a state sees the object, whatever came of it."""
    spec = TYPES[object_type]
    key = TransientObject(object_type, spec.maximum)
    attributes: dict[int, Attribute] = {}
    for attribute in spec.attributes:
        if attribute.kind is Kind.POINT:
            attributes[attribute.id] = data.draw(
                st.binary(min_size=attribute.size, max_size=attribute.size)
            )
        else:
            attributes[attribute.id] = content(data, attribute.id)
    key.take(attributes, spec.maximum)
    return key


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_operations_with_any_key_end_with_a_result(data: st.DataObject) -> None:
    algorithm, mode = data.draw(st.sampled_from(OPERATIONS))
    key = made_up(data, data.draw(st.sampled_from(algorithms.key_types(algorithm, mode))))
    state = asymmetric.make(algorithm, mode, key, None)
    assert isinstance(state, AsymmetricState)
    message = data.draw(buffers)
    try:
        if mode == n.MODE_VERIFY:
            state.verify((), message, data.draw(buffers))
        else:
            state.operate((), message)
    except TeeError:
        return


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_derivations_with_any_key_end_with_a_result(data: st.DataObject) -> None:
    algorithm = data.draw(st.sampled_from(sorted(DERIVATIONS)))
    key_type = algorithms.key_types(algorithm, n.MODE_DERIVE)[0]
    ephemeral = made_up(data, key_type) if algorithm == n.ALG_SM2_KEP else None
    state = asymmetric.make(algorithm, n.MODE_DERIVE, made_up(data, key_type), ephemeral)
    assert isinstance(state, DeriveState)
    params = tuple((name, content(data, name)) for name in DERIVATIONS[algorithm])
    target = TransientObject(n.TYPE_GENERIC_SECRET, 256)
    try:
        state.derive(params, target)
    except TeeError:
        assert not target.initialized


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_generation_with_any_parameters_ends_with_a_result(data: st.DataObject) -> None:
    object_type, bits = data.draw(
        st.sampled_from([
            (n.TYPE_RSA_KEYPAIR, 256),
            (n.TYPE_RSA_KEYPAIR, 512),
            (n.TYPE_DSA_KEYPAIR, 1024),
            (n.TYPE_DH_KEYPAIR, 1536),
            (n.TYPE_ECDSA_KEYPAIR, 256),
            (n.TYPE_SM2_DSA_KEYPAIR, 256),
        ])
    )  # fmt: skip
    key = TransientObject(object_type, bits)
    names = data.draw(st.lists(st.sampled_from([s.id for s in key.spec.attributes]), max_size=4))
    try:
        key.generate(bits, tuple((name, content(data, name)) for name in names))
    except TeeError:
        assert not key.initialized
