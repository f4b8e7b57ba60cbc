# SPDX-License-Identifier: BSD-3-Clause
"""Ciphers: standards' vectors, streams in pieces, and what is refused."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto import evp, modes
from realmos_agent.tee.crypto.cipher import CipherState
from realmos_agent.tee.errors import ShortBuffer
from tee_states import ROOM, key, pieces, refused, state

AES = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
AES_256 = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
AES_TEXT = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
DES = bytes.fromhex("0123456789abcdef")
DES3 = bytes.fromhex("0123456789abcdef23456789abcdef01456789abcdef0123")
SM4 = bytes.fromhex("0123456789abcdeffedcba9876543210")
IV = bytes(range(16))
FIPS_81 = b"Now is the time for all "
RFC_3962 = b"I would like the General Gau's Chicken, please, and wonton soup."
KINDS = {
    n.MAIN_ALGO_AES: n.TYPE_AES, n.MAIN_ALGO_DES: n.TYPE_DES,
    n.MAIN_ALGO_DES3: n.TYPE_DES3, n.MAIN_ALGO_SM4: n.TYPE_SM4,
}  # fmt: skip
KEYS = {n.MAIN_ALGO_AES: AES, n.MAIN_ALGO_DES: DES, n.MAIN_ALGO_DES3: DES3, n.MAIN_ALGO_SM4: SM4}
XTS = {n.ALG_AES_XTS, n.ALG_SM4_XTS}
ALL = [
    n.ALG_AES_ECB_NOPAD, n.ALG_AES_CBC_NOPAD, n.ALG_AES_CTR, n.ALG_AES_CTS, n.ALG_AES_XTS,
    n.ALG_DES_ECB_NOPAD, n.ALG_DES_CBC_NOPAD, n.ALG_DES3_ECB_NOPAD, n.ALG_DES3_CBC_NOPAD,
    n.ALG_SM4_ECB_NOPAD, n.ALG_SM4_CBC_NOPAD, n.ALG_SM4_CTR, n.ALG_SM4_XTS,
]  # fmt: skip
SMALL_BLOCKS = {n.MAIN_ALGO_DES, n.MAIN_ALGO_DES3}


def block_of(algorithm: int) -> int:
    return 8 if algorithm & 0xFF in SMALL_BLOCKS else 16


def iv_of(algorithm: int) -> bytes:
    return b"" if not algorithm & 0xF00 else IV[: block_of(algorithm)]


def one(
    algorithm: int, key1: bytes | None = None, key2: bytes | None = None, *, encrypt: bool = True
) -> CipherState:
    main = algorithm & 0xFF
    keys = [key(KINDS[main], key1 or KEYS[main])]
    if algorithm in XTS:
        keys.append(key(KINDS[main], key2 or bytes(len(keys[0].secret()))))
    made = state(algorithm, n.MODE_ENCRYPT if encrypt else n.MODE_DECRYPT, *keys)
    assert isinstance(made, CipherState)
    return made


def begun(algorithm: int, *, encrypt: bool = True) -> CipherState:
    made = one(algorithm, encrypt=encrypt)
    made.init(iv_of(algorithm))
    return made


def both_ways(
    algorithm: int, key1: bytes, iv: bytes, text: bytes, cipher: str, *, key2: bytes | None = None
) -> None:
    wanted = bytes.fromhex(cipher)
    for encrypt, source, target in ((True, text, wanted), (False, wanted, text)):
        made = one(algorithm, key1, key2, encrypt=encrypt)
        made.init(iv)
        assert made.update(source, ROOM, last=True).hex() == target.hex()


def test_aes_is_that_of_sp_800_38a() -> None:
    both_ways(n.ALG_AES_ECB_NOPAD, AES, b"", AES_TEXT[:16], "3ad77bb40d7a3660a89ecaf32466ef97")
    both_ways(
        n.ALG_AES_CBC_NOPAD, AES, IV, AES_TEXT[:32],
        "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
    )  # fmt: skip
    both_ways(
        n.ALG_AES_CTR, AES, bytes(range(0xF0, 0x100)), AES_TEXT[:20],
        "874d6191b620e3261bef6864990db6ce9806f66b",
    )  # fmt: skip
    both_ways(n.ALG_AES_ECB_NOPAD, AES_256, b"", AES_TEXT[:16], "f3eed1bdb5d2a03c064b5a7e3db181f8")


def test_des_is_that_of_fips_81() -> None:
    ecb = "3fa40e8a984d48156a271787ab8883f9893d51ec4b563b53"
    cbc = "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6"
    both_ways(n.ALG_DES_ECB_NOPAD, DES, b"", FIPS_81, ecb)
    both_ways(n.ALG_DES_CBC_NOPAD, DES, bytes.fromhex("1234567890abcdef"), FIPS_81, cbc)


def test_triple_des_is_that_of_sp_800_67() -> None:
    text = b"The qufck brown fox jump"
    wanted = "a826fd8ce53b855fcce21c8112256fe668d5c05dd9b6b900"
    both_ways(n.ALG_DES3_ECB_NOPAD, DES3, b"", text, wanted)


def test_triple_des_with_two_keys_uses_the_first_again() -> None:
    short, long = one(n.ALG_DES3_CBC_NOPAD, DES3[:16]), one(n.ALG_DES3_CBC_NOPAD, DES3[:16] + DES)
    for made in (short, long):
        made.init(IV[:8])
    assert short.update(AES_TEXT, ROOM) == long.update(AES_TEXT, ROOM)


def test_sm4_is_that_of_gb_t_32907() -> None:
    both_ways(n.ALG_SM4_ECB_NOPAD, SM4, b"", SM4, "681edf34d206965e86b3e94f536e4246")


def test_sm4_chains_and_counts_as_the_modes_say() -> None:
    def ecb(block: bytes) -> bytes:
        made = begun(n.ALG_SM4_ECB_NOPAD)
        return made.update(block, ROOM)

    def xor(one: bytes, other: bytes) -> bytes:
        return bytes(a ^ b for a, b in zip(one, other, strict=True))

    first = ecb(xor(AES_TEXT[:16], IV))
    second = ecb(xor(AES_TEXT[16:32], first))
    both_ways(n.ALG_SM4_CBC_NOPAD, SM4, IV, AES_TEXT[:32], (first + second).hex())
    stream = ecb(b"\xff" * 16) + ecb(bytes(16))
    wanted = xor(AES_TEXT[:32], stream).hex()
    both_ways(n.ALG_SM4_CTR, SM4, b"\xff" * 16, AES_TEXT[:32], wanted)


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        (17, "c6353568f2bf8cb4d8a580362da7ff7f97"),
        (31, "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5"),
        (32, "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584"),
        (
            47, ("97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e"
            "39312523a78662d5be7fcbcc98ebf5"),
        ),
        (
            64, ("97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a8"
            "4807efe836ee89a526730dbc2f7bc8409dad8bbb96c4cdc03bc103e1a194bbd8"),
        ),
    ],
)  # fmt: skip
def test_cts_is_that_of_rfc_3962(size: int, wanted: str) -> None:
    both_ways(n.ALG_AES_CTS, b"chicken teriyaki", bytes(16), RFC_3962[:size], wanted)


def test_xts_is_that_of_ieee_1619() -> None:
    both_ways(
        n.ALG_AES_XTS, b"\x11" * 16, b"\x33" * 5 + bytes(11), b"\x44" * 32,
        "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0", key2=b"\x22" * 16,
    )  # fmt: skip
    both_ways(
        n.ALG_AES_XTS, bytes(range(0xFF, 0xEF, -1)), bytes.fromhex("9a78563412").ljust(16, b"\0"),
        bytes(range(17)), "6c1625db4671522d3d7599601de7ca09ed", key2=bytes(range(0xBF, 0xAF, -1)),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=16, max_size=200), st.booleans(), st.sampled_from([16, 32]))
def test_xts_of_ecb_is_libcrypto_s(data: bytes, encrypt: bool, size: int) -> None:
    keys = bytes(range(size)), bytes(range(1, size + 1))
    theirs = modes.xts(n.MAIN_ALGO_AES, *keys, IV, encrypt=encrypt)
    name = f"AES-{size * 8}-ECB"
    first = int.from_bytes(evp.Cipher(name, keys[1], None, encrypt=True).update(IV), "little")
    cipher = evp.Cipher(name, keys[0], None, encrypt=encrypt)
    ours = modes.EcbXtsStream(cipher, first, encrypt=encrypt)
    assert ours.finish(data) == theirs.finish(data)


def test_xts_of_ecb_takes_much_at_once_piece_by_piece() -> None:
    """Numbers as long as all of it would be many times that, and nobody else would have a turn."""
    data = bytes(range(256)) * (1 << 13)
    whole, parted = begun(n.ALG_SM4_XTS), begun(n.ALG_SM4_XTS)
    parts = b"".join(parted.update(data[at : at + 480], ROOM) for at in range(0, 1 << 16, 480))
    tracemalloc.start()
    try:
        made = whole.update(data, len(data))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert made[: len(parts)] == parts[: len(made)]
    assert peak < 3 * len(data)


def test_xts_takes_two_equal_keys_as_ieee_1619_does() -> None:
    both_ways(
        n.ALG_AES_XTS, bytes(16), bytes(16), bytes(32),
        "917cf69ebd68b2ec9b9fe9a3eadda692cd43d2f59598ed858c02c2652fbf922e", key2=bytes(16),
    )  # fmt: skip


def test_xts_takes_more_at_once_than_a_data_unit_of_libcrypto() -> None:
    data = bytes(16 << 20)
    whole, parted = begun(n.ALG_AES_XTS), begun(n.ALG_AES_XTS)
    made = whole.update(data + AES_TEXT, len(data) + ROOM)
    assert made + whole.update(AES_TEXT[:17], ROOM, last=True) == (
        parted.update(data, len(data))
        + parted.update(AES_TEXT + AES_TEXT[:17], ROOM, last=True)
    )  # fmt: skip
    back = begun(n.ALG_AES_XTS, encrypt=False)
    cipher = begun(n.ALG_AES_XTS).update(data + AES_TEXT[:5], len(data) + ROOM, last=True)
    assert back.update(cipher, len(cipher), last=True) == data + AES_TEXT[:5]


def test_xts_takes_keys_of_24_bytes() -> None:
    key1, key2 = bytes(range(24)), bytes(range(1, 25))
    forth = one(n.ALG_AES_XTS, key1, key2)
    back = one(n.ALG_AES_XTS, key1, key2, encrypt=False)
    forth.init(IV)
    back.init(IV)
    assert (
        back.update(forth.update(AES_TEXT[:57], ROOM, last=True), ROOM, last=True) == AES_TEXT[:57]
    )


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(ALL), st.booleans(), st.integers(33, 400), st.data())
def test_a_stream_in_pieces_is_the_same_stream(
    algorithm: int, encrypt: bool, size: int, draw: st.DataObject
) -> None:
    block = block_of(algorithm)
    partial = algorithm in {n.ALG_AES_CTR, n.ALG_AES_CTS, *XTS}
    data = bytes(i * 7 & 0xFF for i in range(size if partial else size - size % block))
    # CTS and XTS want the last piece to have a whole block, and CTS more than that.
    tail = data[-33:] if partial else b""
    cut = 1 if algorithm == n.ALG_AES_CTR else block
    body = data[: len(data) - len(tail)]
    tail = body[len(body) - len(body) % cut :] + tail
    body = body[: len(body) - len(body) % cut]
    made = begun(algorithm, encrypt=encrypt)
    wanted = made.update(data, ROOM, last=True)
    made.init(iv_of(algorithm))
    got = b"".join(made.update(piece, ROOM) for piece in draw.draw(pieces(body, cut)))
    got += made.update(tail, ROOM, last=True)
    assert got == wanted
    again = begun(algorithm, encrypt=not encrypt)
    assert again.update(got, ROOM, last=True) == data


@pytest.mark.parametrize("algorithm", ALL, ids=hex)
def test_a_copied_stream_goes_its_own_way(algorithm: int) -> None:
    first, second = begun(algorithm), one(algorithm)
    wanted = begun(algorithm).update(AES_TEXT, ROOM)
    made = first.update(AES_TEXT[:32], ROOM)
    second.copy_from(first)
    assert made + first.update(AES_TEXT[32:48], ROOM) == wanted[:48]
    assert made + second.update(AES_TEXT[32:], ROOM) == wanted
    assert first.update(AES_TEXT[48:], ROOM) == wanted[48:]
    second.copy_from(one(algorithm))
    with refused(n.ERROR_BAD_STATE):
        second.update(AES_TEXT, ROOM)


@pytest.mark.parametrize("algorithm", ALL, ids=hex)
def test_there_is_no_stream_before_init_nor_after_the_last_piece(algorithm: int) -> None:
    made = one(algorithm)
    with refused(n.ERROR_BAD_STATE):
        made.update(AES_TEXT, ROOM)
    made.init(iv_of(algorithm))
    assert made.update(b"", 0, last=True) == b""
    with refused(n.ERROR_BAD_STATE):
        made.update(b"", 0)


@pytest.mark.parametrize("algorithm", ALL, ids=hex)
@pytest.mark.parametrize("last", [False, True])
def test_a_short_buffer_changes_no_stream(algorithm: int, last: bool) -> None:
    made = begun(algorithm)
    with pytest.raises(ShortBuffer) as caught:
        made.update(AES_TEXT, len(AES_TEXT) - 1, last=last)
    assert caught.value.needed == (len(AES_TEXT),)
    wanted = begun(algorithm).update(AES_TEXT, ROOM, last=last)
    assert made.update(AES_TEXT, len(AES_TEXT), last=last) == wanted


@pytest.mark.parametrize("algorithm", ALL, ids=hex)
def test_pieces_are_whole_blocks_but_where_the_mode_takes_others(algorithm: int) -> None:
    made = begun(algorithm)
    if algorithm == n.ALG_AES_CTR:
        assert len(made.update(bytes(5), ROOM) + made.update(bytes(6), ROOM, last=True)) == 11
        return
    with refused(n.ERROR_BAD_PARAMETERS):
        made.update(bytes(5), ROOM)
    if algorithm == n.ALG_AES_CTS or algorithm in XTS:
        code = n.ERROR_BAD_STATE  # less than a block: there is nothing to steal from
    elif algorithm == n.ALG_SM4_CTR:
        code = n.ERROR_NOT_SUPPORTED
    else:
        code = n.ERROR_BAD_PARAMETERS
    with refused(code):
        made.update(bytes(5), ROOM, last=True)


def test_cts_wants_more_than_a_block_at_the_end() -> None:
    made = begun(n.ALG_AES_CTS)
    made.update(bytes(16), ROOM)
    with refused(n.ERROR_BAD_STATE):
        made.update(bytes(16), ROOM, last=True)


@pytest.mark.parametrize("algorithm", ALL, ids=hex)
@pytest.mark.parametrize("size", [0, 7, 17])
def test_an_iv_has_the_size_of_a_block(algorithm: int, size: int) -> None:
    made = one(algorithm)
    if not algorithm & 0xF00:  # ECB: whatever is given
        made.init(bytes(size))
        return
    wanted = n.ERROR_BAD_STATE if algorithm == n.ALG_SM4_XTS else n.ERROR_BAD_PARAMETERS
    with refused(wanted):
        made.init(bytes(size))


@pytest.mark.parametrize("algorithm", ALL, ids=hex)
@pytest.mark.parametrize("mode", [n.MODE_SIGN, n.MODE_MAC, n.MODE_DIGEST, 0x7FFFFFFF])
def test_a_cipher_encrypts_or_decrypts(algorithm: int, mode: int) -> None:
    made = one(algorithm)
    made.mode = mode
    with refused(n.ERROR_BAD_PARAMETERS):
        made.init(iv_of(algorithm))


def test_xts_wants_two_keys_of_one_size() -> None:
    with refused(n.ERROR_BAD_PARAMETERS):
        state(n.ALG_AES_XTS, n.MODE_ENCRYPT, key(n.TYPE_AES, AES))
    with refused(n.ERROR_BAD_PARAMETERS):
        state(n.ALG_AES_CBC_NOPAD, n.MODE_ENCRYPT, key(n.TYPE_AES, AES), key(n.TYPE_AES, AES))
    with refused(n.ERROR_BAD_PARAMETERS):
        one(n.ALG_AES_XTS, AES, AES_256).init(IV)


@pytest.mark.parametrize("algorithm", [n.ALG_SM4_ECB_PKCS5, 0x10000F10], ids=hex)
def test_an_unknown_cipher_is_refused(algorithm: int) -> None:
    kind = n.TYPE_AES if algorithm & 0xFF == n.MAIN_ALGO_AES else n.TYPE_SM4
    with refused(n.ERROR_NOT_IMPLEMENTED if kind == n.TYPE_AES else n.ERROR_BAD_PARAMETERS):
        state(algorithm, n.MODE_ENCRYPT, key(kind, AES))
