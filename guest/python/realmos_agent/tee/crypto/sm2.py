# SPDX-License-Identifier: BSD-3-Clause
"""SM2: signatures, encryption and key exchange, as GM/T 0003.1-2012 has them; results are OP-TEE's.

Libcrypto signs and encrypts; it has no key exchange, which is put together here from its points.
"""

from typing import Any, NamedTuple

from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto import bignum, der, ec, pkey
from realmos_agent.tee.crypto.libcrypto import LibcryptoError, check, ffi, library
from realmos_agent.tee.crypto.objects import TransientObject
from realmos_agent.tee.errors import TeeError

__all__ = ["Exchange", "Exchanged", "Point", "decrypt", "encrypt", "exchange", "sign", "verify"]

_CURVE = ec.curve(n.ECC_CURVE_SM2)
_SIZE = 32
_DIGEST_MAX = 64
_GROUP_NUMBER = 1172  # NID_sm2 of OpenSSL's obj_mac.h
_UNCOMPRESSED = 4
_COMPRESSED_OR_HYBRID = (2, 3, 6, 7)
_HALF = 1 << 127

# The curve that GM/T 0003.5-2012 recommends.
_A = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_00000000_FFFFFFFF_FFFFFFFC
_B = 0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7_F39789F5_15AB8F92_DDBCBD41_4D940E93
_ORDER = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_7203DF6B_21C6052B_53BBF409_39D54123
_GX = 0x32C4AE2C_1F198119_5F990446_6A39C994_8FE30BBF_F2660BE1_715A4589_334C74C7
_GY = 0xBC3736A2_F4F6779C_59BDCEE3_6B692153_D0A9877C_C62A4740_02DF32E5_2139F0A0


def sign(key: TransientObject, digest: bytes) -> bytes:
    """Return a signature of a digest that includes the signer's identity, r and s in a row."""
    return ec.sign(_CURVE, key, _reduced(digest))


def verify(key: TransientObject, digest: bytes, signature: bytes) -> None:
    """Check a signature; as `ec.verify`."""
    ec.verify(_CURVE, key, _reduced(digest), signature)


def _reduced(digest: bytes) -> bytes:
    """Return a digest of another size than SM3's as one of that size that signs alike.

    Raises:
        TeeError: BAD_PARAMETERS: it is longer than any digest.
    """
    if len(digest) > _DIGEST_MAX:
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    return (int.from_bytes(digest, "big") % _ORDER).to_bytes(_SIZE, "big")


def encrypt(key: TransientObject, plain: bytes) -> bytes:
    """Return the ciphertext: point, masked message and digest in a row.

    Raises:
        TeeError: BAD_PARAMETERS: the key is not on the curve, or there is no message.
    """
    public = ec.public_key_of(key, _CURVE)
    with pkey.Failing(n.ERROR_BAD_PARAMETERS):
        x, y, digest, masked = der.read(public.encrypt(plain, {}))
    point = Point(int.from_bytes(x, "big"), int.from_bytes(y, "big"))
    return bytes((_UNCOMPRESSED,)) + point.encoded + masked + digest


def decrypt(key: TransientObject, ciphertext: bytes) -> bytes:
    """Return the message in a ciphertext.

    Raises:
        TeeError: BAD_PARAMETERS: it is too short or its point not on the curve; NOT_SUPPORTED: its
            point is not in plain form; CIPHERTEXT_INVALID: it was made with another key.
    """
    form = ciphertext[0] if ciphertext else 0
    if form in _COMPRESSED_OR_HYBRID:
        raise TeeError(n.ERROR_NOT_SUPPORTED)
    if form != _UNCOMPRESSED or len(ciphertext) <= 1 + 3 * _SIZE:
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    x, y = ciphertext[1:33], ciphertext[33:65]
    ec.public_key(_CURVE, int.from_bytes(x, "big"), int.from_bytes(y, "big"))
    masked, digest = ciphertext[65:-_SIZE], ciphertext[-_SIZE:]
    encoded = der.sequence(der.integer(x), der.integer(y), der.octets(digest), der.octets(masked))
    pair = ec.private_key_of(key, _CURVE)
    with pkey.Failing(n.ERROR_CIPHERTEXT_INVALID):
        return pair.decrypt(encoded, {})


class Point(NamedTuple):
    """A point by its coordinates."""

    x: int
    y: int

    @property
    def encoded(self) -> bytes:
        """Both coordinates in a row."""
        return self.x.to_bytes(_SIZE, "big") + self.y.to_bytes(_SIZE, "big")


class Exchange(NamedTuple):
    """What one side of a key exchange knows of the other and of itself."""

    initiator: bool
    peer: Point
    peer_ephemeral: Point
    initiator_id: bytes
    responder_id: bytes
    confirmation: bytes | None
    """What the peer sent to show that it has the same key; None if it sent nothing."""


class Exchanged(NamedTuple):
    """The key, and what shows the peer that this side has it."""

    key: bytes
    confirmation: bytes


def exchange(
    own: TransientObject, ephemeral: TransientObject, known: Exchange, size: int
) -> Exchanged:
    """Return a shared key of `size` bytes.

    Raises:
        TeeError: BAD_PARAMETERS: a key is not on the curve; BAD_STATE: there is no shared point, or
            the peer's confirmation is wrong.
    """
    mine, mine_ephemeral = _public(own), _public(ephemeral)
    for point in (mine, mine_ephemeral, known.peer, known.peer_ephemeral):
        ec.public_key(_CURVE, *point)
    secrets = own.number(n.ATTR_ECC_PRIVATE_VALUE), ephemeral.number(n.ATTR_ECC_PRIVATE_VALUE)
    with pkey.Failing(n.ERROR_BAD_STATE):
        t = bignum.mod_add_product(secrets[0], _shortened(mine_ephemeral), secrets[1], _ORDER)
        shared = _shared_point(known.peer, known.peer_ephemeral, t)
    first, second = (mine, known.peer) if known.initiator else (known.peer, mine)
    identities = _identity(known.initiator_id, first) + _identity(known.responder_id, second)
    ephemerals = (mine_ephemeral, known.peer_ephemeral)
    if not known.initiator:
        ephemerals = ephemerals[::-1]
    inner = _sm3(
        shared.encoded[:_SIZE], identities, ephemerals[0].encoded, ephemerals[1].encoded
    )  # fmt: skip
    y = shared.encoded[_SIZE:]
    proofs = (_sm3(b"\2", y, inner), _sm3(b"\3", y, inner))
    theirs, ours = proofs if known.initiator else proofs[::-1]
    if known.confirmation is not None:
        _confirm(theirs, known.confirmation)
    return Exchanged(_derived(shared.encoded + identities, size), ours)


def _confirm(expected: bytes, given: bytes) -> None:
    from hmac import compare_digest

    if len(given) < len(expected):
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    if not compare_digest(expected, given[: len(expected)]):
        raise TeeError(n.ERROR_BAD_STATE)


def _public(key: TransientObject) -> Point:
    return Point(key.number(n.ATTR_ECC_PUBLIC_VALUE_X), key.number(n.ATTR_ECC_PUBLIC_VALUE_Y))


def _shortened(point: Point) -> int:
    """Return 2 ** w + (x mod 2 ** w) of a point, w being 127."""
    return _HALF + point.x % _HALF


def _identity(name: bytes, public: Point) -> bytes:
    """Return Z of a party: the digest of its name, the curve and its public key."""
    bits = (len(name) * 8 & 0xFFFF).to_bytes(2, "big")
    curve = b"".join(number.to_bytes(_SIZE, "big") for number in (_A, _B, _GX, _GY))
    return _sm3(bits, name, curve, public.encoded)


def _sm3(*parts: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes

    digest = hashes.Hash(hashes.SM3())
    for part in parts:
        digest.update(part)
    return digest.finalize()


def _derived(secret: bytes, size: int) -> bytes:
    if not size:
        return b""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF

    return X963KDF(hashes.SM3(), size, None).derive(secret)


def _shared_point(peer: Point, peer_ephemeral: Point, t: int) -> Point:
    """Return t (peer + shortened(peer_ephemeral) peer_ephemeral)."""
    lib = library()
    group = ffi.gc(lib.EC_GROUP_new_by_curve_name(_GROUP_NUMBER), lib.EC_GROUP_free)
    if group == ffi.NULL:
        raise LibcryptoError("libcrypto has no SM2")
    context = bignum.new_context()
    total = _point(group, context, peer)
    part = _point(group, context, peer_ephemeral)
    factor = bignum.to_bn(_shortened(peer_ephemeral))
    check(lib.EC_POINT_mul(group, part, ffi.NULL, part, factor, context), "EC_POINT_mul")
    check(lib.EC_POINT_add(group, total, total, part, context), "EC_POINT_add")
    secret = bignum.to_bn(t)
    check(lib.EC_POINT_mul(group, total, ffi.NULL, total, secret, context), "EC_POINT_mul")
    x, y = bignum.new_bn(), bignum.new_bn()
    found = lib.EC_POINT_get_affine_coordinates(group, total, x, y, context)
    check(found, "the shared point")
    return Point(bignum.from_bn(x), bignum.from_bn(y))


def _point(group: Any, context: Any, point: Point) -> Any:  # noqa: ANN401 - cffi's have no types
    lib = library()
    made = ffi.gc(lib.EC_POINT_new(group), lib.EC_POINT_clear_free)
    x, y = bignum.to_bn(point.x), bignum.to_bn(point.y)
    check(lib.EC_POINT_set_affine_coordinates(group, made, x, y, context), "a point")
    return made
