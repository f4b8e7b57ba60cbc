# SPDX-License-Identifier: BSD-3-Clause
"""Strict decoding: what is no one encoding of one item is refused, at a cost that is bounded."""

import time
import tracemalloc
from collections.abc import Mapping

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from realmos.attest._cbor import MAX_DEPTH, MAX_SIZE, decode
from realmos.attest._text import shown
from realmos.errors import AttestationError, TokenError

VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.binary()
    | st.integers(-(2**64), 2**64 - 1),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.integers(-(2**64), 2**64 - 1) | st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip

REFUSED = {
    "nothing": ("", "cut short"),
    "two items": ("0102", "1 bytes follow"),
    "trailing byte": ("a000", "1 bytes follow"),
    "indefinite bytes": ("5f4101ff", "indefinite"),
    "indefinite text": ("7f6101ff", "indefinite"),
    "indefinite array": ("9f01ff", "indefinite"),
    "indefinite map": ("bf0101ff", "indefinite"),
    "break": ("ff", "indefinite"),
    "integer in two bytes": ("1801", "shortest"),
    "integer in three bytes": ("190017", "shortest"),
    "integer in five bytes": ("1a0000ffff", "shortest"),
    "integer in nine bytes": ("1b00000000ffffffff", "shortest"),
    "negative in two bytes": ("3800", "shortest"),
    "length in two bytes": ("580141", "shortest"),
    "text's length in two bytes": ("780141", "shortest"),
    "count in two bytes": ("980101", "shortest"),
    "map's count in two bytes": ("b8010101", "shortest"),
    "tag in two bytes": ("d81201", "shortest"),
    "key twice": ("a201010102", "Duplicate map key"),
    "text key twice": ("a2616101616102", "Duplicate map key"),
    "key twice, within": ("81a201010102", "Duplicate map key"),
    "bytes as key": ("a1410101", "a key of a map"),
    "array as key": ("a1810101", "a key of a map"),
    "truth as key": ("a1f501", "a key of a map"),
    "tag as key": ("a1c10101", "a key of a map"),
    "undefined": ("f7", "simple"),
    "simple value": ("e0", "simple"),
    "simple value of two bytes": ("f8ff", "simple"),
    "reserved length": ("1c", "reserved"),
    "reserved length of bytes": ("5d00", "reserved"),
    "bytes cut short": ("4401", "cut short"),
    "bytes of 2^64": ("5bffffffffffffffff", "cut short"),
    "text of 2^63": ("7b7fffffffffffffff", "cut short"),
    "array of 2^64": ("9bffffffffffffffff", "cut short"),
    "map of 2^63": ("bb8000000000000000", "cut short"),
    "map of 2^62": ("bb4000000000000000ff", "cut short"),
    "tag of nothing": ("c1", "cut short"),
    "argument cut short": ("19ff", "cut short"),
    "text that is not UTF-8": ("61ff", "utf-8"),
    "text with a surrogate": ("63eda080", "utf-8"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_strict_is_refused(name: str) -> None:
    data, problem = REFUSED[name]
    with pytest.raises(TokenError, match=problem) as caught:
        decode(bytes.fromhex(data), "field")
    assert caught.value.field == "field"
    assert isinstance(caught.value, AttestationError)


@pytest.mark.parametrize("head", [b"\x81", b"\xa1\x01", b"\xc6"], ids=["array", "map", "tag"])
def test_nesting_is_bounded(head: bytes) -> None:
    decode(head * MAX_DEPTH + b"\x01", "field")
    with pytest.raises(TokenError, match="nested"):
        decode(head * (MAX_DEPTH + 1) + b"\x01", "field")
    with pytest.raises(TokenError, match=r"nested|more than"):
        decode(head * (MAX_SIZE // len(head)), "field")


def test_size_is_bounded() -> None:
    decode(b"\x59\xff\xfd" + bytes(MAX_SIZE - 3), "field")
    with pytest.raises(TokenError, match="more than"):
        decode(bytes(MAX_SIZE + 1), "field")


def test_large_counts_cost_nothing() -> None:
    tracemalloc.start()
    before = time.process_time()
    for head in (b"\x5b", b"\x7b", b"\x9b", b"\xbb"):
        with pytest.raises(TokenError):
            decode(head + b"\xff" * 8, "field")
    many = b"\x99\xff\x00" + b"\x80" * 0xFF00
    assert len(decode(many, "field")) == 0xFF00  # type: ignore[arg-type] # an array
    assert time.process_time() - before < 2
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20


@pytest.mark.parametrize("tag", [0, 1, 2, 4, 5, 25, 28, 29, 30, 35, 37, 100, 256, 258, 260, 55799])
def test_tags_are_kept_and_never_evaluated(tag: int) -> None:
    data = cbor2.dumps({1: cbor2.CBORTag(tag, ["(a+)+$"])})
    value = decode(data, "field")
    assert isinstance(value, Mapping)
    assert value[1] == cbor2.CBORTag(tag, ("(a+)+$",))
    assert shown(value[1]) == f'{tag}(["(a+)+$"])'


@settings(deadline=None)
@given(VALUES)
def test_what_is_encoded_deterministically_is_decoded(value: object) -> None:
    assert plain(decode(cbor2.dumps(value), "field")) == value


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_arbitrary_bytes_are_decoded_or_refused(data: bytes) -> None:
    try:
        value = decode(data, "field")
    except TokenError:
        return
    assert shown(value).isprintable()


def plain(value: object) -> object:
    """Return a decoded value with mutable containers, as it was before it was encoded."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value
