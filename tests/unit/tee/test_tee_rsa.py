# SPDX-License-Identifier: BSD-3-Clause
from functools import cache
from hashlib import new

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto.objects import TransientObject
from tee_keys import Content, attributes, fails, generated, key, public_of, state

# RFC 8017, 9.2: what stands before a digest of SHA-256.
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - OP-TEE has it
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
PSS = {
    "sha1": n.ALG_RSASSA_PKCS1_PSS_MGF1_SHA1,
    "sha224": n.ALG_RSASSA_PKCS1_PSS_MGF1_SHA224,
    "sha256": n.ALG_RSASSA_PKCS1_PSS_MGF1_SHA256,
    "sha384": n.ALG_RSASSA_PKCS1_PSS_MGF1_SHA384,
    "sha512": n.ALG_RSASSA_PKCS1_PSS_MGF1_SHA512,
}
PKCS1 = {
    "md5": n.ALG_RSASSA_PKCS1_V1_5_MD5,
    "sha1": n.ALG_RSASSA_PKCS1_V1_5_SHA1,
    "sha224": n.ALG_RSASSA_PKCS1_V1_5_SHA224,
    "sha256": n.ALG_RSASSA_PKCS1_V1_5_SHA256,
    "sha384": n.ALG_RSASSA_PKCS1_V1_5_SHA384,
    "sha512": n.ALG_RSASSA_PKCS1_V1_5_SHA512,
    "sha3_256": n.ALG_RSASSA_PKCS1_V1_5_SHA3_256,
}
OAEP = {
    "sha1": n.ALG_RSAES_PKCS1_OAEP_MGF1_SHA1,
    "sha224": n.ALG_RSAES_PKCS1_OAEP_MGF1_SHA224,
    "sha256": n.ALG_RSAES_PKCS1_OAEP_MGF1_SHA256,
    "sha384": n.ALG_RSAES_PKCS1_OAEP_MGF1_SHA384,
    "sha512": n.ALG_RSAES_PKCS1_OAEP_MGF1_SHA512,
}


@cache
def pair(bits: int = 2048) -> TransientObject:
    return generated(n.TYPE_RSA_KEYPAIR, bits)


def public() -> TransientObject:
    return public_of(pair(), n.TYPE_RSA_PUBLIC_KEY)


def reference() -> rsa.RSAPublicKey:
    of = pair()
    exponent, modulus = of.number(n.ATTR_RSA_PUBLIC_EXPONENT), of.number(n.ATTR_RSA_MODULUS)
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def digest(name: str) -> bytes:
    return new(name, b"message", usedforsecurity=False).digest()


def sign(algorithm: int, data: bytes, params: dict[int, Content] | None = None) -> bytes:
    return state(algorithm, n.MODE_SIGN, pair()).operate(attributes(params or {}), data)


def verify(
    algorithm: int, data: bytes, signature: bytes, params: dict[int, Content] | None = None
) -> None:
    of = state(algorithm, n.MODE_VERIFY, public())
    of.verify(attributes(params or {}), data, signature)


@pytest.mark.parametrize("bits", [256, 384, 512, 640, 1024, 2048])
def test_raw_rsa_is_a_power(bits: int) -> None:
    of = pair(bits)
    modulus, exponent = of.number(n.ATTR_RSA_MODULUS), of.number(n.ATTR_RSA_PUBLIC_EXPONENT)
    number = 0x1234_5678_9ABC
    encrypted = state(n.ALG_RSA_NOPAD, n.MODE_ENCRYPT, of).operate((), number.to_bytes(8, "big"))
    assert int.from_bytes(encrypted, "big") == pow(number, exponent, modulus)
    decrypted = state(n.ALG_RSA_NOPAD, n.MODE_DECRYPT, of).operate((), encrypted)
    assert decrypted == number.to_bytes(6, "big"), "without leading zeros"


def test_raw_rsa_of_zero_is_one_byte_and_of_too_large_a_number_refused() -> None:
    of = state(n.ALG_RSA_NOPAD, n.MODE_ENCRYPT, pair())
    assert of.operate((), b"") == b"\0"
    for large in (b"\xff" * 256, b"\1" + bytes(256)):
        with fails(n.ERROR_BAD_PARAMETERS):
            of.operate((), large)
    with fails(n.ERROR_GENERIC):
        state(n.ALG_RSA_NOPAD, n.MODE_SIGN, pair()).operate((), b"\1")


def test_key_without_the_chinese_remainder_does_too() -> None:
    names = (n.ATTR_RSA_MODULUS, n.ATTR_RSA_PUBLIC_EXPONENT, n.ATTR_RSA_PRIVATE_EXPONENT)
    bare = key(n.TYPE_RSA_KEYPAIR, 2048, {name: pair().buffer(name) for name in names})
    data = digest("sha256")
    algorithm = n.ALG_RSASSA_PKCS1_V1_5_SHA256
    assert state(algorithm, n.MODE_SIGN, bare).operate((), data) == sign(algorithm, data)


def test_signature_has_the_form_of_rfc_8017() -> None:
    signature = sign(n.ALG_RSASSA_PKCS1_V1_5_SHA256, digest("sha256"))
    of = pair()
    modulus, exponent = of.number(n.ATTR_RSA_MODULUS), of.number(n.ATTR_RSA_PUBLIC_EXPONENT)
    block = pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(256, "big")
    info = DIGEST_INFO + digest("sha256")
    assert block == b"\0\1" + b"\xff" * (256 - 3 - len(info)) + b"\0" + info
    # The same block, from the algorithm that leaves it to its caller what stands there.
    assert sign(n.ALG_RSASSA_PKCS1_V1_5, info) == signature
    verify(n.ALG_RSASSA_PKCS1_V1_5, info, signature)


@pytest.mark.parametrize("name", list(PKCS1))
def test_pkcs1_signs_and_verifies(name: str) -> None:
    algorithm, data = PKCS1[name], digest(name)
    signature = sign(algorithm, data)
    verify(algorithm, data, signature)
    with fails(n.ERROR_SIGNATURE_INVALID):
        verify(algorithm, data[::-1], signature)
    for wrong in (signature[1:], b"\0" + signature):
        with fails(n.ERROR_SIGNATURE_INVALID):
            verify(algorithm, data, wrong)
    for action in (sign, lambda algorithm, data: verify(algorithm, data, signature)):
        with fails(n.ERROR_BAD_PARAMETERS):
            action(algorithm, data[1:])


@pytest.mark.parametrize("name", list(PSS))
@pytest.mark.parametrize("salt", [None, 0, 11])
def test_pss_has_the_salt_that_is_asked_for(name: str, salt: int | None) -> None:
    params: dict[int, Content] = {}
    if salt is not None:
        params[n.ATTR_RSA_PSS_SALT_LENGTH] = (salt, 0)
    signature = sign(PSS[name], digest(name), params)
    hashed = HASHES[name]
    size = hashed.digest_size if salt is None else salt
    scheme = padding.PSS(padding.MGF1(hashed), size)
    reference().verify(signature, digest(name), scheme, utils.Prehashed(hashed))
    verify(PSS[name], digest(name), signature, params)
    with fails(n.ERROR_SIGNATURE_INVALID):
        verify(PSS[name], digest(name), signature, {n.ATTR_RSA_PSS_SALT_LENGTH: (size + 1, 0)})


def test_pss_refuses_a_salt_that_does_not_fit() -> None:
    params: dict[int, Content] = {n.ATTR_RSA_PSS_SALT_LENGTH: (250, 0)}
    with fails(n.ERROR_BAD_PARAMETERS):
        sign(n.ALG_RSASSA_PKCS1_PSS_MGF1_SHA256, digest("sha256"), params)


@pytest.mark.parametrize("name", list(OAEP))
@pytest.mark.parametrize("mask", [None, "sha1", "sha512"])
def test_oaep_takes_label_and_mask(name: str, mask: str | None) -> None:
    numbers = {"sha1": n.ALG_SHA1, "sha512": n.ALG_SHA512}
    params: dict[int, Content] = {n.ATTR_RSA_OAEP_LABEL: b"label"}
    if mask is not None:
        params[n.ATTR_RSA_OAEP_MGF_HASH] = numbers[mask].to_bytes(4, "little")
    scheme = padding.OAEP(padding.MGF1(HASHES[mask or name]), HASHES[name], b"label")
    decrypter = state(OAEP[name], n.MODE_DECRYPT, pair())
    theirs = reference().encrypt(b"plain", scheme)
    assert decrypter.operate(attributes(params), theirs) == b"plain"
    ours = state(OAEP[name], n.MODE_ENCRYPT, public()).operate(attributes(params), b"plain")
    assert decrypter.operate(attributes(params), ours) == b"plain"
    with fails(n.ERROR_BAD_PARAMETERS):
        decrypter.operate(attributes({**params, n.ATTR_RSA_OAEP_LABEL: b"other"}), ours)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\2\0\0", n.ERROR_BAD_PARAMETERS),
        (n.ALG_AES_CTR.to_bytes(4, "little"), n.ERROR_NOT_SUPPORTED),
    ],
)
def test_oaep_refuses_masks_that_are_no_hashes(content: bytes, code: int) -> None:
    params = attributes({n.ATTR_RSA_OAEP_MGF_HASH: content})
    with fails(code):
        state(OAEP["sha256"], n.MODE_ENCRYPT, public()).operate(params, b"plain")


def test_pkcs1_encrypts_and_tells_a_wrong_padding() -> None:
    encrypter = state(n.ALG_RSAES_PKCS1_V1_5, n.MODE_ENCRYPT, public())
    decrypter = state(n.ALG_RSAES_PKCS1_V1_5, n.MODE_DECRYPT, pair())
    assert decrypter.operate((), encrypter.operate((), b"plain")) == b"plain"
    with fails(n.ERROR_BAD_PARAMETERS):
        encrypter.operate((), bytes(246))
    raw = state(n.ALG_RSA_NOPAD, n.MODE_ENCRYPT, public()).operate((), b"\1").rjust(256, b"\0")
    with fails(n.ERROR_BAD_PARAMETERS):
        decrypter.operate((), raw)
    with fails(n.ERROR_BAD_PARAMETERS):
        state(n.ALG_RSAES_PKCS1_V1_5, n.MODE_SIGN, pair()).operate((), b"plain")


@pytest.mark.parametrize(
    "values",
    [
        {n.ATTR_RSA_MODULUS: bytes(64)},
        {n.ATTR_RSA_MODULUS: b"\xf0" * 64},
        {n.ATTR_RSA_PUBLIC_EXPONENT: b"\0"},
        {n.ATTR_RSA_PUBLIC_EXPONENT: b"\xff" * 65},
        {n.ATTR_RSA_PRIVATE_EXPONENT: b""},
        {n.ATTR_RSA_PRIVATE_EXPONENT: b"\xff" * 65},
    ],
)
def test_keys_that_are_none_are_refused(values: dict[int, bytes]) -> None:
    given: dict[int, Content] = {
        n.ATTR_RSA_MODULUS: b"\xf1" * 64,
        n.ATTR_RSA_PUBLIC_EXPONENT: b"\3",
        n.ATTR_RSA_PRIVATE_EXPONENT: b"\5",
    }
    odd = key(n.TYPE_RSA_KEYPAIR, 512, {**given, **values})
    for mode in (n.MODE_ENCRYPT, n.MODE_DECRYPT):
        if mode == n.MODE_DECRYPT or n.ATTR_RSA_PRIVATE_EXPONENT not in values:
            with fails(n.ERROR_BAD_PARAMETERS):
                state(n.ALG_RSA_NOPAD, mode, odd).operate((), b"\2")
