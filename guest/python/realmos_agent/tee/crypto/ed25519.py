# SPDX-License-Identifier: BSD-3-Clause
"""Ed25519, with a context and prehashed too; results are OP-TEE's.

Cryptography has the plain algorithm. The other two take libcrypto 3.2 or later: with an earlier
one they are not supported.
"""

from typing import Any

from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto import pkey
from realmos_agent.tee.crypto.libcrypto import check, ffi, library
from realmos_agent.tee.crypto.objects import Attributes, TransientObject
from realmos_agent.tee.errors import TeeError

__all__ = ["sign", "verify"]

_CONTEXT_MAX = 255
_SIGNATURE_SIZE = 64
_WITH_INSTANCES = 0x30200000
"""The version of OpenSSL, as OpenSSL_version_num tells it, that has ctx and ph."""


def sign(key: TransientObject, params: Attributes, message: bytes) -> bytes:
    """Return a signature.

    Raises:
        TeeError: BAD_PARAMETERS: the parameters are not those of Ed25519; NOT_SUPPORTED: the
            machine's libcrypto has no such variant.
    """
    secret = key.buffer(n.ATTR_ED25519_PRIVATE_VALUE)
    how = _variant(params)
    if how:
        return _sign_variant(secret, how, message)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(secret).sign(message)


def verify(key: TransientObject, params: Attributes, message: bytes, signature: bytes) -> None:
    """Check a signature.

    Raises:
        TeeError: SIGNATURE_INVALID: it is not one; BAD_PARAMETERS, NOT_SUPPORTED: as `sign`.
    """
    public = key.buffer(n.ATTR_ED25519_PUBLIC_VALUE)
    how = _variant(params)
    if len(signature) != _SIGNATURE_SIZE:
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    valid = _verify_variant if how else _verify_plain
    if not valid(public, how, message, signature):
        raise TeeError(n.ERROR_SIGNATURE_INVALID)


def _verify_plain(public: bytes, _how: pkey.Numbers, message: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _variant(params: Attributes) -> pkey.Numbers:
    """Return libcrypto's parameters of what an operation's parameters ask for; none if plain."""
    prehash = False
    context = b""
    for attribute_id, content in params:
        if attribute_id == n.ATTR_EDDSA_PREHASH and isinstance(content, tuple):
            a, b = content
            if b or a not in {0, 1}:
                raise TeeError(n.ERROR_BAD_PARAMETERS)
            prehash = a == 1
        elif attribute_id == n.ATTR_EDDSA_CTX and isinstance(content, bytes):
            if context or len(content) > _CONTEXT_MAX:
                raise TeeError(n.ERROR_BAD_PARAMETERS)
            context = content
        else:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
    how: pkey.Numbers = {}
    if prehash or context:
        how["instance"] = "Ed25519ph" if prehash else "Ed25519ctx"
    if context:
        how["context-string"] = context
    return how


def _sign_variant(secret: bytes, how: pkey.Numbers, message: bytes) -> bytes:
    with pkey.Failing(n.ERROR_BAD_PARAMETERS):
        lib = _library()
        key = pkey.Key("ED25519", {"priv": secret}, private=True)
        context, parameters = _digest_context(), pkey.Parameters(how)
        started = lib.EVP_DigestSignInit_ex(
            context, ffi.NULL, ffi.NULL, ffi.NULL, ffi.NULL, key.pointer, parameters.pointer
        )
        check(started, "EVP_DigestSignInit_ex")
        out = ffi.new("unsigned char[]", _SIGNATURE_SIZE)
        size = ffi.new("size_t *", _SIGNATURE_SIZE)
        check(lib.EVP_DigestSign(context, out, size, message, len(message)), "EVP_DigestSign")
        return bytes(ffi.buffer(out, size[0]))


def _verify_variant(public: bytes, how: pkey.Numbers, message: bytes, signature: bytes) -> bool:
    with pkey.Failing(n.ERROR_BAD_PARAMETERS):
        lib = _library()
        key = pkey.Key("ED25519", {"pub": public}, private=False)
        context, parameters = _digest_context(), pkey.Parameters(how)
        started = lib.EVP_DigestVerifyInit_ex(
            context, ffi.NULL, ffi.NULL, ffi.NULL, ffi.NULL, key.pointer, parameters.pointer
        )
        check(started, "EVP_DigestVerifyInit_ex")
        found = lib.EVP_DigestVerify(context, signature, len(signature), message, len(message))
        lib.ERR_clear_error()
        return bool(found == 1)


def _library() -> Any:  # noqa: ANN401 - cffi's library objects have no types
    lib = library()
    if lib.OpenSSL_version_num() < _WITH_INSTANCES:
        raise TeeError(n.ERROR_NOT_SUPPORTED)
    return lib


def _digest_context() -> Any:  # noqa: ANN401 - as above
    lib = library()
    return ffi.gc(lib.EVP_MD_CTX_new(), lib.EVP_MD_CTX_free)
