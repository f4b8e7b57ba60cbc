# SPDX-License-Identifier: BSD-3-Clause
"""Operations of every algorithm by system calls, with good keys, nearly good ones and garbage.

A key is populated with every attribute that its type needs, of right sizes and wrong contents,
or is a good one that was changed in one place; then the calls that use such a key come in any
order and with any arguments.
"""

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realmos_agent.tee import numbers
from realmos_agent.tee.crypto import algorithms
from realmos_agent.tee.crypto.object_types import TYPES, AttributeSpec, Kind, Use, key_size_fits
from realmos_agent.tee.crypto.objects import TransientObject
from realmos_agent.tee.errors import TeeError
from test_tee_hostile_calls import a_call, serve, word
from test_tee_small_calls import Ta

ALGORITHMS = sorted(
    {value for name, value in vars(numbers).items() if name.startswith("ALG_")}
    - {numbers.ALG_ILLEGAL_VALUE}
)
MODES = range(numbers.MODE_ENCRYPT, numbers.MODE_DERIVE + 1)
CURVES = sorted(v for name, v in vars(numbers).items() if name.startswith("ECC_CURVE_"))
FIRST, STATE = 1, 3  # the handles of the first key, and of a state with two
MOST = 576  # bits of a key, which shall be made fast
CRYPT = (numbers.MODE_ENCRYPT, numbers.MODE_DECRYPT)
FITTING_MODES = {
    numbers.OPERATION_MAC: (numbers.MODE_MAC,),
    numbers.OPERATION_CIPHER: CRYPT,
    numbers.OPERATION_AE: CRYPT,
    numbers.OPERATION_ASYMMETRIC_CIPHER: CRYPT,
    numbers.OPERATION_ASYMMETRIC_SIGNATURE: (numbers.MODE_SIGN, numbers.MODE_VERIFY),
    numbers.OPERATION_KEY_DERIVATION: (numbers.MODE_DERIVE,),
}
USES = {
    numbers.OPERATION_MAC: (
        numbers.CALL_HASH_INIT, numbers.CALL_HASH_UPDATE, numbers.CALL_HASH_FINAL,
    ),
    numbers.OPERATION_CIPHER: (
        numbers.CALL_CIPHER_INIT, numbers.CALL_CIPHER_UPDATE, numbers.CALL_CIPHER_FINAL,
    ),
    numbers.OPERATION_AE: (
        numbers.CALL_AUTHENC_INIT, numbers.CALL_AUTHENC_UPDATE_AAD,
        numbers.CALL_AUTHENC_UPDATE_PAYLOAD, numbers.CALL_AUTHENC_ENC_FINAL,
        numbers.CALL_AUTHENC_DEC_FINAL,
    ),
    numbers.OPERATION_ASYMMETRIC_CIPHER: (numbers.CALL_ASYMM_OPERATE,),
    numbers.OPERATION_ASYMMETRIC_SIGNATURE: (
        numbers.CALL_ASYMM_OPERATE, numbers.CALL_ASYMM_VERIFY,
    ),
    numbers.OPERATION_KEY_DERIVATION: (numbers.CALL_CRYP_DERIVE_KEY,),
}  # fmt: skip
ALL_USES = (numbers.CALL_CRYP_STATE_COPY, *(use for uses in USES.values() for use in uses))


def content(spec: AttributeSpec, size: int) -> st.SearchStrategy[bytes | tuple[int, int]]:
    """What an attribute may be given."""
    if spec.kind is Kind.VALUE:
        return st.tuples(st.sampled_from([*CURVES, 0, 7, 256]), st.integers(0, 2))
    if spec.kind is Kind.POINT:
        return st.binary(min_size=spec.size, max_size=spec.size)
    length = (size + 7) // 8
    whole = st.binary(min_size=length, max_size=length)
    if length and (spec.kind is Kind.SECRET or spec.use & Use.SIZE):
        # A number has the object's size only with the highest bit of that.
        top = 1 << (size - 1) % 8
        return whole.map(lambda data: bytes([data[0] % top | top]) + data[1:])
    few = st.sampled_from([b"", b"\0", b"\1", b"\2", b"\3", b"\1\0\1", b"\xff" * length])
    return few | whole | st.binary(max_size=length)


@cache
def generated(object_type: int, size: int) -> TransientObject | None:
    """Return a good key, if such a key is easily made."""
    for params in ((), *(((numbers.ATTR_ECC_CURVE, (curve, 0)),) for curve in CURVES)):
        try:
            made = TransientObject(object_type, size)
            made.generate(size, params)
        except TeeError:
            continue
        return made
    return None


@cache
def sizes(object_type: int) -> list[int]:
    """Return some small sizes of a type; such that good keys can be made of, if any."""
    least = TYPES[object_type].minimum
    some = {least, least + 8, 56, 64, 128, 160, 168, 192, 224, 256, 384, 448, 512, 521}
    fitting = sorted(size for size in some if size <= MOST and key_size_fits(object_type, size))
    return [size for size in fitting if generated(object_type, size) is not None] or fitting


@st.composite
def keys(draw: st.DrawFn, object_type: int) -> TransientObject:
    """Key objects of one type: good, nearly good and bad."""
    spec = TYPES[object_type]
    size = draw(st.sampled_from(sizes(object_type)))
    good = generated(object_type, size)
    attributes: dict[int, bytes | tuple[int, int]] = {}
    bad = draw(st.none() | st.sampled_from(spec.attributes))
    for one in spec.attributes:
        if good is None or one is bad:
            attributes[one.id] = draw(content(one, size))
        elif one.kind is Kind.VALUE:
            attributes[one.id] = (good.value(one.id), 0)
        else:
            attributes[one.id] = good.buffer(one.id)
    made = TransientObject(object_type, size)
    try:
        made.populate(tuple(attributes.items()))
    except TeeError:
        if good is not None and not made.initialized:
            made.copy_from(good)
    return made


def a_use(number: int) -> st.SearchStrategy[tuple[int, bytes]]:
    """Calls that use the state, whatever else they do."""
    return a_call(number).map(lambda call: (call[0], word(STATE) + call[1][8:]))


CASES = [
    algorithm
    for algorithm in ALGORITHMS
    if algorithms.class_of(algorithm) in USES
    and any(TYPES.keys() & set(algorithms.key_types(algorithm, mode)) for mode in MODES)
]


@pytest.mark.parametrize("algorithm", CASES, ids=hex)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_key_makes_the_core_fail(algorithm: int, data: st.DataObject) -> None:
    kind = algorithms.class_of(algorithm)
    mode = data.draw(st.sampled_from(FITTING_MODES[kind]) | st.sampled_from(MODES))
    types = [one for one in algorithms.key_types(algorithm, mode) if one in TYPES]
    if not types:
        return
    ta = Ta()
    for _ in range(2):
        ta.handles.add(data.draw(keys(data.draw(st.sampled_from(types)))))
    body = b"".join(map(word, (algorithm, mode, FIRST, data.draw(st.sampled_from([0, 2])))))
    if not serve(ta, numbers.CALL_CRYP_STATE_ALLOC, body) or len(ta.handles) < STATE:
        return
    for size in range(64, 640, 64):
        ta.handles.add(TransientObject(numbers.TYPE_GENERIC_SECRET, size))
    uses = st.sampled_from(USES[kind]) | st.sampled_from(ALL_USES)
    for _ in range(data.draw(st.integers(1, 6))):
        if not serve(ta, *data.draw(uses.flatmap(a_use))):
            return
    ta.handles.clear()
