# SPDX-License-Identifier: BSD-3-Clause
"""States that the core gives to the runner: what is made of them, and what never gets there."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from calling_ta import INPUT, OUTPUT, CallingTa
from realmos_agent.tee import numbers as n
from realmos_agent.tee.handles import HandleTable
from ta_code import runner_argv

MakeTa = Callable[..., CallingTa]
INIT, UPDATE, FINAL = n.CALL_HASH_INIT, n.CALL_HASH_UPDATE, n.CALL_HASH_FINAL
DIGESTS = {
    n.ALG_MD5: "md5",
    n.ALG_SHA1: "sha1",
    n.ALG_SHA224: "sha224",
    n.ALG_SHA256: "sha256",
    n.ALG_SHA384: "sha384",
    n.ALG_SHA512: "sha512",
}


@pytest.fixture
def make_ta(runner_program: Path, cross_compile: str, tmp_path: Path) -> Iterator[MakeTa]:
    made: list[CallingTa] = []

    def make(*, local: bool = True) -> CallingTa:
        made.append(CallingTa(runner_argv(runner_program), cross_compile, tmp_path, local=local))
        return made[-1]

    yield make
    for ta in made:
        ta.tiny.runner.close()


@pytest.fixture
def ta(make_ta: MakeTa) -> CallingTa:
    return make_ta()


@pytest.mark.parametrize("algorithm", DIGESTS)
def test_a_digest_is_made_without_the_core_once_it_has_begun(ta: CallingTa, algorithm: int) -> None:
    state = ta.alloc(algorithm, n.MODE_DIGEST)
    for size in (0, 1, 63, 64, 200, 1000):
        data = bytes(range(256)) * 4
        assert ta.take(INIT, state) == n.SUCCESS
        assert ta.take(UPDATE, state, data[:size]) == n.SUCCESS
        expected = hashlib.new(DIGESTS[algorithm], data[:size] + b"end").digest()
        assert ta.make(FINAL, state, b"end") == (n.SUCCESS, len(expected), expected)
    assert ta.asked == [n.CALL_CRYP_STATE_ALLOC, INIT]


def test_the_results_of_a_wrong_use_are_those_of_the_core(ta: CallingTa) -> None:
    state = ta.alloc(n.ALG_SHA256, n.MODE_DIGEST)
    ta.take(INIT, state)
    asked = len(ta.asked)
    assert ta.make(FINAL, state, b"abc", 31) == (n.ERROR_SHORT_BUFFER, 32, b"")
    code, _, made = ta.make(FINAL, state, b"abc")
    assert (code, made) == (n.SUCCESS, hashlib.sha256(b"abc").digest())
    assert ta.take(UPDATE, state, b"abc") == n.ERROR_BAD_STATE
    assert ta.take(UPDATE, state) == n.SUCCESS
    assert ta.make(FINAL, state, b"abc", 31) == (n.ERROR_BAD_STATE, 31, b"")
    assert ta.call(UPDATE, state, OUTPUT - 0x10000, 1) == n.ERROR_ACCESS_DENIED
    assert ta.call(FINAL, state, INPUT, 0, OUTPUT, 0) == n.ERROR_BAD_PARAMETERS
    assert len(ta.asked) == asked
    assert ta.take(n.CALL_CIPHER_INIT, state, bytes(16)) == n.ERROR_BAD_STATE
    assert ta.asked[asked:] == [n.CALL_CIPHER_INIT]


def test_a_digest_may_be_written_over_its_message(ta: CallingTa) -> None:
    state = ta.alloc(n.ALG_SHA512, n.MODE_DIGEST)
    ta.take(INIT, state)
    place = (*ta.put(INPUT, b"a" * 100), *ta.room(INPUT + 10, 64))
    assert ta.call(FINAL, state, *place) == n.SUCCESS
    assert ta.read(INPUT + 10, 64) == hashlib.sha512(b"a" * 100).digest()


def test_a_freed_state_is_gone(ta: CallingTa) -> None:
    state = ta.alloc(n.ALG_SHA1, n.MODE_DIGEST)
    ta.take(INIT, state)
    assert ta.call(n.CALL_CRYP_STATE_FREE, state) == n.SUCCESS
    assert ta.take(UPDATE, state, b"abc") == n.ERROR_BAD_PARAMETERS
    assert ta.take(INIT, state) == n.ERROR_BAD_PARAMETERS


def test_states_are_copied_where_they_are(ta: CallingTa) -> None:
    one, two, other = (
        ta.alloc(algorithm, n.MODE_DIGEST) for algorithm in (n.ALG_SHA224, n.ALG_SHA224, n.ALG_MD5)
    )
    for state in (one, other):
        ta.take(INIT, state)
        ta.take(UPDATE, state, b"abc")
    for _ in range(2):  # the second time, both are in the runner
        assert ta.call(n.CALL_CRYP_STATE_COPY, two, one) == n.SUCCESS
        assert ta.make(FINAL, two, b"d")[2] == hashlib.sha224(b"abcd").digest()
    assert ta.asked.count(n.CALL_CRYP_STATE_COPY) == 1
    assert ta.call(n.CALL_CRYP_STATE_COPY, one, one) == n.SUCCESS
    assert ta.call(n.CALL_CRYP_STATE_COPY, other, one) == n.ERROR_BAD_PARAMETERS
    assert ta.call(n.CALL_CRYP_STATE_COPY, 999, one) == n.ERROR_BAD_PARAMETERS
    assert ta.call(n.CALL_CRYP_STATE_COPY, one, 999) == n.ERROR_BAD_PARAMETERS
    assert ta.make(FINAL, one, b"")[2] == hashlib.sha224(b"abc").digest()
    assert ta.take(INIT, two) == n.SUCCESS
    assert ta.asked[-1] != INIT, "a digest has no key that would have to come from the core"


def test_a_state_that_takes_over_from_one_in_the_core_is_there_too(ta: CallingTa) -> None:
    one, two = (ta.alloc(n.ALG_SHA256, n.MODE_DIGEST) for _ in range(2))
    ta.take(INIT, one)
    ta.take(UPDATE, one, b"forgotten")
    assert ta.call(n.CALL_CRYP_STATE_COPY, one, two) == n.SUCCESS
    assert ta.take(UPDATE, one, b"abc") == n.ERROR_BAD_STATE
    assert ta.asked[-1] == UPDATE
    ta.take(INIT, one)
    assert ta.make(FINAL, one, b"abc")[2] == hashlib.sha256(b"abc").digest()


class OnePlace(HandleTable):
    """Handles that all want the same place in a runner."""

    def _advance(self) -> None:
        self._next += 512


def test_states_that_the_runner_has_no_place_for_stay_in_the_core(ta: CallingTa) -> None:
    ta.handles = OnePlace()
    states = [ta.alloc(n.ALG_SHA256, n.MODE_DIGEST) for _ in range(12)]
    assert [ta.take(INIT, state) for state in states] == [n.SUCCESS] * 12
    ta.asked.clear()
    for state in states:
        ta.take(UPDATE, state, b"%d" % state)
    for state in states:
        assert ta.make(FINAL, state, b"")[2] == hashlib.sha256(b"%d" % state).digest()
    assert ta.asked == [UPDATE] * 4 + [FINAL] * 4
