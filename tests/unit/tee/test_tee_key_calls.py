# SPDX-License-Identifier: BSD-3-Clause
import struct
from types import SimpleNamespace
from typing import cast

import pytest
from realmos_agent.tee import numbers as n
from realmos_agent.tee.context import TaContext
from realmos_agent.tee.crypto.objects import TransientObject
from realmos_agent.tee.errors import ShortBuffer
from realmos_agent.tee.handles import HandleTable
from realmos_agent.tee.syscalls import asymmetric, objects, states
from tee_keys import attributes, fails
from test_tee_derive import SM2_A, SM2_A_EPHEMERAL, X25519, X25519_KEY, X25519_PEER
from test_tee_signatures import ED25519

NOTHING = 77
"""A handle that names nothing."""


def a_ta() -> TaContext:
    return cast("TaContext", SimpleNamespace(handles=HandleTable()))


def an_object(ta: TaContext, object_type: int, size: int, given: dict[int, str]) -> int:
    handle = objects.alloc(ta, object_type, size)
    objects.populate(ta, handle, attributes(dict(given)))
    return handle


def test_object_goes_through_its_life() -> None:
    ta = a_ta()
    handle = objects.alloc(ta, n.TYPE_AES, 128)
    objects.generate_key(ta, handle, 128, ())
    objects.restrict_usage(ta, handle, n.USAGE_EXTRACTABLE)
    info = struct.unpack("<7I", objects.get_info(ta, handle))
    assert info[:4] == (n.TYPE_AES, 128, 128, n.USAGE_EXTRACTABLE)
    copy = objects.alloc(ta, n.TYPE_AES, 128)
    objects.copy(ta, copy, handle)
    secret = objects.get_attr(ta, handle, n.ATTR_SECRET_VALUE, 16)
    assert objects.get_attr(ta, copy, n.ATTR_SECRET_VALUE, 100) == secret
    objects.reset(ta, handle)
    objects.close(ta, handle)
    with fails(n.ERROR_BAD_STATE):
        objects.close(ta, handle)


def test_short_buffer_is_told_what_would_do() -> None:
    ta = a_ta()
    handle = an_object(ta, n.TYPE_AES, 128, {n.ATTR_SECRET_VALUE: "00" * 16})
    with pytest.raises(ShortBuffer) as caught:
        objects.get_attr(ta, handle, n.ATTR_SECRET_VALUE, 15)
    assert caught.value.needed == (16,)


def test_handles_of_nothing_and_of_others_are_refused() -> None:
    ta, other = a_ta(), a_ta()
    foreign = an_object(other, n.TYPE_AES, 128, {n.ATTR_SECRET_VALUE: "00" * 16})
    for handle in (0, NOTHING, foreign):
        with fails(n.ERROR_BAD_STATE):
            objects.get_info(ta, handle)
        with fails(n.ERROR_ITEM_NOT_FOUND):
            objects.get_attr(ta, handle, n.ATTR_SECRET_VALUE, 16)
        with fails(n.ERROR_BAD_PARAMETERS):
            asymmetric.verify(ta, handle, (), b"", b"")
    state = states.cryp_state_alloc(other, n.ALG_SHA256, n.MODE_DIGEST, 0, 0)
    with fails(n.ERROR_BAD_PARAMETERS):
        asymmetric.operate(other, state, (), b"", 100)
    with fails(n.ERROR_NOT_SUPPORTED):
        asymmetric.derive_key(other, state, (), foreign)


def test_object_of_an_operation_is_not_closed() -> None:
    ta = a_ta()
    handle = an_object(
        ta, n.TYPE_ED25519_PUBLIC_KEY, 256, {n.ATTR_ED25519_PUBLIC_VALUE: ED25519[1]}
    )
    state = states.cryp_state_alloc(ta, n.ALG_ED25519, n.MODE_VERIFY, handle, 0)
    with fails(n.ERROR_ITEM_NOT_FOUND):
        objects.close(ta, handle)
    states.cryp_state_free(ta, state)
    assert len(ta.handles) == 0


def test_signature_is_made_and_checked() -> None:
    ta = a_ta()
    names = (n.ATTR_ED25519_PRIVATE_VALUE, n.ATTR_ED25519_PUBLIC_VALUE)
    values = dict(zip(names, ED25519, strict=False))
    signer = states.cryp_state_alloc(
        ta, n.ALG_ED25519, n.MODE_SIGN, an_object(ta, n.TYPE_ED25519_KEYPAIR, 256, values), 0
    )
    with pytest.raises(ShortBuffer) as caught:
        asymmetric.operate(ta, signer, (), b"\x72", 63)
    assert caught.value.needed == (64,)
    signature = asymmetric.operate(ta, signer, (), b"\x72", 64)
    assert signature.hex() == ED25519[2]
    # The key comes into the operation's object after the state was made, as libutee does it.
    key = objects.alloc(ta, n.TYPE_ED25519_PUBLIC_KEY, 256)
    verifier = states.cryp_state_alloc(ta, n.ALG_ED25519, n.MODE_VERIFY, key, 0)
    objects.copy(ta, key, an_object(ta, n.TYPE_ED25519_KEYPAIR, 256, values))
    asymmetric.verify(ta, verifier, (), b"\x72", signature)
    with fails(n.ERROR_SIGNATURE_INVALID):
        asymmetric.verify(ta, verifier, (), b"\x73", signature)


def test_key_is_derived_into_an_object() -> None:
    ta = a_ta()
    pair = an_object(ta, n.TYPE_X25519_KEYPAIR, 256, dict(X25519))
    state = states.cryp_state_alloc(ta, n.ALG_X25519, n.MODE_DERIVE, pair, 0)
    target = objects.alloc(ta, n.TYPE_GENERIC_SECRET, 256)
    params = attributes({n.ATTR_X25519_PUBLIC_VALUE: X25519_PEER})
    assert asymmetric.derive_key(ta, state, params, target) == [b""]
    assert objects.get_attr(ta, target, n.ATTR_SECRET_VALUE, 32).hex() == X25519_KEY
    with fails(n.ERROR_BAD_STATE):
        asymmetric.derive_key(ta, state, params, target)
    with fails(n.ERROR_BAD_STATE):
        asymmetric.derive_key(ta, state, params, NOTHING)


def test_key_exchange_takes_two_keys_of_its_own() -> None:
    ta = a_ta()
    pair, ephemeral = (
        an_object(ta, n.TYPE_SM2_KEP_KEYPAIR, 256, cast("dict[int, str]", values))
        for values in (SM2_A, SM2_A_EPHEMERAL)
    )
    with fails(n.ERROR_BAD_PARAMETERS):
        states.cryp_state_alloc(ta, n.ALG_SM2_KEP, n.MODE_DERIVE, pair, 0)
    states.cryp_state_alloc(ta, n.ALG_SM2_KEP, n.MODE_DERIVE, pair, ephemeral)
    assert ta.handles.get(ephemeral, TransientObject).busy


def test_size_of_a_ciphertext_is_told_even_when_there_will_be_none() -> None:
    ta = a_ta()
    key = objects.alloc(ta, n.TYPE_RSA_KEYPAIR, 1024)
    algorithm = n.ALG_RSAES_PKCS1_OAEP_MGF1_SHA512
    state = states.cryp_state_alloc(ta, algorithm, n.MODE_ENCRYPT, key, 0)
    with fails(n.ERROR_GENERIC):
        asymmetric.operate(ta, state, (), b"plain", 0)
    objects.generate_key(ta, key, 1024, ())
    with pytest.raises(ShortBuffer) as caught:
        asymmetric.operate(ta, state, (), b"plain", 127)
    assert caught.value.needed == (128,)
    with fails(n.ERROR_BAD_PARAMETERS):
        asymmetric.operate(ta, state, (), b"plain", 128)
