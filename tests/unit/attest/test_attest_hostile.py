# SPDX-License-Identifier: BSD-3-Clause
"""Tokens that somebody spoilt: whatever was done to them, a failed verdict, and no exception."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realmos.attest import Policy, Verdict, parse_token, verify
from realmos.errors import TokenError

MakeToken = Callable[..., bytes]
NONCE = bytes(range(64))
ERAS = pytest.mark.parametrize("era", "ABC")
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def refused(data: bytes, policy: Policy) -> Verdict:
    """Verify what must not pass, and use all that a verdict offers."""
    verdict = verify(data, policy, nonce=NONCE)
    assert not verdict.passed
    assert str(verdict.first_failure).isprintable()
    with contextlib.suppress(TokenError):
        parse_token(data)
    return verdict


def flips(data: bytes, bits: range) -> Iterator[bytes]:
    for position in range(len(data)):
        for bit in bits:
            spoilt = bytearray(data)
            spoilt[position] ^= 1 << (bit + position) % 8
            yield bytes(spoilt)


@ERAS
def test_a_token_cut_short_anywhere_fails(era: str, make_token: MakeToken, policy: Policy) -> None:
    token = make_token(era)
    for size in range(len(token)):
        assert refused(token[:size], policy).token is None


@ERAS
def test_a_token_with_a_bit_flipped_anywhere_fails(
    era: str, make_token: MakeToken, policy: Policy
) -> None:
    token = make_token(era)
    open_policy = Policy(anchors=policy.anchors)
    for spoilt in flips(token, range(1)):
        refused(spoilt, open_policy)


@ERAS
@pytest.mark.exhaustive
def test_a_token_with_any_bit_flipped_fails(
    era: str, make_token: MakeToken, policy: Policy
) -> None:
    token = make_token(era)
    open_policy = Policy(anchors=policy.anchors)
    for spoilt in flips(token, range(8)):
        refused(spoilt, open_policy)


@pytest.mark.parametrize("more", [b"\0", b"\xf6", b"\xff", bytes(70000)])
def test_what_follows_a_token_is_refused(
    more: bytes, make_token: MakeToken, policy: Policy
) -> None:
    refused(make_token() + more, policy)
    refused(more + make_token(), policy)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xd9\x01\x8f", b"\xd9\x01\x8f\xa2", b"\x9f" * 9, b"\x81" * 70000, bytes(1 << 24)],
)
def test_what_is_no_token_fails_at_once(data: bytes, policy: Policy) -> None:
    before = time.process_time()
    assert str(refused(data, policy).first_failure).startswith("token: expected a CCA token")
    assert time.process_time() - before < 0.5


@SHARED
@given(st.binary(max_size=200))
def test_arbitrary_bytes_fail(policy: Policy, data: bytes) -> None:
    refused(data, policy)


@SHARED
@given(st.sampled_from("ABC"), st.tuples(st.integers(0), st.integers(0, 12)), st.binary(max_size=9))
def test_a_token_with_a_piece_replaced_fails(
    make_token: MakeToken, policy: Policy, era: str, cut: tuple[int, int], piece: bytes
) -> None:
    token = make_token(era)
    start = cut[0] % len(token)
    spoilt = token[:start] + piece + token[start + cut[1] :]
    if spoilt != token:
        refused(spoilt, Policy(anchors=policy.anchors))


CLAIMS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=70)
    | st.sampled_from(["sha-256", "tag:arm.com,2023:realm#1.0.0", "\x1b]0;x\a", "\u202e"])
    | st.floats() | st.text(max_size=8) | st.just(bytes(32)),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.integers(0, 8) | st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
LABELS = [10, 256, 265, 2395, 2396, 2399, 2400, 2401, 2402, *range(44235, 44244), 7, "x", -1]


@SHARED
@given(
    st.sampled_from("ABC"),
    st.dictionaries(st.sampled_from(LABELS), CLAIMS, max_size=3),
    st.dictionaries(st.sampled_from(LABELS), CLAIMS, max_size=3),
)
def test_claims_of_any_kind_get_a_verdict(
    make_token: MakeToken,
    policy: Policy,
    era: str,
    platform: dict[object, object],
    realm: dict[object, object],
) -> None:
    """Well signed by the platform, and still not to be believed in its form."""
    token = make_token(era, platform=platform, realm=realm)
    verdict = verify(token, replace(policy, life_cycles=()), nonce=NONCE)
    assert verdict.passed == (verdict.first_failure is None)
    for root in verdict.checks:
        for check in root.walk():
            assert str(check).isprintable()


@pytest.mark.parametrize(
    "claims",
    [
        dict.fromkeys(range(65536, 75536)),
        {7: list(range(20000))},
        {7: "\x1b" * 60000},
        {44239: [b""] * 50000},
        {2399: [{}] * 50000},
        {2399: [{1: "\n", 2: bytes(32), 5: b"\1"}] * 1400},
    ],
    ids=["claims", "array", "text", "rems", "empty components", "components"],
)
@pytest.mark.parametrize("part", ["platform", "realm"])
def test_a_token_full_of_things_is_refused_soon(
    part: str, claims: dict[int, object], make_token: MakeToken, policy: Policy
) -> None:
    token = make_token(
        **{part: claims}, edit=lambda parts: parts["platform"].__setitem__(3, b"\1" * 96)
    )
    assert len(token) <= 1 << 16
    before = time.process_time()
    verdict = refused(token, policy)
    verdict.to_json()
    assert time.process_time() - before < 2


def test_a_verification_takes_milliseconds(make_token: MakeToken, policy: Policy) -> None:
    token, count = make_token(), 20
    before = time.process_time()
    for _ in range(count):
        assert verify(token, policy, nonce=NONCE).passed
    assert (time.process_time() - before) / count < 0.05
