# SPDX-License-Identifier: BSD-3-Clause
"""Derivation of keys: from a peer's public key, and from a secret; results are OP-TEE's."""

from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto import algorithms
from realmos_agent.tee.crypto.objects import Attribute, Attributes, TransientObject
from realmos_agent.tee.crypto.operation import State
from realmos_agent.tee.errors import TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

    from realmos_agent.tee.crypto.sm2 import Exchange

__all__ = ["DeriveState"]


class DeriveState(State):
    """A derivation."""

    def derive(self, params: Attributes, derived: TransientObject) -> list[bytes]:
        """Make an object the key that is derived.

        Returns:
            For each parameter what is to be written to its buffer; nothing for all but a key
            exchange's confirmation.

        Raises:
            TeeError: BAD_PARAMETERS: a parameter is missing or not one of the algorithm, or the
                object does not take such a key; NOT_SUPPORTED: there is no such derivation, or it
                would take minutes.
        """
        if self.key1 is None or not self.key1.initialized:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        if derived.initialized:
            raise TeeError(n.ERROR_BAD_STATE)
        if self.algorithm == n.ALG_SM2_KEP:
            return self._exchange(params, derived)
        secret = self._secret(self.key1, params, derived)
        derived.take_secret(secret)
        return [b""] * len(params)

    def _secret(self, key: TransientObject, params: Attributes, derived: TransientObject) -> bytes:
        main = algorithms.main_of(self.algorithm)
        agree = _AGREEMENTS.get(main)
        if agree is not None:
            return agree(key, params)
        if main == n.MAIN_ALGO_HKDF:
            return self._hkdf(key.secret(), params, derived)
        expand = _EXPANSIONS.get(main)
        if expand is None:
            raise TeeError(n.ERROR_NOT_SUPPORTED)
        hashed = _hash(algorithms.digest_hash_of(self.algorithm))
        return expand(key.secret(), params, hashed, derived)

    def _hkdf(self, secret: bytes, params: Attributes, derived: TransientObject) -> bytes:
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        # TAs give OP-TEE's algorithms GlobalPlatform's parameters too, and the other way round.
        renamed = tuple((_HKDF.get(name, name), content) for name, content in params)
        found = _among(renamed, *_HKDF.values())
        if self.algorithm == n.ALG_HKDF:
            hashed = _hash(algorithms.main_of(_value(found, n.ATTR_HKDF_HASH_ALGORITHM)))
        else:
            hashed = _hash(algorithms.digest_hash_of(self.algorithm))
        size = _value(found, n.ATTR_HKDF_OKM_LENGTH)
        _check_room(size, derived)
        if size > 255 * hashed.digest_size:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        if not size:
            return b""
        salt, info = _buffer(found, n.ATTR_HKDF_SALT), _buffer(found, n.ATTR_HKDF_INFO)
        return HKDF(hashed, size, salt or None, info).derive(secret)

    def _exchange(self, params: Attributes, derived: TransientObject) -> list[bytes]:
        from realmos_agent.tee.crypto import sm2

        assert self.key1 is not None
        if self.key2 is None or not self.key2.initialized:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        _check_room(derived.max_size, derived)
        # OP-TEE takes the object's room, which is in bits, for the size of the key in bytes, and
        # Trusted Applications are written to that.
        known = _known(params)
        result = sm2.exchange(self.key1, self.key2, known, derived.max_size)
        written = [_confirmation(name, given, result.confirmation) for name, given in params]
        derived.take_secret(result.key)
        return written


def _known(params: Attributes) -> "Exchange":
    from realmos_agent.tee.crypto import sm2

    found: dict[int, Attribute] = {}
    for attribute_id, content in params:
        name = _EPHEMERAL.get(attribute_id, attribute_id)
        if name not in _EXCHANGE:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        found[name] = content
    if not found.keys() >= _EXCHANGE_REQUIRED:
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    confirmation = found.get(n.ATTR_SM2_KEP_CONFIRMATION_IN)
    return sm2.Exchange(
        initiator=not _value(found, n.ATTR_SM2_KEP_USER),
        peer=sm2.Point(
            _number(found, n.ATTR_ECC_PUBLIC_VALUE_X), _number(found, n.ATTR_ECC_PUBLIC_VALUE_Y)
        ),
        peer_ephemeral=sm2.Point(
            _number(found, n.ATTR_ECC_EPHEMERAL_PUBLIC_VALUE_X),
            _number(found, n.ATTR_ECC_EPHEMERAL_PUBLIC_VALUE_Y),
        ),
        initiator_id=_buffer(found, n.ATTR_SM2_ID_INITIATOR),
        responder_id=_buffer(found, n.ATTR_SM2_ID_RESPONDER),
        confirmation=confirmation if isinstance(confirmation, bytes) else None,
    )


def _confirmation(attribute_id: int, given: Attribute, confirmation: bytes) -> bytes:
    """Return what is to be written to a parameter of a key exchange."""
    if attribute_id != n.ATTR_SM2_KEP_CONFIRMATION_OUT:
        return b""
    if not isinstance(given, bytes) or len(given) < len(confirmation):
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    return confirmation


_HKDF = {
    n.ATTR_HKDF_SALT: n.ATTR_HKDF_SALT,
    n.ATTR_HKDF_SALT_OPTEE: n.ATTR_HKDF_SALT,
    n.ATTR_HKDF_INFO: n.ATTR_HKDF_INFO,
    n.ATTR_HKDF_INFO_OPTEE: n.ATTR_HKDF_INFO,
    n.ATTR_HKDF_OKM_LENGTH: n.ATTR_HKDF_OKM_LENGTH,
    n.ATTR_KDF_KEY_SIZE: n.ATTR_HKDF_OKM_LENGTH,
    n.ATTR_HKDF_HASH_ALGORITHM: n.ATTR_HKDF_HASH_ALGORITHM,
}
_EPHEMERAL = {
    n.ATTR_SM2_KEP_ECC_EPHEMERAL_PUBLIC_VALUE_X_OPTEE: n.ATTR_ECC_EPHEMERAL_PUBLIC_VALUE_X,
    n.ATTR_SM2_KEP_ECC_EPHEMERAL_PUBLIC_VALUE_Y_OPTEE: n.ATTR_ECC_EPHEMERAL_PUBLIC_VALUE_Y,
}
_EXCHANGE_REQUIRED = {
    n.ATTR_SM2_KEP_USER,
    n.ATTR_ECC_PUBLIC_VALUE_X,
    n.ATTR_ECC_PUBLIC_VALUE_Y,
    n.ATTR_ECC_EPHEMERAL_PUBLIC_VALUE_X,
    n.ATTR_ECC_EPHEMERAL_PUBLIC_VALUE_Y,
    n.ATTR_SM2_ID_INITIATOR,
    n.ATTR_SM2_ID_RESPONDER,
}
_EXCHANGE = _EXCHANGE_REQUIRED | {
    n.ATTR_SM2_KEP_CONFIRMATION_IN,
    n.ATTR_SM2_KEP_CONFIRMATION_OUT,
}


def _dh(key: TransientObject, params: Attributes) -> bytes:
    from realmos_agent.tee.crypto import dsa_dh

    (public,) = _exactly(params, n.ATTR_DH_PUBLIC_VALUE)
    return dsa_dh.agree(key, int.from_bytes(public, "big"))


def _ecdh(key: TransientObject, params: Attributes) -> bytes:
    from realmos_agent.tee.crypto import ec

    x, y = _exactly(params, n.ATTR_ECC_PUBLIC_VALUE_X, n.ATTR_ECC_PUBLIC_VALUE_Y)
    return ec.agree(key, int.from_bytes(x, "big"), int.from_bytes(y, "big"))


def _x25519(key: TransientObject, params: Attributes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    (public,) = _exactly(params, n.ATTR_X25519_PUBLIC_VALUE)
    try:
        peer = X25519PublicKey.from_public_bytes(public)
        secret = key.buffer(n.ATTR_X25519_PRIVATE_VALUE)
        return X25519PrivateKey.from_private_bytes(secret).exchange(peer)
    except ValueError:
        raise TeeError(n.ERROR_BAD_PARAMETERS) from None


def _x448(key: TransientObject, params: Attributes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey

    (public,) = _exactly(params, n.ATTR_X448_PUBLIC_VALUE)
    try:
        peer = X448PublicKey.from_public_bytes(public)
        secret = key.buffer(n.ATTR_X448_PRIVATE_VALUE)
        return X448PrivateKey.from_private_bytes(secret).exchange(peer)
    except ValueError:
        raise TeeError(n.ERROR_BAD_PARAMETERS) from None


def _concat_kdf(
    secret: bytes, params: Attributes, hashed: "HashAlgorithm", derived: TransientObject
) -> bytes:
    from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

    found = _among(params, n.ATTR_CONCAT_KDF_OTHER_INFO, n.ATTR_CONCAT_KDF_DKM_LENGTH)
    size = _value(found, n.ATTR_CONCAT_KDF_DKM_LENGTH)
    _check_room(size, derived)
    if not size:
        return b""
    info = _buffer(found, n.ATTR_CONCAT_KDF_OTHER_INFO)
    return ConcatKDFHash(hashed, size, info).derive(secret)


# Of PBKDF2, over all its blocks: RFC 6070's longest case. Nobody can end a derivation that runs.
_ITERATIONS_MAX = 1 << 24


def _pbkdf2(
    password: bytes, params: Attributes, hashed: "HashAlgorithm", derived: TransientObject
) -> bytes:
    from hashlib import pbkdf2_hmac

    found = _among(
        params,
        n.ATTR_PBKDF2_SALT,
        n.ATTR_PBKDF2_ITERATION_COUNT,
        n.ATTR_PBKDF2_DKM_LENGTH,
    )
    count = _value(found, n.ATTR_PBKDF2_ITERATION_COUNT)
    size = _value(found, n.ATTR_PBKDF2_DKM_LENGTH)
    _check_room(size, derived)
    if not 0 < count < 1 << 31:
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    if not size:
        return b""
    if -(-size // hashed.digest_size) * count > _ITERATIONS_MAX:
        raise TeeError(n.ERROR_NOT_SUPPORTED)
    return pbkdf2_hmac(hashed.name, password, _buffer(found, n.ATTR_PBKDF2_SALT), count, size)


_AGREEMENTS = {
    n.MAIN_ALGO_DH: _dh,
    n.MAIN_ALGO_ECDH: _ecdh,
    n.MAIN_ALGO_X25519: _x25519,
    n.MAIN_ALGO_X448: _x448,
}
_EXPANSIONS = {n.MAIN_ALGO_CONCAT_KDF: _concat_kdf, n.MAIN_ALGO_PBKDF2: _pbkdf2}


def _hash(main: int) -> "HashAlgorithm":
    from cryptography.hazmat.primitives import hashes

    known: dict[int, type[HashAlgorithm]] = {
        n.MAIN_ALGO_MD5: hashes.MD5,
        n.MAIN_ALGO_SHA1: hashes.SHA1,
        n.MAIN_ALGO_SHA224: hashes.SHA224,
        n.MAIN_ALGO_SHA256: hashes.SHA256,
        n.MAIN_ALGO_SHA384: hashes.SHA384,
        n.MAIN_ALGO_SHA512: hashes.SHA512,
    }
    if main not in known:
        raise TeeError(n.ERROR_NOT_SUPPORTED)
    return known[main]()


def _check_room(size: int, derived: TransientObject) -> None:
    if size > derived.spec.secret_size:
        raise TeeError(n.ERROR_BAD_PARAMETERS)


def _exactly(params: Attributes, *names: int) -> list[bytes]:
    """Return the buffers of parameters that must be these, in this order."""
    buffers = [content for _, content in params if isinstance(content, bytes)]
    if tuple(name for name, _ in params) != names or len(buffers) != len(names):
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    return buffers


def _among(params: Attributes, *names: int) -> dict[int, Attribute]:
    """Return parameters that must be among these; of one that is repeated the first counts."""
    found: dict[int, Attribute] = {}
    for name, content in params:
        if name not in names:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        found.setdefault(name, content)
    return found


def _value(found: dict[int, Attribute], name: int) -> int:
    content = found.get(name)
    if not isinstance(content, tuple):
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    return content[0] & 0xFFFF_FFFF


def _buffer(found: dict[int, Attribute], name: int) -> bytes:
    content = found.get(name, b"")
    return content if isinstance(content, bytes) else b""


def _number(found: dict[int, Attribute], name: int) -> int:
    return int.from_bytes(_buffer(found, name), "big")
