# SPDX-License-Identifier: BSD-3-Clause
"""Signed TAs for tests: containers around any bytes, and subkeys."""

import hashlib
import struct
from dataclasses import dataclass, replace
from functools import cache
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from realmos_agent.tee import numbers as tee

UUIDS = [UUID(f"5a6b0000-1111-4222-8333-44445555666{n}") for n in range(4)]
TA, LIBRARY, OTHER, PLUGIN = UUIDS

_HASHES = {
    3: hashes.SHA224(),
    4: hashes.SHA256(),
    5: hashes.SHA384(),
    6: hashes.SHA512(),
}


@cache
def make_key(name: str = "root", bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return the key of this name."""
    del name
    return rsa.generate_private_key(65537, bits)


def sign(
    kind: int,
    covered: bytes,
    body: bytes,
    *,
    key: rsa.RSAPrivateKey,
    algorithm: int,
    size: int,
) -> bytes:
    """Return a signed header; the digest covers it, `covered` and `body`."""
    method = _HASHES.get(algorithm >> 12 & 15, hashes.SHA256())
    raw = struct.pack(
        "<IIIIHH", 0x4F545348, kind, size, algorithm, method.digest_size, key.key_size // 8
    )
    digest = hashlib.new(method.name, raw + covered + body).digest()
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    if algorithm >> 8 & 15 == 9:
        scheme = padding.PSS(mgf=padding.MGF1(method), salt_length=method.digest_size)
    return raw + digest + key.sign(digest, scheme, utils.Prehashed(method))


@dataclass(frozen=True)
class Ta:
    """A TA to be signed."""

    elf: bytes
    uuid: UUID = TA
    version: int = 0
    algorithm: int = tee.ALG_RSASSA_PKCS1_PSS_MGF1_SHA256
    image_type: int = tee.SHDR_IMAGE_BOOTSTRAP_TA
    encryption: bytes = b""
    key_type: int = 0
    encryption_algorithm: int = tee.ALG_AES_GCM

    def signed(self, key: rsa.RSAPrivateKey | None = None) -> bytes:
        """Return its file."""
        covered = b""
        if self.image_type != tee.SHDR_IMAGE_TA:
            covered = self.uuid.bytes + struct.pack("<I", self.version)
        payload = self.elf
        if self.encryption:
            iv = b"123456789012"
            sealed = AESGCM(self.encryption).encrypt(iv, self.elf, None)
            payload, tag = sealed[:-16], sealed[-16:]
            covered += struct.pack(
                "<IIHH", self.encryption_algorithm, self.key_type, len(iv), len(tag)
            )
            covered += iv + tag
        header = sign(
            self.image_type,
            covered,
            self.elf,
            key=key or make_key(),
            algorithm=self.algorithm,
            size=len(payload),
        )
        return header + covered + payload

    def but(self, **changes: object) -> "Ta":
        """Return it with something else."""
        return replace(self, **changes)  # type: ignore[arg-type] # dataclasses.replace checks


@dataclass(frozen=True)
class Level:
    """A subkey in a chain: whom it signs is named by `label`, or has its own UUID."""

    key: rsa.RSAPrivateKey
    depth: int
    label: bytes = b""
    version: int = 1
    uuid: UUID | None = None
    algorithm: int = tee.ALG_RSASSA_PKCS1_PSS_MGF1_SHA256

    def body(self, uuid: UUID) -> bytes:
        """Return its key and what it allows."""
        exponent = (65537).to_bytes(3)
        modulus = self.key.public_key().public_numbers().n.to_bytes(self.key.key_size // 8)
        start = 36 + 2 * 12
        head = uuid.bytes + struct.pack(
            "<IIIII", len(self.label), self.version, self.depth, self.algorithm, 2
        )
        table = struct.pack("<III", tee.ATTR_RSA_PUBLIC_EXPONENT, start, len(exponent))
        table += struct.pack("<III", tee.ATTR_RSA_MODULUS, start + len(exponent), len(modulus))
        return head + table + exponent + modulus


def next_uuid(uuid: UUID, label: bytes) -> UUID:
    """Return what a subkey signs."""
    if not label:
        return uuid
    digest = hashlib.sha512(uuid.bytes + label.rstrip(b"\0")).digest()
    return UUID(bytes=digest[:16], version=5)


def chain(levels: list[Level], first: UUID, ta: Ta) -> tuple[UUID, bytes]:
    """Return UUID and file of a TA that is signed through subkeys."""
    out = b""
    signer, uuid = make_key(), first
    for level in levels:
        mine = level.uuid or uuid
        body = level.body(mine)
        out += sign(
            tee.SHDR_IMAGE_SUBKEY,
            b"",
            body,
            key=signer,
            algorithm=tee.ALG_RSASSA_PKCS1_PSS_MGF1_SHA256,
            size=len(body),
        )
        out += body + level.label
        signer, uuid = level.key, next_uuid(mine, level.label)
    return uuid, out + ta.but(uuid=uuid).signed(signer)
