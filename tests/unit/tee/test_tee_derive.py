# SPDX-License-Identifier: BSD-3-Clause
import pytest
from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto import asymmetric
from realmos_agent.tee.crypto.derive import DeriveState
from realmos_agent.tee.crypto.objects import TransientObject
from tee_keys import Content, attributes, derived, fails, generated, key

# RFC 5869, A.1.
HKDF: dict[int, Content] = {
    n.ATTR_HKDF_SALT_OPTEE: bytes(range(13)),
    n.ATTR_HKDF_INFO_OPTEE: bytes(range(0xF0, 0xFA)),
    n.ATTR_HKDF_OKM_LENGTH: (42, 0),
}
HKDF_KEY = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
# RFC 7518, C.
CONCAT_Z = "9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4"
CONCAT_INFO = b"\0\0\0\7A128GCM\0\0\0\5Alice\0\0\0\3Bob\0\0\0\x80"
CONCAT_KEY = "56aa8deaf8236d205c2228cd71a7101a"
# RFC 6070, the second.
PBKDF2: dict[int, Content] = {
    n.ATTR_PBKDF2_SALT: b"salt",
    n.ATTR_PBKDF2_ITERATION_COUNT: (2, 0),
    n.ATTR_PBKDF2_DKM_LENGTH: (20, 0),
}
PBKDF2_KEY = "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"
# RFC 7748, 6.1 and 6.2.
X25519 = {
    n.ATTR_X25519_PRIVATE_VALUE: "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
    n.ATTR_X25519_PUBLIC_VALUE: "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
}
X25519_PEER = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
X25519_KEY = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
# RFC 3526, 2: a prime of 1536 bits.
DH_PRIME = (
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"
    "9ED529077096966D670C354E4ABC9804F1746C08CA237327FFFFFFFFFFFFFFFF"
)
# GM/T 0003.5-2012, B: key exchange.
SM2_A: dict[int, Content] = {
    n.ATTR_ECC_PRIVATE_VALUE: "81EB26E941BB5AF16DF116495F90695272AE2CD63D6C4AE1678418BE48230029",
    n.ATTR_ECC_PUBLIC_VALUE_X: "160E12897DF4EDB61DD812FEB96748FBD3CCF4FFE26AA6F6DB9540AF49C94232",
    n.ATTR_ECC_PUBLIC_VALUE_Y: "4A7DAD08BB9A459531694BEB20AA489D6649975E1BFCF8C4741B78B4B223007F",
}
SM2_A_EPHEMERAL: dict[int, Content] = {
    n.ATTR_ECC_PRIVATE_VALUE: "D4DE15474DB74D06491C440D305E012400990F3E390C7E87153C12DB2EA60BB3",
    n.ATTR_ECC_PUBLIC_VALUE_X: "64CED1BDBC99D590049B434D0FD73428CF608A5DB8FE5CE07F15026940BAE40E",
    n.ATTR_ECC_PUBLIC_VALUE_Y: "376629C7AB21E7DB260922499DDB118F07CE8EAAE3E7720AFEF6A5CC062070C0",
}
SM2_B: dict[int, Content] = {
    n.ATTR_ECC_PRIVATE_VALUE: "785129917D45A9EA5437A59356B82338EAADDA6CEB199088F14AE10DEFA229B5",
    n.ATTR_ECC_PUBLIC_VALUE_X: "6AE848C57C53C7B1B5FA99EB2286AF078BA64C64591B8B566F7357D576F16DFB",
    n.ATTR_ECC_PUBLIC_VALUE_Y: "EE489D771621A27B36C5C7992062E9CD09A9264386F3FBEA54DFF69305621C4D",
}
SM2_B_EPHEMERAL: dict[int, Content] = {
    n.ATTR_ECC_PRIVATE_VALUE: "7E07124814B309489125EAED101113164EBF0F3458C5BD88335C1F9D596243D6",
    n.ATTR_ECC_PUBLIC_VALUE_X: "ACC27688A6F7B706098BC91FF3AD1BFF7DC2802CDB14CCCCDB0A90471F9BD707",
    n.ATTR_ECC_PUBLIC_VALUE_Y: "2FEDAC0494B2FFC4D6853876C79B8F301C6573AD0AA50F39FC87181E1A1B46FE",
}
SM2_ID = b"1234567812345678"
SM2_KEY = "6C89347354DE2484C60B4AB1FDE4C6E5"
SM2_CONFIRMATION_B = "D3A0FE15DEE185CEAE907A6B595CC32A266ED7B3367E9983A896DC32FA20F8EB"
SM2_CONFIRMATION_A = "18C7894B3816DF16CF07B05C5EC0BEF5D655D58F779CC1B400A4F3884644DB88"


def ikm() -> TransientObject:
    return key(n.TYPE_HKDF_IKM, 176, {n.ATTR_HKDF_IKM: b"\x0b" * 22})


def test_hkdf_gives_the_key_of_rfc_5869() -> None:
    assert derived(n.ALG_HKDF_SHA256_DERIVE_KEY, ikm(), HKDF).hex() == HKDF_KEY


def test_globalplatforms_hkdf_gives_the_key_of_rfc_5869() -> None:
    params = {
        n.ATTR_HKDF_SALT: HKDF[n.ATTR_HKDF_SALT_OPTEE],
        n.ATTR_HKDF_INFO: HKDF[n.ATTR_HKDF_INFO_OPTEE],
        n.ATTR_HKDF_HASH_ALGORITHM: (n.ALG_SHA256, 0),
        n.ATTR_KDF_KEY_SIZE: (42, 0),
    }
    assert derived(n.ALG_HKDF, ikm(), params).hex() == HKDF_KEY
    # OP-TEE's algorithm with GlobalPlatform's parameters, as xtest 8001 has it.
    del params[n.ATTR_HKDF_HASH_ALGORITHM]
    assert derived(n.ALG_HKDF_SHA256_DERIVE_KEY, ikm(), params).hex() == HKDF_KEY


@pytest.mark.parametrize(
    "params",
    [
        {n.ATTR_HKDF_SALT_OPTEE: b"s"},
        {n.ATTR_HKDF_OKM_LENGTH: (513, 0)},
        {n.ATTR_HKDF_OKM_LENGTH: (42, 0), n.ATTR_PBKDF2_SALT: b"s"},
    ],
)
def test_hkdf_refuses(params: dict[int, Content]) -> None:
    with fails(n.ERROR_BAD_PARAMETERS):
        derived(n.ALG_HKDF_SHA256_DERIVE_KEY, ikm(), params)


def test_hkdf_gives_at_most_what_its_hash_allows() -> None:
    of = key(n.TYPE_HKDF_IKM, 176, {n.ATTR_HKDF_IKM: b"\x0b" * 22})
    with fails(n.ERROR_BAD_PARAMETERS):
        derived(n.ALG_HKDF_MD5_DERIVE_KEY, of, {n.ATTR_HKDF_OKM_LENGTH: (255 * 16 + 1, 0)})


def test_concat_kdf_gives_the_key_of_rfc_7518() -> None:
    of = key(n.TYPE_CONCAT_KDF_Z, 256, {n.ATTR_CONCAT_KDF_Z: CONCAT_Z})
    params: dict[int, Content] = {
        n.ATTR_CONCAT_KDF_OTHER_INFO: CONCAT_INFO,
        n.ATTR_CONCAT_KDF_DKM_LENGTH: (16, 0),
    }
    assert derived(n.ALG_CONCAT_KDF_SHA256_DERIVE_KEY, of, params).hex() == CONCAT_KEY
    del params[n.ATTR_CONCAT_KDF_DKM_LENGTH]
    with fails(n.ERROR_BAD_PARAMETERS):
        derived(n.ALG_CONCAT_KDF_SHA256_DERIVE_KEY, of, params)


def test_pbkdf2_gives_the_key_of_rfc_6070() -> None:
    of = key(n.TYPE_PBKDF2_PASSWORD, 64, {n.ATTR_PBKDF2_PASSWORD: b"password"})
    assert derived(n.ALG_PBKDF2_HMAC_SHA1_DERIVE_KEY, of, PBKDF2).hex() == PBKDF2_KEY
    with fails(n.ERROR_BAD_PARAMETERS):
        none = {**PBKDF2, n.ATTR_PBKDF2_ITERATION_COUNT: (0, 0)}
        derived(n.ALG_PBKDF2_HMAC_SHA1_DERIVE_KEY, of, none)


@pytest.mark.parametrize(("count", "size"), [((1 << 31) - 1, 20), ((1 << 23) + 1, 40)])
def test_pbkdf2_ends_before_long(count: int, size: int) -> None:
    of = key(n.TYPE_PBKDF2_PASSWORD, 64, {n.ATTR_PBKDF2_PASSWORD: b"password"})
    many = PBKDF2 | {
        n.ATTR_PBKDF2_ITERATION_COUNT: (count, 0),
        n.ATTR_PBKDF2_DKM_LENGTH: (size, 0),
    }
    with fails(n.ERROR_NOT_SUPPORTED):
        derived(n.ALG_PBKDF2_HMAC_SHA1_DERIVE_KEY, of, many)


def test_x25519_gives_the_key_of_rfc_7748() -> None:
    of = key(n.TYPE_X25519_KEYPAIR, 256, X25519)
    params = {n.ATTR_X25519_PUBLIC_VALUE: X25519_PEER}
    # Trusted Applications count the room for it in bytes, as OP-TEE lets them.
    assert derived(n.ALG_X25519, of, params, room=32).hex() == X25519_KEY
    for wrong in ({n.ATTR_X25519_PUBLIC_VALUE: bytes(32)}, {n.ATTR_X25519_PUBLIC_VALUE: b"x"}, {}):
        with fails(n.ERROR_BAD_PARAMETERS):
            derived(n.ALG_X25519, of, wrong)


def test_x448_gives_both_sides_one_key() -> None:
    sides = [generated(n.TYPE_X448_KEYPAIR, 448) for _ in range(2)]
    keys = [
        derived(n.ALG_X448, own, {n.ATTR_X448_PUBLIC_VALUE: peer.buffer(n.ATTR_X448_PUBLIC_VALUE)})
        for own, peer in (sides, sides[::-1])
    ]
    assert keys[0] == keys[1]
    assert len(keys[0]) == 56


@pytest.mark.parametrize(
    ("curve", "bits"),
    [
        (n.ECC_CURVE_NIST_P192, 192),
        (n.ECC_CURVE_NIST_P224, 224),
        (n.ECC_CURVE_NIST_P256, 256),
        (n.ECC_CURVE_NIST_P384, 384),
        (n.ECC_CURVE_NIST_P521, 521),
    ],
)
def test_ecdh_gives_both_sides_one_key(curve: int, bits: int) -> None:
    sides = [generated(n.TYPE_ECDH_KEYPAIR, bits, {n.ATTR_ECC_CURVE: (curve, 0)}) for _ in "ab"]
    names = (n.ATTR_ECC_PUBLIC_VALUE_X, n.ATTR_ECC_PUBLIC_VALUE_Y)
    keys = [
        derived(n.ALG_ECDH_DERIVE_SHARED_SECRET, own, {name: peer.buffer(name) for name in names})
        for own, peer in (sides, sides[::-1])
    ]
    assert keys[0] == keys[1]
    assert len(keys[0]) == (bits + 7) // 8
    with fails(n.ERROR_BAD_PARAMETERS):
        derived(n.ALG_ECDH_DERIVE_SHARED_SECRET, sides[0], dict.fromkeys(names, b"\1"))


def test_dh_gives_both_sides_one_key() -> None:
    group: dict[int, Content] = {n.ATTR_DH_PRIME: DH_PRIME, n.ATTR_DH_BASE: b"\2"}
    sides = [generated(n.TYPE_DH_KEYPAIR, 1536, group) for _ in range(2)]
    public = [side.buffer(n.ATTR_DH_PUBLIC_VALUE) for side in sides]
    keys = [
        derived(n.ALG_DH_DERIVE_SHARED_SECRET, own, {n.ATTR_DH_PUBLIC_VALUE: peer})
        for own, peer in zip(sides, public[::-1], strict=True)
    ]
    prime, secret = int(DH_PRIME, 16), sides[0].number(n.ATTR_DH_PRIVATE_VALUE)
    expected = pow(int.from_bytes(public[1], "big"), secret, prime)
    assert keys[0] == keys[1] == expected.to_bytes((expected.bit_length() + 7) // 8, "big")
    for nothing in (b"", b"\1", bytes.fromhex(DH_PRIME)):
        with fails(n.ERROR_BAD_PARAMETERS):
            derived(n.ALG_DH_DERIVE_SHARED_SECRET, sides[0], {n.ATTR_DH_PUBLIC_VALUE: nothing})


def exchange(*, initiator: bool, confirmation: str, room: int = 16) -> tuple[bytes, list[bytes]]:
    """Return one side's key of the standard's example, and what its parameters are to hold."""
    own, ephemeral = (SM2_A, SM2_A_EPHEMERAL) if initiator else (SM2_B, SM2_B_EPHEMERAL)
    peer, peer_ephemeral = (SM2_B, SM2_B_EPHEMERAL) if initiator else (SM2_A, SM2_A_EPHEMERAL)
    keys = [key(n.TYPE_SM2_KEP_KEYPAIR, 256, values) for values in (own, ephemeral)]
    made = asymmetric.make(n.ALG_SM2_KEP, n.MODE_DERIVE, *keys)
    assert isinstance(made, DeriveState)
    params: dict[int, Content] = {
        n.ATTR_SM2_KEP_USER: (0 if initiator else 1, 0),
        n.ATTR_ECC_PUBLIC_VALUE_X: peer[n.ATTR_ECC_PUBLIC_VALUE_X],
        n.ATTR_ECC_PUBLIC_VALUE_Y: peer[n.ATTR_ECC_PUBLIC_VALUE_Y],
        n.ATTR_ECC_EPHEMERAL_PUBLIC_VALUE_X: peer_ephemeral[n.ATTR_ECC_PUBLIC_VALUE_X],
        n.ATTR_SM2_KEP_ECC_EPHEMERAL_PUBLIC_VALUE_Y_OPTEE: peer_ephemeral[
            n.ATTR_ECC_PUBLIC_VALUE_Y
        ],
        n.ATTR_SM2_ID_INITIATOR: SM2_ID,
        n.ATTR_SM2_ID_RESPONDER: SM2_ID,
        n.ATTR_SM2_KEP_CONFIRMATION_IN: confirmation,
        n.ATTR_SM2_KEP_CONFIRMATION_OUT: bytes(32),
    }
    target = TransientObject(n.TYPE_GENERIC_SECRET, room)
    written = made.derive(attributes(params), target)
    return target.secret(), written


def test_sm2_exchanges_the_key_of_the_standard() -> None:
    secret, written = exchange(initiator=True, confirmation=SM2_CONFIRMATION_B)
    assert secret.hex().upper() == SM2_KEY
    assert written == [b""] * 8 + [bytes.fromhex(SM2_CONFIRMATION_A)]
    secret, written = exchange(initiator=False, confirmation=SM2_CONFIRMATION_A)
    assert secret.hex().upper() == SM2_KEY
    assert written[-1].hex().upper() == SM2_CONFIRMATION_B


def test_sm2_refuses_a_wrong_confirmation_and_too_large_a_key() -> None:
    with fails(n.ERROR_BAD_STATE):
        exchange(initiator=True, confirmation=SM2_CONFIRMATION_A)
    with fails(n.ERROR_BAD_PARAMETERS):
        exchange(initiator=True, confirmation="00")
    with fails(n.ERROR_BAD_PARAMETERS):
        exchange(initiator=True, confirmation=SM2_CONFIRMATION_B, room=520)


def test_derivation_wants_all_parameters_and_an_object_for_a_secret() -> None:
    pair = key(n.TYPE_SM2_KEP_KEYPAIR, 256, SM2_A)
    with fails(n.ERROR_BAD_PARAMETERS):
        derived(n.ALG_SM2_KEP, pair, {n.ATTR_SM2_KEP_USER: (0, 0)}, ephemeral=pair)
    made = asymmetric.make(n.ALG_HKDF_SHA256_DERIVE_KEY, n.MODE_DERIVE, ikm(), None)
    assert isinstance(made, DeriveState)
    for target in (
        TransientObject(n.TYPE_RSA_KEYPAIR, 512),
        TransientObject(n.TYPE_AES, 128),
    ):
        with fails(n.ERROR_BAD_PARAMETERS):
            made.derive(attributes(HKDF), target)
    target = TransientObject(n.TYPE_AES, 128)
    made.derive(attributes({n.ATTR_HKDF_OKM_LENGTH: (16, 0)}), target)
    assert len(target.secret()) == 16
