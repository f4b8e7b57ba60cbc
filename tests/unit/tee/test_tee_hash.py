# SPDX-License-Identifier: BSD-3-Clause
"""Digests and MACs: standards' vectors, messages in pieces, and what is refused."""

import hashlib
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto.objects import TransientObject
from realmos_agent.tee.crypto.operation import HashingState
from realmos_agent.tee.errors import ShortBuffer
from tee_states import ROOM, key, pieces, refused, state

# Of "abc": FIPS 180-4, FIPS 202, RFC 1321, GB/T 32905.
DIGESTS = {
    n.ALG_MD5: "900150983cd24fb0d6963f7d28e17f72",
    n.ALG_SHA1: "a9993e364706816aba3e25717850c26c9cd0d89d",
    n.ALG_SHA224: "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
    n.ALG_SHA256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    n.ALG_SHA384: "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
    "8086072ba1e7cc2358baeca134c825a7",
    n.ALG_SHA512: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    n.ALG_SHA3_224: "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf",
    n.ALG_SHA3_256: "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
    n.ALG_SHA3_384: "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b2"
    "98d88cea927ac7f539f1edf228376d25",
    n.ALG_SHA3_512: "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
    "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
    n.ALG_SM3: "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
}

# Key of 20 times 0x0b (HMAC-MD5: 16), "Hi There": RFC 2202, RFC 4231, NIST's for SHA-3. Zeros at
# its end change nothing, and make it as long as OP-TEE wants keys to be.
HMACS = {
    n.ALG_HMAC_MD5: (n.TYPE_HMAC_MD5, "9294727a3638bb1c13f48ef8158bfc9d"),
    n.ALG_HMAC_SHA1: (n.TYPE_HMAC_SHA1, "b617318655057264e28bc0b6fb378c8ef146be00"),
    n.ALG_HMAC_SHA224: (
        n.TYPE_HMAC_SHA224, "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22",
    ),
    n.ALG_HMAC_SHA256: (
        n.TYPE_HMAC_SHA256, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    n.ALG_HMAC_SHA384: (
        n.TYPE_HMAC_SHA384, ("afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
        "faea9ea9076ede7f4af152e8b2fa9cb6"),
    ),
    n.ALG_HMAC_SHA512: (
        n.TYPE_HMAC_SHA512, ("87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
        "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"),
    ),
    n.ALG_HMAC_SHA3_224: (
        n.TYPE_HMAC_SHA3_224, "3b16546bbc7be2706a031dcafd56373d9884367641d8c59af3c860f7",
    ),
    n.ALG_HMAC_SHA3_256: (
        n.TYPE_HMAC_SHA3_256, "ba85192310dffa96e2a3a40e69774351140bb7185e1202cdcc917589f95e16bb",
    ),
    n.ALG_HMAC_SHA3_384: (
        n.TYPE_HMAC_SHA3_384, ("68d2dcf7fd4ddd0a2240c8a437305f61fb7334cfb5d0226e1bc27dc10a2e723a"
        "20d370b47743130e26ac7e3d532886bd"),
    ),
    n.ALG_HMAC_SHA3_512: (
        n.TYPE_HMAC_SHA3_512, ("eb3fbd4b2eaab8f5c504bd3a41465aacec15770a7cabac531e482f860b5ec7ba"
        "47ccb2c6f2afce8f88d22b6dc61380f23a668fd3888bb80537c0a0b86407689e"),
    ),
}  # fmt: skip

HMAC_KEY = (b"\x0b" * 20).ljust(32, b"\0")
AES_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
AES_TEXT = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
DES_KEY = bytes.fromhex("0123456789abcdef")
DES3_KEY = bytes.fromhex("8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5")


def hashing(algorithm: int, *keys: TransientObject) -> HashingState:
    mode = n.MODE_MAC if keys else n.MODE_DIGEST
    made = state(algorithm, mode, *keys)
    assert isinstance(made, HashingState)
    return made


def a_mac(algorithm: int) -> HashingState:
    if algorithm in HMACS:
        return hashing(algorithm, key(HMACS[algorithm][0], HMAC_KEY))
    if algorithm == n.ALG_HMAC_SM3:
        return hashing(algorithm, key(n.TYPE_HMAC_SM3, HMAC_KEY))
    return hashing(algorithm, key(*BLOCK_MACS[algorithm]))


BLOCK_MACS = {
    n.ALG_AES_CMAC: (n.TYPE_AES, AES_KEY),
    n.ALG_DES3_CMAC: (n.TYPE_DES3, DES3_KEY),
    n.ALG_AES_CBC_MAC_NOPAD: (n.TYPE_AES, AES_KEY),
    n.ALG_AES_CBC_MAC_PKCS5: (n.TYPE_AES, AES_KEY),
    n.ALG_DES_CBC_MAC_NOPAD: (n.TYPE_DES, DES_KEY),
    n.ALG_DES_CBC_MAC_PKCS5: (n.TYPE_DES, DES_KEY),
    n.ALG_DES3_CBC_MAC_NOPAD: (n.TYPE_DES3, DES3_KEY),
    n.ALG_DES3_CBC_MAC_PKCS5: (n.TYPE_DES3, DES3_KEY),
}
MACS = [*HMACS, n.ALG_HMAC_SM3, *BLOCK_MACS]
ALL = [*DIGESTS, *MACS]


def one(algorithm: int) -> HashingState:
    return hashing(algorithm) if algorithm in DIGESTS else a_mac(algorithm)


def whole(made: HashingState, data: bytes) -> str:
    made.init()
    return made.final(data, ROOM).hex()


@pytest.mark.parametrize("algorithm", DIGESTS, ids=hex)
def test_digests_are_those_of_the_standards(algorithm: int) -> None:
    assert whole(hashing(algorithm), b"abc") == DIGESTS[algorithm]


@pytest.mark.parametrize("algorithm", HMACS, ids=hex)
def test_hmacs_are_those_of_the_standards(algorithm: int) -> None:
    kind, wanted = HMACS[algorithm]
    secret = b"\x0b" * (16 if algorithm == n.ALG_HMAC_MD5 else 20)
    assert whole(hashing(algorithm, key(kind, secret.ljust(32, b"\0"))), b"Hi There") == wanted


def test_hmac_of_sm3_is_as_its_definition_says() -> None:
    secret = HMAC_KEY
    inner = hashlib.new("sm3", bytes(b ^ 0x36 for b in secret.ljust(64, b"\0")) + b"Hi There")
    outer = bytes(b ^ 0x5C for b in secret.ljust(64, b"\0")) + inner.digest()
    assert whole(a_mac(n.ALG_HMAC_SM3), b"Hi There") == hashlib.new("sm3", outer).hexdigest()


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
        (64, "51f0bebf7e3b9d92fc49741779363cfe"),
    ],
)
def test_aes_cmac_is_that_of_rfc_4493(size: int, wanted: str) -> None:
    assert whole(a_mac(n.ALG_AES_CMAC), AES_TEXT[:size]) == wanted


@pytest.mark.parametrize(
    ("size", "wanted"), [(0, "b7a688e122ffaf95"), (8, "8e8f293136283797"), (20, "743ddbe0ce2dc2ed")]
)
def test_triple_des_cmac_is_that_of_sp_800_38b(size: int, wanted: str) -> None:
    assert whole(a_mac(n.ALG_DES3_CMAC), AES_TEXT[:size]) == wanted


def test_des_cbc_mac_is_that_of_fips_113() -> None:
    text = b"7654321 Now is the time for "
    assert whole(a_mac(n.ALG_DES_CBC_MAC_NOPAD), text.ljust(32, b"\0")) == "f1d30f6849312ca4"


def test_aes_cbc_mac_is_the_last_block_of_sp_800_38a_s_chain() -> None:
    first = hashing(n.ALG_AES_CBC_MAC_NOPAD, key(n.TYPE_AES, AES_KEY))
    assert whole(first, AES_TEXT[:16]) == "3ad77bb40d7a3660a89ecaf32466ef97"  # ECB: the IV is 0


@pytest.mark.parametrize(
    "algorithm", [n.ALG_AES_CBC_MAC_PKCS5, n.ALG_DES_CBC_MAC_PKCS5, n.ALG_DES3_CBC_MAC_PKCS5],
    ids=hex,
)  # fmt: skip
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17])
def test_cbc_mac_pads_as_pkcs_5_says(algorithm: int, size: int) -> None:
    block = 16 if algorithm == n.ALG_AES_CBC_MAC_PKCS5 else 8
    count = block - size % block
    padded = AES_TEXT[:size] + bytes([count]) * count
    plain = algorithm ^ n.ALG_AES_CBC_MAC_PKCS5 ^ n.ALG_AES_CBC_MAC_NOPAD
    assert whole(a_mac(algorithm), AES_TEXT[:size]) == whole(a_mac(plain), padded)


@pytest.mark.parametrize("algorithm", [n.ALG_AES_CBC_MAC_NOPAD, n.ALG_DES_CBC_MAC_NOPAD], ids=hex)
@pytest.mark.parametrize("size", [0, 1, 23])
def test_cbc_mac_without_padding_wants_whole_blocks(algorithm: int, size: int) -> None:
    made = a_mac(algorithm)
    made.init()
    with refused(n.ERROR_BAD_STATE):
        made.final(bytes(size), ROOM)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(ALL), pieces(bytes(range(256)) * 2), st.booleans())
def test_a_message_in_pieces_is_the_same_message(
    algorithm: int, given_: list[bytes], last_alone: bool
) -> None:
    made = one(algorithm)
    wanted = whole(made, b"".join(given_))
    made.init()
    *first, last = [*given_, b""] if last_alone else given_
    for piece in first:
        made.update(piece)
    assert made.final(last, ROOM).hex() == wanted


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([n.ALG_SHAKE128, n.ALG_SHAKE256]), st.lists(st.integers(0, 400)))
def test_shake_goes_on_where_it_was_left(algorithm: int, sizes: list[int]) -> None:
    made = hashing(algorithm)
    made.init()
    made.update(b"ab")
    drawn = made.final(b"c", 0)
    drawn += b"".join(made.final(b"", size) for size in sizes)
    new = hashlib.shake_128 if algorithm == n.ALG_SHAKE128 else hashlib.shake_256
    assert drawn == new(b"abc").digest(sum(sizes))


def test_shake_draws_much_in_small_pieces_and_has_an_end() -> None:
    made = hashing(n.ALG_SHAKE128)
    made.init()
    drawn = b"".join(made.final(b"", 1 << 10) for _ in range(1000))
    assert drawn == hashlib.shake_128().digest(1000 << 10)
    made.final(b"", (4 << 20) - len(drawn))
    with refused(n.ERROR_NOT_IMPLEMENTED):
        made.final(b"", 1)
    with refused(n.ERROR_NOT_IMPLEMENTED):
        made.final(b"", 1 << 63)


def test_shake_that_is_refused_too_much_has_not_taken_the_message() -> None:
    made = hashing(n.ALG_SHAKE128)
    made.init()
    with refused(n.ERROR_NOT_IMPLEMENTED):
        made.final(b"abc", 5 << 20)
    assert made.final(b"abc", 16) == hashlib.shake_128(b"abc").digest(16)


def test_shake_keeps_little_of_what_was_drawn() -> None:
    many = [hashing(n.ALG_SHAKE256) for _ in range(32)]
    tracemalloc.start()
    try:
        for made in many:
            made.init()
            made.final(b"", 1 << 20)
            made.final(b"", 1)
        assert tracemalloc.get_traced_memory()[0] < len(many) * (64 << 10)
    finally:
        tracemalloc.stop()


def test_shake_takes_nothing_more_once_it_was_drawn_from() -> None:
    made = hashing(n.ALG_SHAKE256)
    made.init()
    made.final(b"abc", 1)
    with refused(n.ERROR_BAD_STATE):
        made.update(b"d")
    with refused(n.ERROR_BAD_STATE):
        made.final(b"d", 1)


@pytest.mark.parametrize("algorithm", [*ALL, n.ALG_SHAKE128], ids=hex)
def test_there_is_no_message_before_init_nor_after_final(algorithm: int) -> None:
    made = hashing(algorithm) if algorithm == n.ALG_SHAKE128 else one(algorithm)
    for _ in range(2):
        with refused(n.ERROR_BAD_STATE):
            made.update(b"x")
        if algorithm == n.ALG_SHAKE128:
            break
        with refused(n.ERROR_BAD_STATE):
            made.final(b"", ROOM)
        whole(made, bytes(32))


@pytest.mark.parametrize("algorithm", ALL, ids=hex)
def test_a_short_buffer_changes_nothing(algorithm: int) -> None:
    made = one(algorithm)
    wanted = whole(made, AES_TEXT)
    size = len(wanted) // 2
    made.init()
    made.update(AES_TEXT[:20])
    with pytest.raises(ShortBuffer) as caught:
        made.final(AES_TEXT[20:], size - 1)
    assert caught.value.needed == (size,)
    assert made.final(AES_TEXT[20:], size).hex() == wanted


@pytest.mark.parametrize("algorithm", [*ALL, n.ALG_SHAKE256], ids=hex)
def test_a_copy_goes_its_own_way(algorithm: int) -> None:
    make = hashing if algorithm == n.ALG_SHAKE256 else one
    first, second = make(algorithm), make(algorithm)
    wanted = [whole_of(make(algorithm), AES_TEXT), whole_of(make(algorithm), AES_TEXT[:32])]
    first.init()
    first.update(AES_TEXT[:20])
    second.copy_from(first)
    first.update(AES_TEXT[20:])
    second.update(AES_TEXT[20:32])
    assert [first.final(b"", 64), second.final(b"", 64)] == wanted
    second.copy_from(make(algorithm))
    with refused(n.ERROR_BAD_STATE):
        second.final(b"", 64)


def whole_of(made: HashingState, data: bytes) -> bytes:
    made.init()
    return made.final(data, 64)


def test_a_copy_of_shake_goes_on_drawing() -> None:
    first, second = hashing(n.ALG_SHAKE128), hashing(n.ALG_SHAKE128)
    first.init()
    first.final(b"abc", 100)
    second.copy_from(first)
    assert (
        first.final(b"", 50) == second.final(b"", 50) == hashlib.shake_128(b"abc").digest(150)[100:]
    )


def test_init_begins_anew_whatever_there_was() -> None:
    made = one(n.ALG_SHA256)
    made.init()
    made.update(b"something")
    assert whole(made, b"abc") == DIGESTS[n.ALG_SHA256]


def test_a_mac_takes_the_key_of_its_init() -> None:
    held = TransientObject(n.TYPE_HMAC_SHA256, 256)
    made = hashing(n.ALG_HMAC_SHA256, held)
    with refused(n.ERROR_BAD_PARAMETERS):
        made.init()
    held.populate(((n.ATTR_SECRET_VALUE, HMAC_KEY),))
    assert whole(made, b"Hi There") == HMACS[n.ALG_HMAC_SHA256][1]


@pytest.mark.parametrize("algorithm", [0x500000FF, n.ALG_MD5SHA1], ids=hex)
def test_an_unknown_digest_is_not_implemented(algorithm: int) -> None:
    with refused(n.ERROR_NOT_IMPLEMENTED):
        state(algorithm, n.MODE_DIGEST)


def test_keys_must_fit_the_algorithm() -> None:
    with refused(n.ERROR_BAD_PARAMETERS):
        state(n.ALG_SHA256, n.MODE_DIGEST, key(n.TYPE_HMAC_SHA256, bytes(32)))
    with refused(n.ERROR_BAD_PARAMETERS):
        state(n.ALG_HMAC_SHA256, n.MODE_MAC)
    with refused(n.ERROR_BAD_PARAMETERS):
        state(n.ALG_HMAC_SHA256, n.MODE_MAC, key(n.TYPE_AES, bytes(32)))
    with refused(n.ERROR_BAD_PARAMETERS):
        two = key(n.TYPE_AES, bytes(16)), key(n.TYPE_AES, bytes(16))
        state(n.ALG_AES_CMAC, n.MODE_MAC, *two)
    busy = key(n.TYPE_AES, bytes(16))
    busy.busy = True
    with refused(n.ERROR_BAD_PARAMETERS):
        state(n.ALG_AES_CMAC, n.MODE_MAC, busy)
