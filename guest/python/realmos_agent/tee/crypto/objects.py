# SPDX-License-Identifier: BSD-3-Clause
"""Key objects: their attributes, their usage, and OP-TEE's rules of filling and copying them.

A TransientObject holds what a Trusted Application gave it or had generated. Numbers are held as the
shortest big-endian bytes that say them, as they come out again; a change replaces `attributes` as a
whole, so that a call that fails leaves the object as it was.
"""

import struct

from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto.object_types import (
    BIGNUM_MAX_BITS,
    TYPES,
    AttributeSpec,
    Kind,
    TypeSpec,
    Use,
    key_size_fits,
    with_parity,
)
from realmos_agent.tee.errors import TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T")

__all__ = ["Attribute", "Attributes", "TransientObject", "check_attributes", "trimmed"]

Attribute = bytes | tuple[int, int]
"""The content of an attribute: a buffer, or the values a and b."""
Attributes = tuple[tuple[int, Attribute], ...]
"""What a call gives: numbers of attributes, and their contents."""

_CURVE_BITS = {
    n.ECC_CURVE_NIST_P192: 192,
    n.ECC_CURVE_NIST_P224: 224,
    n.ECC_CURVE_NIST_P256: 256,
    n.ECC_CURVE_NIST_P384: 384,
    n.ECC_CURVE_NIST_P521: 521,
    n.ECC_CURVE_SM2: 256,
    n.ECC_CURVE_25519: 256,
}
_PUBLIC_OF = {
    n.TYPE_RSA_PUBLIC_KEY: n.TYPE_RSA_KEYPAIR,
    n.TYPE_DSA_PUBLIC_KEY: n.TYPE_DSA_KEYPAIR,
    n.TYPE_ECDSA_PUBLIC_KEY: n.TYPE_ECDSA_KEYPAIR,
    n.TYPE_ECDH_PUBLIC_KEY: n.TYPE_ECDH_KEYPAIR,
    n.TYPE_SM2_DSA_PUBLIC_KEY: n.TYPE_SM2_DSA_KEYPAIR,
    n.TYPE_SM2_PKE_PUBLIC_KEY: n.TYPE_SM2_PKE_KEYPAIR,
    n.TYPE_SM2_KEP_PUBLIC_KEY: n.TYPE_SM2_KEP_KEYPAIR,
    n.TYPE_ED25519_PUBLIC_KEY: n.TYPE_ED25519_KEYPAIR,
    n.TYPE_X25519_PUBLIC_KEY: n.TYPE_X25519_KEYPAIR,
    n.TYPE_X448_PUBLIC_KEY: n.TYPE_X448_KEYPAIR,
}
_VALUES = struct.Struct("<II")
_WORD = struct.Struct(">I")
_MASK32 = 0xFFFFFFFF


class TransientObject:
    """An object of one type with room for keys of `max_size` bits.

    `attributes` has what is set, by number; `size` the size of the key in bits; `busy` is set while
    an operation holds it; `on_change` is called when the key or its usage changes.

    Raises:
        TeeError: NOT_SUPPORTED: there is no such type, or it has no keys of that size.
    """

    def __init__(self, object_type: int, max_size: int) -> None:
        if object_type not in TYPES or not key_size_fits(object_type, max_size):
            raise TeeError(n.ERROR_NOT_SUPPORTED)
        self.type = object_type
        self.max_size = max_size
        self.size = 0
        self._usage = n.USAGE_DEFAULT
        self.handle_flags = 0
        self.attributes: dict[int, Attribute] = {}
        self.busy = False
        self.on_change: Callable[[], None] | None = None
        self._prepared: dict[str, Any] = {}
        self._prepared_from = self.attributes

    @property
    def usage(self) -> int:
        """What the key may be used for."""
        return self._usage

    @property
    def spec(self) -> TypeSpec:
        """The row of the type in the table."""
        return TYPES[self.type]

    @property
    def initialized(self) -> bool:
        """Whether it holds a key."""
        return bool(self.handle_flags & n.HANDLE_FLAG_INITIALIZED)

    @property
    def persistent(self) -> bool:
        """Whether it is in storage, where its attributes cannot change."""
        return bool(self.handle_flags & n.HANDLE_FLAG_PERSISTENT)

    @property
    def data_size(self) -> int:
        """Size of the data stream."""
        return 0

    @property
    def data_position(self) -> int:
        """Position in the data stream."""
        return 0

    def close(self) -> None:
        """Let go of what belongs to the handle, when it is closed."""
        self.attributes = {}
        self._prepared = {}

    def info(self) -> bytes:
        """Return a UteeObjectInfo."""
        return struct.pack(
            "<7I",
            self.type,
            self.size,
            self.max_size,
            self.usage,
            self.data_size,
            self.data_position,
            self.handle_flags,
        )

    def restrict_usage(self, usage: int) -> None:
        """Take away each usage that is not in `usage`."""
        self._tell()
        self._usage &= usage

    def _tell(self) -> None:
        if self.on_change is not None:
            self.on_change()

    def get_attr(self, attribute_id: int) -> bytes:
        """Return an attribute as the Trusted Application sees it.

        Raises:
            TeeError: BAD_PARAMETERS: there is no key, or the attribute is protected and the key not
                extractable; ITEM_NOT_FOUND: the attribute is not set.
        """
        if not self.initialized:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        if not (attribute_id & n.ATTR_FLAG_PUBLIC or self.usage & n.USAGE_EXTRACTABLE):
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        content = self.attributes.get(attribute_id)
        if content is None:
            raise TeeError(n.ERROR_ITEM_NOT_FOUND)
        return content if isinstance(content, bytes) else _VALUES.pack(content[0], 0)

    def buffer(self, attribute_id: int) -> bytes:
        """Return a buffer that an operation needs; empty where it is not set."""
        content = self.attributes.get(attribute_id, b"")
        assert isinstance(content, bytes)
        return content

    def number(self, attribute_id: int) -> int:
        """Return a number that an operation needs; 0 where it is not set."""
        return int.from_bytes(self.buffer(attribute_id), "big")

    def value(self, attribute_id: int) -> int:
        """Return the value of a value attribute; 0 where it is not set."""
        content = self.attributes.get(attribute_id, (0, 0))
        assert isinstance(content, tuple)
        return content[0]

    def secret(self) -> bytes:
        """Return the bytes of a symmetric key.

        Raises:
            TeeError: BAD_PARAMETERS: there is no key, or not of one secret.
        """
        first = self.spec.attributes[:1]
        if not self.initialized or not first or first[0].kind is not Kind.SECRET:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        return self.buffer(first[0].id)

    def prepared(self, name: str, make: "Callable[[], T]") -> "T":
        """Return what was made of this key before under a name, or make it now.

        For what a library needs of a key, which may take longer than the operation itself. It is
        good as long as `attributes` is not replaced.
        """
        if self._prepared_from is not self.attributes:
            self._prepared, self._prepared_from = {}, self.attributes
        if name not in self._prepared:
            self._prepared[name] = make()
        made: T = self._prepared[name]
        return made

    def reset(self) -> None:
        """Forget the key; the type and the room for it stay.

        Raises:
            TeeError: BAD_PARAMETERS: the object is persistent.
        """
        if self.persistent:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        self._tell()
        self.attributes = {}
        self._prepared = {}
        self.size = 0
        self._usage = n.USAGE_DEFAULT
        self.handle_flags &= ~n.HANDLE_FLAG_INITIALIZED

    def populate(self, given: Attributes) -> None:
        """Set the key from attributes.

        Raises:
            TeeError: BAD_PARAMETERS: it has a key, is persistent, or the key's size does not go
                with the type; ITEM_NOT_FOUND: an attribute is missing, twice there, or of another
                type; BAD_STATE: the key is too large for this object; SECURITY: a secret is;
                NOT_SUPPORTED: there is no such curve.
        """
        if self.persistent or self.initialized:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        check_attributes(self.spec, given, Use.REQUIRED, Use.GROUP, whole_group=True)
        self.take(*self.converted(given))

    def converted(self, given: Attributes) -> tuple[dict[int, Attribute], int]:
        """Return attributes as they are held, and the object's size in bits that they say.

        Raises:
            TeeError: as `populate`.
        """
        attributes: dict[int, Attribute] = {}
        size = 0
        for attribute_id, content in given:
            spec = self.spec.attribute(attribute_id)
            if spec is None:
                raise TeeError(n.ERROR_ITEM_NOT_FOUND)
            attributes[attribute_id] = _held(spec, content, self.spec)
            if spec.use & Use.SIZE:
                size = self._size_of(content)
            if spec.use & Use.MAX_BITS and _bits(content) > self.max_size:
                raise TeeError(n.ERROR_BAD_STATE)
        return attributes, size

    def _size_of(self, content: Attribute) -> int:
        if isinstance(content, bytes):
            size = len(content) * 8
            if with_parity(self.type, self.max_size) != self.max_size:
                size -= size // 8
        else:
            size = _CURVE_BITS.get(content[0] & _MASK32, 0)
            if not size:
                raise TeeError(n.ERROR_NOT_SUPPORTED)
        if size > self.max_size:
            raise TeeError(n.ERROR_BAD_STATE)
        if not key_size_fits(self.type, size):
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        return size

    def take(self, attributes: dict[int, Attribute], size: int) -> None:
        """Become an object with these attributes, as held, and of this size in bits."""
        self._tell()
        self.attributes = attributes
        self.size = size
        self.handle_flags |= n.HANDLE_FLAG_INITIALIZED

    def take_secret(self, secret: bytes) -> None:
        """Become the key that a derivation gave. As in OP-TEE, this does not set `size`.

        Raises:
            TeeError: BAD_PARAMETERS: the type holds no secret, or none that long.
        """
        if n.ATTR_SECRET_VALUE not in (spec.id for spec in self.spec.attributes):
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        if len(secret) > self.spec.secret_size or self.persistent:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        self.take({n.ATTR_SECRET_VALUE: secret}, self.size)

    def copy_from(self, source: "TransientObject") -> None:
        """Become a copy of another object, or the public key of a key pair.

        Raises:
            TeeError: BAD_PARAMETERS: the source has no key, this one has or is persistent, or the
                types do not go together.
        """
        if not source.initialized or self.persistent or self.initialized:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        attributes = source.attributes
        if self.type != source.type:
            if _PUBLIC_OF.get(self.type) != source.type:
                raise TeeError(n.ERROR_BAD_PARAMETERS)
            wanted = {spec.id for spec in self.spec.attributes}
            attributes = {key: held for key, held in attributes.items() if key in wanted}
        self.take(dict(attributes), source.size)
        self._usage = source.usage

    def generate(self, key_size: int, params: Attributes) -> None:
        """Generate a key of `key_size` bits; see `keygen.generate`."""
        from realmos_agent.tee.crypto.keygen import generate

        generate(self, key_size, params)

    @property
    def set_attributes(self) -> int:
        """Which attributes are set: a bit for each of the type, in the table's order."""
        present = (spec.id in self.attributes for spec in self.spec.attributes)
        return sum(1 << bit for bit, is_set in enumerate(present) if is_set)

    def dump(self) -> bytes:
        """Return the attributes as storage keeps them, set or not; `set_attributes` tells."""
        return b"".join(
            _dumped(spec, self.attributes.get(spec.id)) for spec in self.spec.attributes
        )

    def load(self, data: bytes, set_attributes: int) -> None:
        """Take attributes as `dump` gave them; size, usage and flags are the caller's matter.

        Raises:
            TeeError: CORRUPT_OBJECT: they are not of this type.
        """
        attributes: dict[int, Attribute] = {}
        at = 0
        for bit, spec in enumerate(self.spec.attributes):
            content, at = _loaded(spec, data, at, self.spec)
            if set_attributes >> bit & 1:
                attributes[spec.id] = content
        if at != len(data):
            raise TeeError(n.ERROR_CORRUPT_OBJECT)
        self.attributes = attributes


def check_attributes(
    spec: TypeSpec, given: Attributes, required: Use, optional: Use, *, whole_group: bool
) -> None:
    """Refuse attributes that are not of a type for some use, repeated, or not all that it takes.

    Raises:
        TeeError: ITEM_NOT_FOUND.
    """
    must = {attribute.id for attribute in spec.attributes if attribute.use & required}
    may = {attribute.id for attribute in spec.attributes if attribute.use & optional} - must
    found = [attribute_id for attribute_id, _ in given]
    if len(set(found)) != len(found) or not must <= set(found) <= must | may:
        raise TeeError(n.ERROR_ITEM_NOT_FOUND)
    chosen = may & set(found)
    if whole_group and chosen and chosen != may:
        raise TeeError(n.ERROR_ITEM_NOT_FOUND)


def trimmed(content: bytes) -> bytes:
    """Return a number's shortest big-endian bytes: none at all for zero."""
    return content.lstrip(b"\0")


def _held(spec: AttributeSpec, content: Attribute, type_spec: TypeSpec) -> Attribute:
    if isinstance(content, tuple):
        return (content[0] & _MASK32, 0)
    if spec.kind is Kind.BIGNUM:
        number = trimmed(content)
        if len(number) > BIGNUM_MAX_BITS // 8:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        return number
    if spec.kind is Kind.SECRET and len(content) > type_spec.secret_size:
        raise TeeError(n.ERROR_SECURITY)
    if spec.kind is Kind.POINT and len(content) != spec.size:
        raise TeeError(n.ERROR_SECURITY)
    return content


def _bits(content: Attribute) -> int:
    return int.from_bytes(content, "big").bit_length() if isinstance(content, bytes) else 0


def _dumped(spec: AttributeSpec, content: Attribute | None) -> bytes:
    if spec.kind is Kind.VALUE:
        return _WORD.pack(content[0] if isinstance(content, tuple) else 0)
    buffer = content if isinstance(content, bytes) else bytes(spec.size)
    return _WORD.pack(len(buffer)) + buffer


def _loaded(
    spec: AttributeSpec, data: bytes, at: int, type_spec: TypeSpec
) -> tuple[Attribute, int]:
    try:
        (word,) = _WORD.unpack_from(data, at)
    except struct.error:
        raise TeeError(n.ERROR_CORRUPT_OBJECT) from None
    at += _WORD.size
    if spec.kind is Kind.VALUE:
        return (word, 0), at
    if word > len(data) - at:
        raise TeeError(n.ERROR_CORRUPT_OBJECT)
    try:
        return _held(spec, data[at : at + word], type_spec), at + word
    except TeeError:
        raise TeeError(n.ERROR_CORRUPT_OBJECT) from None
