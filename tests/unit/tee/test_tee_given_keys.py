# SPDX-License-Identifier: BSD-3-Clause
"""States with keys that the core gives to the runner: which, what for, and for how long."""

import hmac
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from calling_ta import INPUT, LENGTHS, MORE_INPUT, OUTPUT, ROOM, TAG, CallingTa
from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto.algorithms import class_of
from realmos_agent.tee.crypto.objects import TransientObject
from realmos_agent.tee.handles import HandleTable
from ta_code import runner_argv
from tee_states import key

Both = tuple[CallingTa, CallingTa]
KEY, OTHER_KEY = bytes(range(16)), bytes(range(50, 66))
ALL_BUT_READING = n.USAGE_DEFAULT & ~n.USAGE_EXTRACTABLE
CTR = (n.ALG_AES_CTR, n.MODE_ENCRYPT, n.TYPE_AES)
GCM = (n.ALG_AES_GCM, n.MODE_ENCRYPT, n.TYPE_AES)
MAC = (n.ALG_HMAC_SHA256, n.MODE_MAC, n.TYPE_HMAC_SHA256)
MACS = {
    n.ALG_HMAC_MD5: (n.TYPE_HMAC_MD5, "md5"),
    n.ALG_HMAC_SHA1: (n.TYPE_HMAC_SHA1, "sha1"),
    n.ALG_HMAC_SHA224: (n.TYPE_HMAC_SHA224, "sha224"),
    n.ALG_HMAC_SHA256: (n.TYPE_HMAC_SHA256, "sha256"),
    n.ALG_HMAC_SHA384: (n.TYPE_HMAC_SHA384, "sha384"),
    n.ALG_HMAC_SHA512: (n.TYPE_HMAC_SHA512, "sha512"),
}
CIPHERS = (n.ALG_AES_ECB_NOPAD, n.ALG_AES_CBC_NOPAD, n.ALG_AES_CTR)
INITS = {n.CALL_HASH_INIT, n.CALL_CIPHER_INIT, n.CALL_AUTHENC_INIT}
TAGS = (16, 16, 16, 12, 3, 17)
_HASH_CALLS = (n.CALL_HASH_INIT, n.CALL_HASH_UPDATE, n.CALL_HASH_UPDATE, n.CALL_HASH_FINAL)
CALLS = {
    n.OPERATION_DIGEST: _HASH_CALLS,
    n.OPERATION_MAC: _HASH_CALLS,
    n.OPERATION_CIPHER: (
        n.CALL_CIPHER_INIT, n.CALL_CIPHER_UPDATE, n.CALL_CIPHER_UPDATE, n.CALL_CIPHER_FINAL,
    ),
    n.OPERATION_AE: tuple(range(n.CALL_AUTHENC_INIT, n.CALL_AUTHENC_DEC_FINAL + 1)),
}  # fmt: skip


@pytest.fixture(scope="module")
def tas(
    runner_program: Path, cross_compile: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[CallingTa, CallingTa]]:
    argv, out = runner_argv(runner_program), tmp_path_factory.mktemp("ta")
    made = tuple(CallingTa(argv, cross_compile, out, local=local) for local in (True, False))
    yield made[0], made[1]
    for ta in made:
        ta.tiny.runner.close()


@pytest.fixture
def both(tas: tuple[CallingTa, CallingTa]) -> tuple[CallingTa, CallingTa]:
    """Two TAs: one whose states are given away, and one whose are not."""
    for ta in tas:
        ta.asked.clear()
        ta.given.clear()
    return tas


@pytest.fixture
def ta(both: tuple[CallingTa, CallingTa]) -> CallingTa:
    return both[0]


def state_of(
    ta: CallingTa, kind: tuple[int, int, int], value: bytes = KEY, usage: int = n.USAGE_DEFAULT
) -> tuple[int, TransientObject]:
    """Make a state with a key; return its handle, and the key's object."""
    algorithm, mode, object_type = kind
    held = TransientObject(object_type, len(value) * 8)
    held.populate(((n.ATTR_SECRET_VALUE, value),))
    held.restrict_usage(usage)
    return ta.alloc(algorithm, mode, ta.handles.add(held)), held


def begin(ta: CallingTa, state: int, iv: bytes = bytes(16)) -> int:
    return ta.take(n.CALL_CIPHER_INIT, state, iv)


def begin_aead(ta: CallingTa, state: int, nonce: bytes = bytes(12), tag_size: int = 16) -> int:
    return ta.call(n.CALL_AUTHENC_INIT, state, *ta.put(INPUT, nonce), tag_size, 0, 0)


def seal(ta: CallingTa, state: int, data: bytes) -> tuple[bytes, bytes]:
    """End an encryption; return what comes of the data, and the tag."""
    outputs = (*ta.room(OUTPUT, ROOM), *ta.room(TAG, 16, 1))
    code = ta.call(n.CALL_AUTHENC_ENC_FINAL, state, *ta.put(INPUT, data), *outputs)
    assert code == n.SUCCESS, hex(code)
    return ta.read(OUTPUT, len(data)), ta.read(TAG, ta.length(1))


def open_sealed(ta: CallingTa, state: int, data: bytes, tag: bytes) -> tuple[int, bytes]:
    """End a decryption; return the result, and what is where the data should be."""
    place = (*ta.put(INPUT, data), *ta.room(OUTPUT, ROOM), *ta.put(MORE_INPUT, tag))
    code = ta.call(n.CALL_AUTHENC_DEC_FINAL, state, *place)
    return code, ta.read(OUTPUT, len(data))


@pytest.mark.parametrize("algorithm", MACS)
@pytest.mark.parametrize("size", [32, 64, 128])
def test_an_hmac_is_made_by_the_runner(ta: CallingTa, algorithm: int, size: int) -> None:
    object_type, name = MACS[algorithm]
    value = bytes(range(min(size, 64 if name in {"md5", "sha1", "sha224"} else 128)))
    state, _ = state_of(ta, (algorithm, n.MODE_MAC, object_type), value)
    for message in (b"", b"message"):
        assert ta.take(n.CALL_HASH_INIT, state) == n.SUCCESS
        assert ta.take(n.CALL_HASH_UPDATE, state, message) == n.SUCCESS
        expected = hmac.digest(value, message + b"end", name)
        assert ta.make(n.CALL_HASH_FINAL, state, b"end")[2] == expected
    assert ta.asked == [n.CALL_CRYP_STATE_ALLOC, n.CALL_HASH_INIT]


@pytest.mark.parametrize("algorithm", CIPHERS)
@pytest.mark.parametrize("size", [16, 24, 32])
def test_a_cipher_is_run_by_the_runner_as_by_the_core(
    both: Both, algorithm: int, size: int
) -> None:
    data = bytes(range(256)) * 3
    made = []
    for ta in both:
        texts = [data]
        for mode in (n.MODE_ENCRYPT, n.MODE_DECRYPT):
            state, _ = state_of(ta, (algorithm, mode, n.TYPE_AES), bytes(range(size)))
            out: list[tuple[int, int, bytes]] = []
            for _ in range(2):
                assert begin(ta, state, bytes(range(200, 216))) == n.SUCCESS
                out = [ta.make(n.CALL_CIPHER_UPDATE, state, texts[-1][:528])]
                out.append(ta.make(n.CALL_CIPHER_FINAL, state, texts[-1][528:]))
                assert [code for code, _, _ in out] == [n.SUCCESS] * 2
            texts.append(b"".join(text for _, _, text in out))
        assert texts[2] == data
        assert (n.CALL_CIPHER_UPDATE in ta.asked) == (ta is both[1])
        made.append(texts[1])
    assert made[0] == made[1]


def test_ctr_takes_any_size_and_others_blocks(ta: CallingTa) -> None:
    state, _ = state_of(ta, CTR)
    begin(ta, state)
    whole = ta.make(n.CALL_CIPHER_FINAL, state, bytes(100))[2]
    begin(ta, state)
    pieces = [ta.make(n.CALL_CIPHER_UPDATE, state, bytes(size))[2] for size in (1, 0, 30, 40, 29)]
    assert b"".join(pieces) == whole
    blocks, _ = state_of(ta, (n.ALG_AES_CBC_NOPAD, n.MODE_ENCRYPT, n.TYPE_AES))
    begin(ta, blocks)
    assert ta.make(n.CALL_CIPHER_UPDATE, blocks, bytes(17))[0] == n.ERROR_BAD_PARAMETERS
    assert ta.make(n.CALL_CIPHER_UPDATE, blocks, bytes(16))[0] == n.SUCCESS
    assert ta.make(n.CALL_CIPHER_FINAL, blocks, bytes(17))[0] == n.ERROR_BAD_PARAMETERS
    assert ta.make(n.CALL_CIPHER_UPDATE, blocks, bytes(16))[0] == n.ERROR_BAD_STATE
    assert begin(ta, blocks, bytes(15)) == n.ERROR_BAD_PARAMETERS
    assert ta.asked.count(n.CALL_CIPHER_INIT) == 2


@pytest.mark.parametrize("kind", [CTR, (n.ALG_AES_CBC_NOPAD, n.MODE_DECRYPT, n.TYPE_AES), GCM])
def test_a_cipher_may_write_over_what_it_reads(ta: CallingTa, kind: tuple[int, int, int]) -> None:
    data = bytes(range(160))
    state, _ = state_of(ta, kind)
    update = n.CALL_AUTHENC_UPDATE_PAYLOAD if kind == GCM else n.CALL_CIPHER_UPDATE
    for shift in (0, 1, 16, -7, -16):
        made = []
        for to in (OUTPUT, INPUT + 0x40 + shift):
            assert (begin_aead if kind == GCM else begin)(ta, state) == n.SUCCESS
            place = (*ta.put(INPUT + 0x40, data), *ta.room(to, ROOM))
            assert ta.call(update, state, *place) == n.SUCCESS
            assert update not in ta.asked
            made.append(ta.read(to, len(data)))
        assert made[0] == made[1]


def test_gcm_is_run_by_the_runner_as_by_the_core(both: Both) -> None:
    data = bytes(range(256)) * 2
    sealed = []
    for ta in both:
        state, _ = state_of(ta, GCM, bytes(range(32)))
        for nonce, tag_size in ((bytes(range(12)), 16), (bytes(range(60)), 12)):
            assert begin_aead(ta, state, nonce, tag_size) == n.SUCCESS
            for aad in (b"some", b"", b"more"):
                assert ta.take(n.CALL_AUTHENC_UPDATE_AAD, state, aad) == n.SUCCESS
            first = ta.make(n.CALL_AUTHENC_UPDATE_PAYLOAD, state, data[:77])[2]
            assert ta.take(n.CALL_AUTHENC_UPDATE_AAD, state, b"x") == n.ERROR_BAD_PARAMETERS
            rest, tag = seal(ta, state, data[77:])
            assert len(tag) == tag_size
            sealed.append((first + rest, tag))
        assert (n.CALL_AUTHENC_ENC_FINAL in ta.asked) == (ta is both[1])
    assert sealed[:2] == sealed[2:]


def test_a_wrong_tag_leaves_nothing(both: Both) -> None:
    for ta in both:
        encryption, _ = state_of(ta, GCM)
        decryption, _ = state_of(ta, (n.ALG_AES_GCM, n.MODE_DECRYPT, n.TYPE_AES))
        begin_aead(ta, encryption)
        text, tag = seal(ta, encryption, b"secret" * 9)
        begin_aead(ta, decryption)
        assert open_sealed(ta, decryption, text, tag[:-1])[0] == n.ERROR_MAC_INVALID
        assert open_sealed(ta, decryption, text, tag) == (n.SUCCESS, b"secret" * 9)
        assert open_sealed(ta, decryption, text, tag)[0] == n.ERROR_BAD_STATE
        begin_aead(ta, decryption)
        ta.tiny.runner.write(OUTPUT, bytes(ROOM))
        code, left = open_sealed(ta, decryption, text, bytes(16))
        assert (code, left) == (n.ERROR_MAC_INVALID, bytes(54))


def test_a_tag_may_lie_where_the_text_goes(ta: CallingTa) -> None:
    encryption, _ = state_of(ta, GCM)
    decryption, _ = state_of(ta, (n.ALG_AES_GCM, n.MODE_DECRYPT, n.TYPE_AES))
    begin_aead(ta, encryption)
    text, tag = seal(ta, encryption, b"secret" * 9)
    begin_aead(ta, decryption)
    place = (*ta.put(INPUT, text), *ta.room(OUTPUT, ROOM), *ta.put(OUTPUT + 8, tag))
    assert ta.call(n.CALL_AUTHENC_DEC_FINAL, decryption, *place) == n.SUCCESS
    assert ta.read(OUTPUT, 54) == b"secret" * 9


@pytest.mark.parametrize("kind", [CTR, GCM, MAC])
def test_a_key_that_may_not_be_read_never_gets_to_the_runner(
    ta: CallingTa, kind: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    frames: list[bytes] = []
    send = ta.tiny.runner._order  # noqa: SLF001 - all that the core ever sends
    value = bytes(range(130, 162))

    def order(number: int, head: bytes, data: bytes = b"", *, hold: bool = False) -> None:
        frames.append(head + bytes(data))
        send(number, head, data, hold=hold)

    for usage, sent in ((ALL_BUT_READING, False), (n.USAGE_DEFAULT, True)):
        monkeypatch.setattr(ta.tiny.runner, "_order", order)
        state, _ = state_of(ta, kind, value, usage)
        if kind == MAC:
            assert ta.take(n.CALL_HASH_INIT, state) == n.SUCCESS
            ta.make(n.CALL_HASH_FINAL, state, b"message")
        elif kind == GCM:
            assert begin_aead(ta, state) == n.SUCCESS
            seal(ta, state, b"message")
        else:
            assert begin(ta, state) == n.SUCCESS
            ta.make(n.CALL_CIPHER_FINAL, state, b"message")
        assert any(value in frame for frame in frames) == sent
        assert (len(ta.given) == 1) == sent


def test_a_persistent_key_never_gets_to_the_runner(ta: CallingTa) -> None:
    state, held = state_of(ta, CTR)
    held.handle_flags |= n.HANDLE_FLAG_PERSISTENT
    assert begin(ta, state) == n.SUCCESS
    assert not ta.given


@pytest.mark.parametrize("change", ["usage", "reset", "derived"])
def test_a_key_that_changes_is_taken_back(ta: CallingTa, change: str) -> None:
    state, held = state_of(ta, CTR)
    handle = ta.handles.add(held)
    begin(ta, state)
    first = ta.make(n.CALL_CIPHER_UPDATE, state, bytes(32))[2]
    begin(ta, state)
    if change == "usage":
        ta.call(n.CALL_CRYP_OBJ_RESTRICT_USAGE, handle, ALL_BUT_READING)
    elif change == "reset":
        ta.call(n.CALL_CRYP_OBJ_RESET, handle)
    else:
        other = ta.handles.add(key(n.TYPE_AES, OTHER_KEY))
        ta.call(n.CALL_CRYP_OBJ_RESET, handle)
        ta.call(n.CALL_CRYP_OBJ_COPY, handle, other)
    ta.asked.clear()
    assert ta.make(n.CALL_CIPHER_UPDATE, state, bytes(32))[2] == first, "the message goes on"
    assert not ta.asked
    code = begin(ta, state)
    assert ta.asked == [n.CALL_CIPHER_INIT]
    if change == "reset":
        assert code == n.ERROR_BAD_PARAMETERS
        return
    assert len(ta.given) == (1 if change == "usage" else 2)
    again = ta.make(n.CALL_CIPHER_UPDATE, state, bytes(32))[2]
    assert (again == first) == (change == "usage")
    assert (n.CALL_CIPHER_UPDATE in ta.asked) == (change == "usage")


def test_a_copy_goes_on_with_its_source_and_begins_with_its_own_key(ta: CallingTa) -> None:
    one, _ = state_of(ta, CTR)
    for usage in (n.USAGE_DEFAULT, ALL_BUT_READING):
        two, _ = state_of(ta, CTR, OTHER_KEY, usage)
        begin(ta, two)
        own = ta.make(n.CALL_CIPHER_UPDATE, two, bytes(48))[2]
        begin(ta, one)
        text = ta.make(n.CALL_CIPHER_UPDATE, one, bytes(48))[2]
        begin(ta, one)
        ta.make(n.CALL_CIPHER_UPDATE, one, bytes(20))
        assert ta.call(n.CALL_CRYP_STATE_COPY, two, one) == n.SUCCESS
        assert ta.make(n.CALL_CIPHER_UPDATE, two, bytes(28))[2] == text[20:]
        assert begin(ta, two) == n.SUCCESS
        assert ta.make(n.CALL_CIPHER_UPDATE, two, bytes(48))[2] == own


class Twins:
    """One TA whose states are given away, and one whose are not; they do the same."""

    def __init__(self, tas: Both, seed: int) -> None:
        self.tas = tas
        for ta in tas:  # alike, and with handles that neither has ever had
            ta.handles = HandleTable(first=10_000 * seed)
            ta.tiny.runner.write(LENGTHS, bytes(0x1F00))
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.states: list[int] = []
        self.kinds: dict[int, int] = {}

    def both(self, number: int, *registers: int) -> int:
        """Make a call twice; the results are the same, and so is what was written."""
        one, two = (ta.call(number, *registers) for ta in self.tas)
        assert hex(one) == hex(two), number
        seen = [ta.read(LENGTHS, 0x1F00) for ta in self.tas]
        if one == n.ERROR_MAC_INVALID:  # zeros, or what was there before
            for ta in self.tas:
                ta.tiny.runner.write(LENGTHS, bytes(0x1F00))
        else:
            assert seen[0] == seen[1], number
        return one

    def make_states(self) -> None:
        """Make some states, with keys of every kind of usage."""
        kinds = [
            (n.ALG_SHA256, n.MODE_DIGEST, 0), (n.ALG_SHA256, n.MODE_DIGEST, 0), MAC, MAC, CTR, CTR,
            (n.ALG_AES_CBC_NOPAD, n.MODE_DECRYPT, n.TYPE_AES), GCM, GCM,
            (n.ALG_AES_GCM, n.MODE_DECRYPT, n.TYPE_AES),
        ]  # fmt: skip
        for algorithm, mode, object_type in kinds:
            handle = 0
            if object_type:
                usage = self.random.choice([n.USAGE_DEFAULT, n.USAGE_DEFAULT, ALL_BUT_READING])
                value = self.random.randbytes(32)
                for ta in self.tas:
                    held = key(object_type, value)
                    held.restrict_usage(usage)
                    handle = ta.handles.add(held)
            self.both(n.CALL_CRYP_STATE_ALLOC, algorithm, mode, handle, 0, TAG)
            state = int.from_bytes(self.tas[0].tiny.runner.fetch(TAG, 4), "little")
            self.states.append(state)
            self.kinds[state] = class_of(algorithm)

    def step(self) -> None:
        """Do something by chance, which mostly makes sense."""
        chance = self.random
        state = chance.choice(self.states)
        number = chance.choice(CALLS[self.kinds[state]])
        if chance.random() < 0.1:
            number = chance.choice([number for calls in CALLS.values() for number in calls])
        if chance.random() < 0.05:
            self.both(n.CALL_CRYP_STATE_COPY, state, chance.choice(self.states))
            return
        size = chance.choice([0, 1, 16, 16, 32, 100])
        data = chance.randbytes(size)
        for ta in self.tas:
            ta.put(INPUT, data)
        if number in INITS:
            self.both(number, state, INPUT, chance.choice([16, 16, 12]), chance.choice(TAGS), 0, 0)
            return
        capacity = chance.choice([0, 16, 32, ROOM, ROOM, ROOM])
        for ta in self.tas:
            ta.room(OUTPUT, capacity)
            ta.room(TAG, min(capacity, 16), 1)
        where = chance.choice([OUTPUT, OUTPUT, INPUT, INPUT + 5])
        last = (INPUT, 16) if number == n.CALL_AUTHENC_DEC_FINAL else (TAG, LENGTHS + 8)
        self.both(number, state, INPUT, size, where, LENGTHS, *last)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_done_the_runner_does_as_the_core_does(both: Both, seed: int) -> None:
    twins = Twins(both, seed)
    twins.make_states()
    for _ in range(1000):
        twins.step()
    local, remote = both
    assert len(local.asked) < len(remote.asked) / 2
