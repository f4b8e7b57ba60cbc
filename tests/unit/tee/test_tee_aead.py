# SPDX-License-Identifier: BSD-3-Clause
"""AES-GCM and AES-CCM: standards' vectors, messages in pieces, and what is refused."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto.aead import AeadState
from realmos_agent.tee.errors import ShortBuffer
from tee_states import ROOM, key, pieces, refused, state

KEY = bytes.fromhex("feffe9928665731c6d6a8f9467308308")
BOTH = [n.ALG_AES_GCM, n.ALG_AES_CCM]
TEXT = bytes(range(100))
AAD = bytes(range(50, 70))
NONCE = bytes(12)


def one(algorithm: int, secret: bytes = KEY, *, encrypt: bool = True) -> AeadState:
    mode = n.MODE_ENCRYPT if encrypt else n.MODE_DECRYPT
    made = state(algorithm, mode, key(n.TYPE_AES, secret))
    assert isinstance(made, AeadState)
    return made


def begun(algorithm: int, *, encrypt: bool = True, tag: int = 16) -> AeadState:
    made = one(algorithm, encrypt=encrypt)
    made.init(NONCE, tag, len(AAD), len(TEXT))
    made.update_aad(AAD)
    return made


def sealed(algorithm: int) -> tuple[bytes, bytes]:
    return begun(algorithm).enc_final(TEXT, ROOM, 16)


def both_ways(
    algorithm: int, secret: str, nonce: str, *, aad: bytes, text: bytes, cipher: str, tag: str
) -> None:
    forth = one(algorithm, bytes.fromhex(secret))
    wanted = bytes.fromhex(cipher), bytes.fromhex(tag)
    forth.init(bytes.fromhex(nonce), len(wanted[1]), len(aad), len(text))
    forth.update_aad(aad)
    assert forth.enc_final(text, ROOM, 16) == wanted
    back = one(algorithm, bytes.fromhex(secret), encrypt=False)
    back.init(bytes.fromhex(nonce), len(wanted[1]), len(aad), len(text))
    back.update_aad(aad)
    assert back.dec_final(wanted[0], ROOM, wanted[1]) == text


@pytest.mark.parametrize(
    ("nonce", "cipher", "tag"),
    [
        (
            "cafebabefacedbaddecaf888",
            (
                "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
            ),
            "5bc94fbc3221a5db94fae95ae7121a47",
        ),
        (
            "cafebabefacedbad",
            (
                "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c7423"
                "73806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598"
            ),
            "3612d2e79e3b0785561be14aaca2fccb",
        ),
    ],
)
def test_gcm_is_that_of_its_specification(nonce: str, cipher: str, tag: str) -> None:
    text = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    aad = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    both_ways(n.ALG_AES_GCM, KEY.hex(), nonce, aad=aad, text=text, cipher=cipher, tag=tag)


def test_ccm_is_that_of_rfc_3610() -> None:
    both_ways(
        n.ALG_AES_CCM, "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf", "00000003020100a0a1a2a3a4a5",
        aad=bytes(range(8)), text=bytes(range(8, 0x1F)),
        cipher="588c979a61c663d2f066d0c2c0f989806d5f6b61dac384", tag="17e8d12cfdf926e0",
    )  # fmt: skip


def test_ccm_with_much_aad_is_that_of_sp_800_38c() -> None:
    both_ways(
        n.ALG_AES_CCM, bytes(range(0x40, 0x50)).hex(), bytes(range(0x10, 0x1D)).hex(),
        aad=bytes(range(256)) * 256, text=bytes(range(0x20, 0x40)),
        cipher="69915dad1e84c6376a68c2967e4dab615ae0fd1faec44cc484828529463ccf72",
        tag="b4ac6bec93e8598e7f0dadbcea5b",
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(BOTH), st.sampled_from([16, 24, 32]),
    st.binary(max_size=80), st.binary(max_size=80), st.data(),
)  # fmt: skip
def test_a_message_in_pieces_is_cryptography_s(
    algorithm: int, size: int, aad: bytes, text: bytes, draw: st.DataObject
) -> None:
    secret, nonce = bytes(range(size)), bytes(range(draw.draw(st.integers(8, 13))))
    theirs = (AESGCM(secret) if algorithm == n.ALG_AES_GCM else AESCCM(secret, 16)).encrypt(
        nonce, text, aad
    )
    forth, back = one(algorithm, secret), one(algorithm, secret, encrypt=False)
    forth.init(nonce, 16, len(aad), len(text))
    back.init(nonce, 16, len(aad), len(text))
    for piece in draw.draw(pieces(aad)):
        forth.update_aad(piece)
    for piece in draw.draw(pieces(aad)):
        back.update_aad(piece)
    *first, last = draw.draw(pieces(text))
    made = b"".join(forth.update(piece, ROOM) for piece in first)
    end, tag = forth.enc_final(last, ROOM, ROOM)
    assert made + end + tag == theirs
    *first, last = draw.draw(pieces(theirs[:-16]))
    out = b"".join(back.update(piece, ROOM) for piece in first)
    assert out == text[: len(out)]  # before the tag was seen
    assert out + back.dec_final(last, ROOM, tag) == text


@pytest.mark.parametrize("algorithm", BOTH, ids=hex)
@pytest.mark.parametrize("what", ["tag", "text", "aad", "short tag", "no tag"])
def test_what_was_changed_is_refused(algorithm: int, what: str) -> None:
    cipher, tag = sealed(algorithm)
    made = one(algorithm, encrypt=False)
    made.init(NONCE, 16, len(AAD), len(TEXT))
    made.update_aad(AAD[:-1] + b"x" if what == "aad" else AAD)
    if what == "text":
        cipher = b"x" + cipher[1:]
    tag = {"tag": b"x" + tag[1:], "short tag": tag[:12], "no tag": b""}.get(what, tag)
    assert len(made.update(cipher[:50], ROOM)) == 50
    with refused(n.ERROR_MAC_INVALID):
        made.dec_final(cipher[50:], ROOM, tag)


@pytest.mark.parametrize("algorithm", BOTH, ids=hex)
def test_a_copied_message_goes_its_own_way(algorithm: int) -> None:
    wanted = sealed(algorithm)
    first, second = begun(algorithm), one(algorithm)
    made = first.update(TEXT[:33], ROOM)
    second.copy_from(first)
    for each in (first, second):
        middle = each.update(TEXT[33:60], ROOM)
        end, tag = each.enc_final(TEXT[60:], ROOM, 16)
        assert (made + middle + end, tag) == wanted
    second.copy_from(one(algorithm))
    with refused(n.ERROR_BAD_STATE):
        second.update(TEXT, ROOM)


@pytest.mark.parametrize("algorithm", BOTH, ids=hex)
def test_there_is_no_message_before_init_nor_after_its_end(algorithm: int) -> None:
    made = one(algorithm)
    for _ in range(2):
        with refused(n.ERROR_BAD_STATE):
            made.update_aad(AAD)
        with refused(n.ERROR_BAD_STATE):
            made.update(TEXT, ROOM)
        with refused(n.ERROR_BAD_STATE):
            made.enc_final(TEXT, ROOM, 16)
        made.init(NONCE, 16, len(AAD), len(TEXT))
        made.update_aad(AAD)
        made.enc_final(TEXT, ROOM, 16)


@pytest.mark.parametrize("algorithm", BOTH, ids=hex)
def test_short_buffers_change_no_message(algorithm: int) -> None:
    made = begun(algorithm)
    for room, tag_room, needed in ((99, 16, (100, None)), (100, 15, (None, 16)), (0, 0, (100, 16))):
        with pytest.raises(ShortBuffer) as caught:
            made.enc_final(TEXT, room, tag_room)
        assert caught.value.needed == needed
    with pytest.raises(ShortBuffer) as caught:
        made.update(TEXT, 99)
    assert caught.value.needed == (100,)
    cipher, tag = made.enc_final(TEXT, 100, 16)
    assert (cipher, tag) == sealed(algorithm)
    back = begun(algorithm, encrypt=False)
    with pytest.raises(ShortBuffer):
        back.dec_final(cipher, 99, tag)
    assert back.dec_final(cipher, 100, tag) == TEXT


@pytest.mark.parametrize("algorithm", BOTH, ids=hex)
def test_the_end_must_be_that_of_the_mode(algorithm: int) -> None:
    with refused(n.ERROR_BAD_PARAMETERS):
        begun(algorithm).dec_final(TEXT, ROOM, bytes(16))
    with refused(n.ERROR_BAD_PARAMETERS):
        begun(algorithm, encrypt=False).enc_final(TEXT, ROOM, 16)
    other = one(algorithm)
    other.mode = n.MODE_MAC
    with refused(n.ERROR_BAD_PARAMETERS):
        other.init(NONCE, 16, 0, 0)


def test_no_aad_in_the_midst_of_a_ccm_message_changes_nothing() -> None:
    made = begun(n.ALG_AES_CCM)
    first = made.update(TEXT[:5], ROOM)
    made.update_aad(b"")
    text, tag = made.enc_final(TEXT[5:], ROOM, 16)
    assert (first + text, tag) == sealed(n.ALG_AES_CCM)


def test_ccm_holds_a_message_to_its_sizes() -> None:
    made = one(n.ALG_AES_CCM)
    made.init(NONCE, 16, 4, 4)
    with refused(n.ERROR_BAD_STATE):
        made.update(b"", ROOM)  # the AAD is missing
    with refused(n.ERROR_BAD_STATE):
        made.update_aad(bytes(5))
    made.update_aad(bytes(4))
    with refused(n.ERROR_BAD_STATE):
        made.update(bytes(5), ROOM)
    made.update(bytes(3), ROOM)
    with refused(n.ERROR_BAD_STATE):
        made.enc_final(b"", ROOM, 16)


@pytest.mark.parametrize(
    ("nonce", "tag", "aad", "size", "code"),
    [
        (14, 16, 0, 0, n.ERROR_BAD_PARAMETERS),
        (6, 16, 0, 0, n.ERROR_BAD_STATE),
        (12, 2, 0, 0, n.ERROR_NOT_SUPPORTED),
        (12, 13, 0, 0, n.ERROR_NOT_SUPPORTED),
        (12, 18, 0, 0, n.ERROR_NOT_SUPPORTED),
        (12, 16, 1 << 63, 0, n.ERROR_BAD_STATE),
        (12, 16, 0, 1 << 63, n.ERROR_BAD_STATE),
        (13, 16, 0, 1 << 16, n.ERROR_NOT_SUPPORTED),
        (12, 16, 0, 1 << 24, n.ERROR_NOT_SUPPORTED),
    ],
)
def test_ccm_refuses_sizes(nonce: int, tag: int, aad: int, size: int, code: int) -> None:
    with refused(code):
        one(n.ALG_AES_CCM).init(bytes(nonce), tag, aad, size)


def test_ccm_keeps_its_nonce_in_the_longest_message_that_it_has() -> None:
    text = bytes((1 << 16) - 1)
    made = one(n.ALG_AES_CCM)
    made.init(bytes(13), 16, 0, len(text))
    assert b"".join(made.enc_final(text, ROOM, 16)) == AESCCM(KEY, 16).encrypt(bytes(13), text, b"")


@pytest.mark.parametrize(
    ("nonce", "tag", "code"),
    [
        (12, 17, n.ERROR_BAD_PARAMETERS),
        (12, 0, n.ERROR_NOT_SUPPORTED),
        (12, 3, n.ERROR_NOT_SUPPORTED),
        (0, 16, n.ERROR_NOT_SUPPORTED),
        (129, 16, n.ERROR_NOT_SUPPORTED),
    ],
)
def test_gcm_refuses_sizes(nonce: int, tag: int, code: int) -> None:
    with refused(code):
        one(n.ALG_AES_GCM).init(bytes(nonce), tag, 0, 0)


@pytest.mark.parametrize("tag", [4, 12, 13, 14, 15, 16])
def test_gcm_cuts_its_tag(tag: int) -> None:
    cipher, made = begun(n.ALG_AES_GCM, tag=tag).enc_final(TEXT, ROOM, tag)
    assert made == sealed(n.ALG_AES_GCM)[1][:tag]
    assert begun(n.ALG_AES_GCM, encrypt=False, tag=tag).dec_final(cipher, ROOM, made) == TEXT


def test_gcm_takes_aad_before_the_message_only() -> None:
    made = begun(n.ALG_AES_GCM)
    made.update(b"", ROOM)
    made.update_aad(b"")
    made.update(b"x", ROOM)
    with refused(n.ERROR_BAD_PARAMETERS):
        made.update_aad(b"more")


def test_an_unknown_aead_is_not_implemented() -> None:
    with refused(n.ERROR_NOT_IMPLEMENTED):
        state(0x40000910, n.MODE_ENCRYPT, key(n.TYPE_AES, KEY))
