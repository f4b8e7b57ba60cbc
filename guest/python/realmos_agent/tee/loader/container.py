# SPDX-License-Identifier: BSD-3-Clause
"""The signed container around a TA: what it says, and whether a configured key vouches for it.

`read` takes the container apart without believing it. `verify` makes every check of OP-TEE: each
header's signature, by a root key or the subkey before it; each digest; that subkeys' depths shrink,
that each UUID lies in the name space of the subkey above it, and that it is the TA asked for.
"""

import hashlib
import struct
from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from realmos_agent.record import Record
from realmos_agent.tee import numbers as tee
from realmos_agent.tee.loader.errors import LoadError, UnknownSignerError
from realmos_agent.tee.loader.keys import Keys, RootKey

_HEADER = struct.Struct(tee.SHDR_FORMAT)
_SUBKEY = struct.Struct(tee.SHDR_SUBKEY_FORMAT)
_ATTRIBUTE = struct.Struct(tee.SHDR_SUBKEY_ATTR_FORMAT)
_BOOTSTRAP = struct.Struct(tee.SHDR_BOOTSTRAP_TA_FORMAT)
_ENCRYPTED = struct.Struct(tee.SHDR_ENCRYPTED_TA_FORMAT)

_SUBKEYS_MAX: Final = 16
_ATTRIBUTES_MAX: Final = 64
"""Of a subkey, which has two; nobody has vouched for them when they are read."""
_KEY_BYTES_MAX: Final = {tee.ATTR_RSA_MODULUS: 512, tee.ATTR_RSA_PUBLIC_EXPONENT: 8}
"""OP-TEE has no longer modulus; a long exponent only costs time."""
_MAIN_MASK: Final = 0xFF  # of an algorithm: its MAIN_ALGO_*
_TAG_SIZE: Final = 16
_UUID_VERSION: Final = 5
_REFUSED: Final = "the TA's container is refused: "
_PLAIN_TYPES: Final = (tee.SHDR_IMAGE_TA, tee.SHDR_IMAGE_BOOTSTRAP_TA, tee.SHDR_IMAGE_ENCRYPTED_TA)


class _Algorithm(NamedTuple):
    hash: hashes.HashAlgorithm
    pss: bool


_ALGORITHMS: Final = {
    tee.ALG_RSASSA_PKCS1_V1_5_SHA224: _Algorithm(hashes.SHA224(), pss=False),
    tee.ALG_RSASSA_PKCS1_V1_5_SHA256: _Algorithm(hashes.SHA256(), pss=False),
    tee.ALG_RSASSA_PKCS1_V1_5_SHA384: _Algorithm(hashes.SHA384(), pss=False),
    tee.ALG_RSASSA_PKCS1_V1_5_SHA512: _Algorithm(hashes.SHA512(), pss=False),
    tee.ALG_RSASSA_PKCS1_PSS_MGF1_SHA224: _Algorithm(hashes.SHA224(), pss=True),
    tee.ALG_RSASSA_PKCS1_PSS_MGF1_SHA256: _Algorithm(hashes.SHA256(), pss=True),
    tee.ALG_RSASSA_PKCS1_PSS_MGF1_SHA384: _Algorithm(hashes.SHA384(), pss=True),
    tee.ALG_RSASSA_PKCS1_PSS_MGF1_SHA512: _Algorithm(hashes.SHA512(), pss=True),
}
"""OP-TEE refuses signatures over MD5 and SHA-1 as too weak."""


class SignedHeader(Record):
    """A header with the digest that it signs; `raw` is the part of it that the digest covers."""

    type: int
    image_size: int
    algorithm: int
    digest: bytes
    signature: bytes
    raw: bytes


class Subkey(Record):
    """A key that signs the next header; `name` makes the next UUID of this one."""

    header: SignedHeader
    uuid: UUID
    name: bytes
    version: int
    max_depth: int
    algorithm: int
    modulus: int
    exponent: int
    body: bytes

    @property
    def next_uuid(self) -> UUID:
        """The UUID that whatever this key signs must have.

        Version 5 of RFC 4122, with SHA-512 in the place of SHA-1 as OP-TEE has it.
        """
        if not self.name:
            return self.uuid
        named = self.uuid.bytes + self.name.partition(b"\0")[0]
        return UUID(bytes=hashlib.sha512(named).digest()[:16], version=_UUID_VERSION)


class Encryption(Record):
    """How the payload is encrypted; `key_type` is one of `SHDR_ENC_KEY_*`."""

    algorithm: int
    key_type: int
    iv: bytes
    tag: bytes


class Container(Record):
    """A container's parts. `covered` is what the digest covers before the payload.

    `uuid` is None in the oldest type of container, which has none.
    """

    subkeys: tuple[Subkey, ...]
    header: SignedHeader
    uuid: UUID | None
    version: int
    encryption: Encryption | None
    covered: bytes
    payload: bytes


class VersionClaim(NamedTuple):
    """A version that must not be older than the last one seen: of a subkey, or of a TA."""

    subkey: bool
    uuid: UUID
    version: int


class Verified(Record):
    """A TA's ELF object, the root key that vouches for it, and versions that are still to check."""

    elf: bytes
    root: RootKey
    versions: tuple[VersionClaim, ...]


def read(data: bytes) -> Container:
    """Take a container apart; nothing is verified but that every part is within its bounds.

    Raises:
        LoadError: it is no container, is cut short, or something follows.
    """
    reader = _Reader(data)
    subkeys: list[Subkey] = []
    header = reader.header()
    while header.type == tee.SHDR_IMAGE_SUBKEY:
        if len(subkeys) == _SUBKEYS_MAX:
            raise _bad(f"it has more than {_SUBKEYS_MAX} subkeys")
        subkeys.append(reader.subkey(header))
        header = reader.header()
    if header.type not in _PLAIN_TYPES:
        raise _bad(f"image type {header.type} is unknown")
    start = reader.at
    uuid, version = (None, 0) if header.type == tee.SHDR_IMAGE_TA else reader.bootstrap()
    encryption = reader.encryption() if header.type == tee.SHDR_IMAGE_ENCRYPTED_TA else None
    covered = header.raw + data[start : reader.at]
    payload = reader.take(header.image_size, "image")
    if reader.at != len(data):
        raise _bad(f"{len(data) - reader.at} bytes follow its end")
    return Container(tuple(subkeys), header, uuid, version, encryption, covered, payload)


def verify(container: Container, keys: Keys, uuid: UUID) -> Verified:
    """Return the ELF object in a container, when a root key vouches for it as TA `uuid`.

    Raises:
        LoadError: it does not, or the TA is encrypted and its key is not configured.
    """
    first = container.subkeys[0].header if container.subkeys else container.header
    root = _signer(first, keys)
    claims: list[VersionClaim] = []
    above: Subkey | None = None
    for subkey in container.subkeys:
        _check_subkey(subkey, above)
        claims.append(VersionClaim(subkey=True, uuid=subkey.uuid, version=subkey.version))
        above = subkey
    if above is not None:
        _check_signature(container.header, above)
    if container.uuid not in {None, uuid}:
        raise _untrusted(f"it is TA {container.uuid}, not {uuid}: name its file as its UUID")
    if above is not None and above.next_uuid != uuid:
        raise _untrusted(f"subkey {above.uuid} signs TA {above.next_uuid}, not {uuid}")
    image = _decrypted(container, keys)
    _check_digest(container.header, container.covered, image)
    if container.uuid is not None:
        claims.append(VersionClaim(subkey=False, uuid=uuid, version=container.version))
    return Verified(image, root, tuple(claims))


def newest(
    claims: tuple[VersionClaim, ...], known: Mapping[tuple[bool, UUID], int]
) -> dict[tuple[bool, UUID], int]:
    """Return what to remember so that no older version than those claimed is loaded again.

    Args:
        claims: what a verified container claims.
        known: versions seen before, of subkeys (True) and of TAs (False); 0 is not noted.

    Raises:
        LoadError: a claimed version is older than the one known.
    """
    news: dict[tuple[bool, UUID], int] = {}
    for claim in claims:
        key = claim.subkey, claim.uuid
        seen = known.get(key, 0)
        if claim.version < seen:
            raise LoadError(
                f"{'subkey' if claim.subkey else 'TA'} {claim.uuid} is version {claim.version}, "
                f"older than version {seen}, which was loaded before",
                tee.ERROR_SECURITY if claim.subkey else tee.ERROR_ACCESS_CONFLICT,
            )
        if claim.version > seen:
            news[key] = claim.version
    return news


class _Reader:
    """Takes parts off a container's front."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, size: int, what: str) -> bytes:
        if size > len(self._data) - self.at:
            raise _bad(f"its {what} ({size} bytes) is cut short at {len(self._data)} bytes")
        self.at += size
        return self._data[self.at - size : self.at]

    def header(self) -> SignedHeader:
        raw = self.take(_HEADER.size, "signed header")
        magic, kind, size, algorithm, hash_size, signature_size = _HEADER.unpack(raw)
        if magic != tee.SHDR_MAGIC:
            raise _bad("a signed header does not begin with the magic number HSTO")
        digest = self.take(hash_size, "digest")
        signature = self.take(signature_size, "signature")
        return SignedHeader(kind, size, algorithm, digest, signature, raw)

    def subkey(self, header: SignedHeader) -> Subkey:
        body = self.take(header.image_size, "subkey")
        if len(body) < _SUBKEY.size:
            raise _bad(f"a subkey of {len(body)} bytes")
        uuid, name_size, version, max_depth, algorithm, count = _SUBKEY.unpack_from(body)
        name = self.take(name_size, "subkey's name")
        if count > (len(body) - _SUBKEY.size) // _ATTRIBUTE.size:
            raise _bad("a subkey has more attributes than bytes")
        if count > _ATTRIBUTES_MAX:
            raise _bad(f"a subkey has more than {_ATTRIBUTES_MAX} attributes")
        table = body[_SUBKEY.size : _SUBKEY.size + count * _ATTRIBUTE.size]
        attributes: dict[int, int] = {}
        for number, offset, size in _ATTRIBUTE.iter_unpack(table):
            if offset > len(body) or size > len(body) - offset:
                raise _bad("a subkey's attribute is not within the subkey")
            if number in _KEY_BYTES_MAX:
                if size > _KEY_BYTES_MAX[number]:
                    raise _bad(f"a subkey's number of more than {_KEY_BYTES_MAX[number]} bytes")
                attributes.setdefault(number, int.from_bytes(body[offset : offset + size]))
        return Subkey(
            header=header,
            uuid=UUID(bytes=uuid),
            name=name,
            version=version,
            max_depth=max_depth,
            algorithm=algorithm,
            modulus=attributes.get(tee.ATTR_RSA_MODULUS, 0),
            exponent=attributes.get(tee.ATTR_RSA_PUBLIC_EXPONENT, 0),
            body=body,
        )

    def bootstrap(self) -> tuple[UUID, int]:
        uuid, version = _BOOTSTRAP.unpack(self.take(_BOOTSTRAP.size, "UUID and version"))
        return UUID(bytes=uuid), version

    def encryption(self) -> Encryption:
        raw = self.take(_ENCRYPTED.size, "encryption header")
        algorithm, flags, iv_size, tag_size = _ENCRYPTED.unpack(raw)
        iv = self.take(iv_size, "initialization vector")
        return Encryption(algorithm, flags, iv, self.take(tag_size, "authentication tag"))


def _signer(header: SignedHeader, keys: Keys) -> RootKey:
    algorithm = _algorithm(header)
    for root in keys.roots:
        if _is_signed(header, root.key, algorithm):
            return root
    names = ", ".join(root.name for root in keys.roots) or "no key"
    raise UnknownSignerError(
        f"{_REFUSED}it is not signed by a configured key ({names}): configure its signer's",
        tee.ERROR_SECURITY,
    )


def _check_subkey(subkey: Subkey, above: Subkey | None) -> None:
    header = subkey.header
    if above is not None:
        _check_signature(header, above)
        if subkey.max_depth >= above.max_depth:
            raise _untrusted(
                f"subkey {subkey.uuid} allows depth {subkey.max_depth}, and stands below one that "
                f"allows {above.max_depth}"
            )
        if above.next_uuid != subkey.uuid:
            raise _untrusted(f"subkey {above.uuid} signs {above.next_uuid}, not {subkey.uuid}")
    _check_digest(header, header.raw, subkey.body)


def _check_signature(header: SignedHeader, subkey: Subkey) -> None:
    if subkey.algorithm & _MAIN_MASK != tee.MAIN_ALGO_RSA:
        raise _untrusted(f"subkey {subkey.uuid} is for algorithm {subkey.algorithm:#x}, not RSA")
    try:
        key = RSAPublicNumbers(subkey.exponent, subkey.modulus).public_key()
    except ValueError as error:
        raise _untrusted(f"subkey {subkey.uuid} is no RSA key: {error}") from error
    if not _is_signed(header, key, _algorithm(header)):
        raise _untrusted(f"it is not signed by subkey {subkey.uuid}")


def _algorithm(header: SignedHeader) -> _Algorithm:
    algorithm = _ALGORITHMS.get(header.algorithm)
    if algorithm is None:
        raise _untrusted(f"signature algorithm {header.algorithm:#x} is unknown or too weak")
    if len(header.digest) != algorithm.hash.digest_size:
        raise _untrusted(f"a digest of {len(header.digest)} bytes is not {algorithm.hash.name}")
    return algorithm


def _is_signed(header: SignedHeader, key: RSAPublicKey, algorithm: _Algorithm) -> bool:
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    if algorithm.pss:
        size = algorithm.hash.digest_size
        scheme = padding.PSS(mgf=padding.MGF1(algorithm.hash), salt_length=size)
    try:
        key.verify(header.signature, header.digest, scheme, utils.Prehashed(algorithm.hash))
    except (InvalidSignature, ValueError):  # the latter when the key is too small for the scheme
        return False
    return True


def _check_digest(header: SignedHeader, *parts: bytes) -> None:
    digest = hashlib.new(_algorithm(header).hash.name)
    for part in parts:
        digest.update(part)
    if digest.digest() != header.digest:
        raise _untrusted("it is not what was signed: its digest differs")


def _decrypted(container: Container, keys: Keys) -> bytes:
    encryption = container.encryption
    if encryption is None:
        return container.payload
    key = keys.encryption.get(encryption.key_type)
    if key is None:
        name = encryption_key_name(encryption.key_type)
        raise LoadError(
            f"the TA is encrypted with a {name} key that is not configured: OP-TEE's development "
            "key is the only one there is, and only where no key is named that signs TAs; give the "
            "TA as it was before encryption (without CFG_ENCRYPT_TA)",
            tee.ERROR_NOT_SUPPORTED,
        )
    if encryption.algorithm != tee.ALG_AES_GCM or len(encryption.tag) != _TAG_SIZE:
        raise LoadError(
            f"the TA is encrypted by algorithm {encryption.algorithm:#x} with a tag of "
            f"{len(encryption.tag)} bytes; only AES-GCM with {_TAG_SIZE} is known",
            tee.ERROR_NOT_SUPPORTED,
        )
    try:
        return AESGCM(key).decrypt(encryption.iv, container.payload + encryption.tag, None)
    except (InvalidTag, ValueError) as error:  # the latter for an impossible vector
        raise _untrusted("its encryption key is another, or it was changed") from error


def encryption_key_name(key_type: int) -> str:
    """Return what a type of encryption key is called."""
    names = {
        tee.SHDR_ENC_KEY_DEV_SPECIFIC: "device-specific",
        tee.SHDR_ENC_KEY_CLASS_WIDE: "class-wide",
    }
    return names.get(key_type, f"(unknown type {key_type})")


def _bad(problem: str) -> LoadError:
    return LoadError(f"the TA's container is damaged: {problem}", tee.ERROR_SECURITY)


def _untrusted(problem: str) -> LoadError:
    return LoadError(f"{_REFUSED}{problem}", tee.ERROR_SECURITY)
