# SPDX-License-Identifier: BSD-3-Clause
from hashlib import new

import pytest
from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto import libcrypto
from realmos_agent.tee.crypto.objects import TransientObject
from tee_keys import Content, attributes, fails, generated, key, public_of, state

# RFC 6979, A.2.1: DSA with 1024 bits, the message "sample".
DSA = {
    n.ATTR_DSA_PRIME: "86F5CA03DCFEB225063FF830A0C769B9DD9D6153AD91D7CE27F787C43278B447"
    "E6533B86B18BED6E8A48B784A14C252C5BE0DBF60B86D6385BD2F12FB763ED88"
    "73ABFD3F5BA2E0A8C0A59082EAC056935E529DAF7C610467899C77ADEDFC846C"
    "881870B7B19B2B58F9BE0521A17002E3BDD6B86685EE90B3D9A1B02B782B1779",
    n.ATTR_DSA_SUBPRIME: "996F967F6C8E388D9E28D01E205FBA957A5698B1",
    n.ATTR_DSA_BASE: "07B0F92546150B62514BB771E2A0C0CE387F03BDA6C56B505209FF25FD3C133D"
    "89BBCD97E904E09114D9A7DEFDEADFC9078EA544D2E401AEECC40BB9FBBF78FD"
    "87995A10A1C27CB7789B594BA7EFB5C4326A9FE59A070E136DB77175464ADCA4"
    "17BE5DCE2F40D10A46A3A3943F26AB7FD9C0398FF8C76EE0A56826A8A88F1DBD",
    n.ATTR_DSA_PRIVATE_VALUE: "411602CB19A6CCC34494D79D98EF1E7ED5AF25F7",
    n.ATTR_DSA_PUBLIC_VALUE: "5DF5E01DED31D0297E274E1691C192FE5868FEF9E19A84776454B100CF16F653"
    "92195A38B90523E2542EE61871C0440CB87C322FC4B4D2EC5E1E7EC766E1BE8D"
    "4CE935437DC11C3C8FD426338933EBFE739CB3465F4D3668C5E473508253B1E6"
    "82F65CBDC4FAE93C2EA212390E54905A86E2223170B44EAA7DA5DD9FFCFB7F3B",
}
DSA_SIGNATURES = {
    (n.ALG_DSA_SHA1, "sha1"): "2E1A0C2562B2912CAAF89186FB0F42001585DA55"
    "29EFB6B0AFF2D7A68EB70CA313022253B9A88DF5",
    (n.ALG_DSA_SHA256, "sha256"): "81F2F5850BE5BC123C43F71A3033E9384611C545"
    "4CDD914B65EB6C66A8AAAD27299BEE6B035F5E89",
}

# RFC 6979, A.2.3 and A.2.5: P-192 and P-256, the message "sample".
P192 = {
    n.ATTR_ECC_PRIVATE_VALUE: "6FAB034934E4C0FC9AE67F5B5659A9D7D1FEFD187EE09FD4",
    n.ATTR_ECC_PUBLIC_VALUE_X: "AC2C77F529F91689FEA0EA5EFEC7F210D8EEA0B9E047ED56",
    n.ATTR_ECC_PUBLIC_VALUE_Y: "3BC723E57670BD4887EBC732C523063D0A7C957BC97C1C43",
}
P192_SHA1 = (
    "98C6BD12B23EAF5E2A2045132086BE3EB8EBD62ABF6698FF"
    "57A22B07DEA9530F8DE9471B1DC6624472E8E2844BC25B64"
)
P256 = {
    n.ATTR_ECC_PRIVATE_VALUE: "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
    n.ATTR_ECC_PUBLIC_VALUE_X: "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
    n.ATTR_ECC_PUBLIC_VALUE_Y: "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
}
P256_SHA256 = (
    "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
    "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
)

# GM/T 0003.5-2012, A: signature of the digest that includes the signer's identity.
SM2 = {
    n.ATTR_ECC_PRIVATE_VALUE: "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8",
    n.ATTR_ECC_PUBLIC_VALUE_X: "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020",
    n.ATTR_ECC_PUBLIC_VALUE_Y: "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13",
}
SM2_DIGEST = "F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640"
SM2_SIGNATURE = (
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)

# RFC 8032, 7.1 test 2, 7.2 foo and 7.3.
ED25519 = (
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    ),
)
ED25519_CONTEXT = (
    "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
    "dfc9425e4f968f7f0c29f0259cf5f9aed6851c2bb4ad8bfb860cfee0ab248292",
    (
        "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a"
        "8b36950b95130022907a7fb7c4e9b2d5f6cca685a587b4b21f4b888e4e7edb0d"
    ),
)
ED25519_PREHASH = (
    "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
    "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    (
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
        "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
    ),
)


def digest(name: str, message: bytes = b"sample") -> bytes:
    return new(name, message).digest()


def signs_and_verifies(
    algorithm: int, pair: TransientObject, public_type: int, data: bytes
) -> bytes:
    signature = state(algorithm, n.MODE_SIGN, pair).operate((), data)
    verifier = state(algorithm, n.MODE_VERIFY, public_of(pair, public_type))
    verifier.verify((), data, signature)
    with fails(n.ERROR_SIGNATURE_INVALID):
        verifier.verify((), bytes([data[0] ^ 1]) + data[1:], signature)
    return signature


@pytest.mark.parametrize("which", list(DSA_SIGNATURES))
def test_dsa_verifies_the_signatures_of_rfc_6979(which: tuple[int, str]) -> None:
    algorithm, name = which
    pair = key(n.TYPE_DSA_KEYPAIR, 1024, DSA)
    expected = bytes.fromhex(DSA_SIGNATURES[which])
    # The digest of SHA-256 is cut to the subprime's 160 bits, by us or by the caller.
    for given in {digest(name), digest(name)[:20]}:
        state(algorithm, n.MODE_VERIFY, pair).verify((), given, expected)
    own = signs_and_verifies(algorithm, pair, n.TYPE_DSA_PUBLIC_KEY, digest(name)[:20])
    assert len(own) == 40


def test_dsa_refuses_digests_of_other_sizes() -> None:
    pair = key(n.TYPE_DSA_KEYPAIR, 1024, DSA)
    with fails(n.ERROR_SECURITY):
        state(n.ALG_DSA_SHA256, n.MODE_SIGN, pair).operate((), digest("sha256"))
    with fails(n.ERROR_BAD_PARAMETERS):
        state(n.ALG_DSA_SHA1, n.MODE_VERIFY, pair).verify((), digest("sha256"), bytes(40))


@pytest.mark.parametrize(
    ("bits", "values", "algorithm", "name", "expected"),
    [
        (192, P192, n.ALG_ECDSA_SHA1, "sha1", P192_SHA1),
        (256, P256, n.ALG_ECDSA_SHA256, "sha256", P256_SHA256),
    ],
)
def test_ecdsa_verifies_the_signatures_of_rfc_6979(
    bits: int, values: dict[int, str], algorithm: int, name: str, expected: str
) -> None:
    curve = n.ECC_CURVE_NIST_P192 if bits == 192 else n.ECC_CURVE_NIST_P256
    given: dict[int, Content] = {**values, n.ATTR_ECC_CURVE: (curve, 0)}
    pair = key(n.TYPE_ECDSA_KEYPAIR, bits, given)
    verifier = state(algorithm, n.MODE_VERIFY, pair)
    verifier.verify((), digest(name), bytes.fromhex(expected))
    signs_and_verifies(algorithm, pair, n.TYPE_ECDSA_PUBLIC_KEY, digest(name))
    with fails(n.ERROR_BAD_PARAMETERS):
        verifier.verify((), digest(name), bytes.fromhex(expected)[:-1])


@pytest.mark.parametrize("size", [1, 20, 33, 64])
def test_ecdsa_takes_digests_of_any_size(size: int) -> None:
    pair = generated(n.TYPE_ECDSA_KEYPAIR, 521, {n.ATTR_ECC_CURVE: (n.ECC_CURVE_NIST_P521, 0)})
    data = b"\x80" + bytes(size - 1)
    own = signs_and_verifies(n.ALG_ECDSA_SHA512, pair, n.TYPE_ECDSA_PUBLIC_KEY, data)
    assert len(own) == 2 * 66


def test_ecdsa_refuses_points_beside_the_curve() -> None:
    given: dict[int, Content] = {
        **P256,
        n.ATTR_ECC_PUBLIC_VALUE_Y: b"\1",
        n.ATTR_ECC_CURVE: (n.ECC_CURVE_NIST_P256, 0),
    }
    beside = state(n.ALG_ECDSA_SHA256, n.MODE_VERIFY, key(n.TYPE_ECDSA_KEYPAIR, 256, given))
    with fails(n.ERROR_BAD_PARAMETERS):
        beside.verify((), digest("sha256"), bytes.fromhex(P256_SHA256))


def test_sm2_verifies_the_signature_of_the_standard() -> None:
    pair = key(n.TYPE_SM2_DSA_KEYPAIR, 256, SM2)
    given, expected = bytes.fromhex(SM2_DIGEST), bytes.fromhex(SM2_SIGNATURE)
    state(n.ALG_SM2_DSA_SM3, n.MODE_VERIFY, pair).verify((), given, expected)
    signs_and_verifies(n.ALG_SM2_DSA_SM3, pair, n.TYPE_SM2_DSA_PUBLIC_KEY, given)


@pytest.mark.parametrize("mode", [n.MODE_SIGN, n.MODE_VERIFY])
def test_sm2_takes_no_message_for_a_digest(mode: int) -> None:
    pair = key(n.TYPE_SM2_DSA_KEYPAIR, 256, SM2)
    of = pair if mode == n.MODE_SIGN else public_of(pair, n.TYPE_SM2_DSA_PUBLIC_KEY)
    made = state(n.ALG_SM2_DSA_SM3, mode, of)
    with fails(n.ERROR_BAD_PARAMETERS):
        if mode == n.MODE_SIGN:
            made.operate((), bytes(65))
        else:
            made.verify((), bytes(65), bytes(64))


def ed25519(values: tuple[str, str, str]) -> TransientObject:
    names = (n.ATTR_ED25519_PRIVATE_VALUE, n.ATTR_ED25519_PUBLIC_VALUE)
    return key(n.TYPE_ED25519_KEYPAIR, 256, dict(zip(names, values, strict=False)))


def test_ed25519_makes_the_signature_of_rfc_8032() -> None:
    pair = ed25519(ED25519)
    own = signs_and_verifies(n.ALG_ED25519, pair, n.TYPE_ED25519_PUBLIC_KEY, b"\x72")
    assert own.hex() == ED25519[2]
    with fails(n.ERROR_BAD_PARAMETERS):
        state(n.ALG_ED25519, n.MODE_VERIFY, pair).verify((), b"\x72", own[:-1])


@pytest.mark.parametrize(
    ("values", "params", "message"),
    [
        (
            ED25519_CONTEXT,
            {n.ATTR_EDDSA_CTX: b"foo"},
            bytes.fromhex("f726936d19c800494e3fdaff20b276a8"),
        ),
        (ED25519_PREHASH, {n.ATTR_EDDSA_PREHASH: (1, 0)}, b"abc"),
    ],
)
def test_variants_of_ed25519_make_the_signatures_of_rfc_8032_or_are_not_supported(
    values: tuple[str, str, str], params: dict[int, Content], message: bytes
) -> None:
    pair, given = ed25519(values), attributes(params)
    signer = state(n.ALG_ED25519, n.MODE_SIGN, pair)
    verifier = state(n.ALG_ED25519, n.MODE_VERIFY, pair)
    if libcrypto.library().OpenSSL_version_num() < 0x30200000:
        with fails(n.ERROR_NOT_SUPPORTED):
            signer.operate(given, message)
        with fails(n.ERROR_NOT_SUPPORTED):
            verifier.verify(given, message, bytes(64))
        return
    assert signer.operate(given, message).hex() == values[2]
    verifier.verify(given, message, bytes.fromhex(values[2]))
    with fails(n.ERROR_SIGNATURE_INVALID):
        verifier.verify((), message, bytes.fromhex(values[2]))


@pytest.mark.parametrize(
    "params",
    [
        {n.ATTR_EDDSA_PREHASH: (2, 0)},
        {n.ATTR_EDDSA_PREHASH: (1, 1)},
        {n.ATTR_EDDSA_CTX: bytes(256)},
        {n.ATTR_RSA_OAEP_LABEL: b"x"},
    ],
)
def test_ed25519_refuses_other_parameters(params: dict[int, Content]) -> None:
    with fails(n.ERROR_BAD_PARAMETERS):
        state(n.ALG_ED25519, n.MODE_SIGN, ed25519(ED25519)).operate(attributes(params), b"m")


def test_operations_want_a_key_and_a_mode_that_fits() -> None:
    empty = TransientObject(n.TYPE_ECDSA_KEYPAIR, 256)
    with fails(n.ERROR_GENERIC):
        state(n.ALG_ECDSA_SHA256, n.MODE_SIGN, empty).operate((), b"d")
    with fails(n.ERROR_BAD_PARAMETERS):
        state(n.ALG_ECDSA_SHA256, n.MODE_VERIFY, empty).verify((), b"d", b"s")
    pair = ed25519(ED25519)
    with fails(n.ERROR_BAD_PARAMETERS):
        state(n.ALG_ED25519, n.MODE_VERIFY, pair).operate((), b"d")
    with fails(n.ERROR_BAD_PARAMETERS):
        state(n.ALG_ED25519, n.MODE_SIGN, pair).verify((), b"d", bytes(64))
