# SPDX-License-Identifier: BSD-3-Clause
"""Attestation tokens that Linux fetches in a realm, verified by a small strict reader."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

import cbor2
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from realmos.anchor import DevelopmentAnchor
from realmos.attest import Anchor
from realmos.firmware import Flash
from realmos.pytest_plugin import RealmFactory
from realmos.realm import RealmConfig
from realmos.session import Session
from realmos_abi import load

pytestmark = pytest.mark.qemu

CCA = load("attestation")
MIB = 1 << 20
PATIENCE = 300
PLATFORM_PROFILE = "tag:arm.com,2023:cca_platform#1.0.0"
REALM_PROFILE = "tag:arm.com,2023:realm#1.0.0"
PLATFORM_CHALLENGE, PLATFORM_PROFILE_LABEL = 10, 265
ES384_HEADER = bytes.fromhex("a1013822")

# In the platform's part of a token: its software, and of each component the type and the hash.
PLATFORM_COMPONENTS, COMPONENT_TYPE, COMPONENT_MEASUREMENT = 2399, 1, 2

# In the realm: tokens for challenges, by the kernel's own interface; each as hex, a line.
FETCH = """
import ctypes, os, sys

FINIT_MODULE, EEXIST = 273, 17
REPORTS = "/sys/kernel/config/tsm/report"

def load_modules():
    libc = ctypes.CDLL(None, use_errno=True)
    below = f"/usr/lib/modules/{os.uname().release}"
    for name in ("configfs", "tsm_report", "arm-cca-guest"):
        with open(f"{below}/{name}.ko", "rb") as file:
            failed = libc.syscall(FINIT_MODULE, file.fileno(), b"", 0) != 0
        if failed and ctypes.get_errno() != EEXIST:
            sys.exit(f"{name}: {os.strerror(ctypes.get_errno())}")

def write(path, data):
    with open(path, "wb", buffering=0) as file:
        file.write(data)

if not os.path.isdir(REPORTS):
    load_modules()
    if not os.path.isdir(REPORTS):
        os.system("mount -t configfs none /sys/kernel/config")

cpu, *challenges = sys.argv[1:]
os.sched_setaffinity(0, {int(cpu)})
report = f"{REPORTS}/test-{cpu}"
os.mkdir(report)
for challenge in challenges:
    write(f"{report}/inblob", bytes.fromhex(challenge))
    with open(f"{report}/outblob", "rb") as file:
        print(file.read().hex(), flush=True)
os.rmdir(report)
"""


class BadTokenError(Exception):
    """What is wrong with a token."""


def require(condition: object, problem: str) -> None:
    if not condition:
        raise BadTokenError(problem)


def decode(data: bytes, tag: int | None = None) -> object:
    """Decode one CBOR item: the whole of `data`, in the one encoding that is deterministic."""
    try:
        value = cbor2.loads(data)
        same = cbor2.dumps(value) == data
    except (cbor2.CBORError, TypeError, ValueError) as error:
        raise BadTokenError("not CBOR") from error
    require(same, "trailing bytes, or not the shortest encoding")
    if tag is None:
        return value
    require(isinstance(value, cbor2.CBORTag) and value.tag == tag, f"tag {tag}")
    return value.value


def decode_map(data: bytes, tag: int | None = None) -> dict[int, Any]:
    value = decode(data, tag)
    if not isinstance(value, Mapping):
        raise BadTokenError("no map")
    return dict(value)


@dataclass(frozen=True)
class Token:
    """A CCA token that verified: the claims of its two parts."""

    platform: dict[int, Any]
    realm: dict[int, Any]


def verify(data: bytes, anchor: Anchor) -> Token:
    """Check signatures, binding and shape of a CCA token.

    Raises:
        BadTokenError: it is not one.
    """
    labels = [CCA["CCA_PLATFORM_TOKEN"], CCA["CCA_REALM_TOKEN"]]
    parts = decode_map(data, CCA["CCA_TOKEN_TAG"])
    require(list(parts) == labels, "parts")
    platform_part, realm_part = (Sign1.read(parts[label]) for label in labels)
    platform = platform_part.verify(anchor.public_key)
    key = realm_part.unverified().get(CCA["CCA_REALM_PUBLIC_KEY"], b"")
    require(platform[PLATFORM_CHALLENGE] == sha256(key).digest(), "binding")
    realm = realm_part.verify(cose_key(key))
    require(realm[CCA["CCA_REALM_PUBLIC_KEY_HASH_ALGORITHM"]] == "sha-256", "key's hash")
    require(platform[PLATFORM_PROFILE_LABEL] == PLATFORM_PROFILE, "platform profile")
    require(realm[CCA["CCA_REALM_PROFILE"]] == REALM_PROFILE, "realm profile")
    require(len(realm) == CCA["CCA_REALM_CLAIM_COUNT"], "claims of the realm")
    return Token(platform, realm)


@dataclass(frozen=True)
class Sign1:
    """A COSE_Sign1 by ES384."""

    payload: bytes
    signature: bytes

    @classmethod
    def read(cls, data: bytes) -> Self:
        match decode(data, CCA["COSE_SIGN1_TAG"]):
            case [protected, unprotected, bytes(payload), bytes(signature)]:
                require(protected == ES384_HEADER and not unprotected, "COSE headers")
                require(len(signature) == CCA["CCA_SIGNATURE_SIZE"], "signature's size")
                return cls(payload, signature)
            case _:
                raise BadTokenError("no COSE_Sign1")

    def unverified(self) -> dict[int, Any]:
        return decode_map(self.payload)

    def verify(self, key: ec.EllipticCurvePublicKey) -> dict[int, Any]:
        half = len(self.signature) // 2
        r, s = (int.from_bytes(part) for part in (self.signature[:half], self.signature[half:]))
        signed = cbor2.dumps(["Signature1", ES384_HEADER, b"", self.payload])
        try:
            key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(SHA384()))
        except InvalidSignature as error:
            raise BadTokenError("signature") from error
        return self.unverified()


def cose_key(data: bytes) -> ec.EllipticCurvePublicKey:
    names = ("COSE_KEY_KTY", "COSE_KEY_CRV", "COSE_KEY_X", "COSE_KEY_Y")
    fields = decode_map(data)
    require(list(fields) == [CCA[name] for name in names], "key's fields")
    kty, crv, x, y = fields.values()
    require((kty, crv) == (CCA["COSE_KTY_EC2"], CCA["COSE_CRV_P384"]), "key's type")
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), ec.SECP384R1())
    return numbers.public_key()


def fetch(session: Session, challenges: Sequence[bytes], cpu: int = 0) -> list[bytes]:
    words = ["fetch.py", str(cpu), *(challenge.hex() for challenge in challenges)]
    result = session.agent.run(words, script=FETCH.encode(), timeout=PATIENCE)
    assert result.status == 0, result.stderr.decode()
    return [bytes.fromhex(line) for line in result.stdout.decode().split()]


def check_claims(token: Token, session: Session, challenge: bytes) -> None:
    """Compare the realm's claims with what was asked for and what was predicted."""
    (realm,), claims = session.prepared.realms, token.realm
    empty = bytes(len(realm.rim))
    assert claims[CCA["CCA_REALM_CHALLENGE"]] == challenge.ljust(CCA["CCA_CHALLENGE_SIZE"], b"\0")
    assert claims[CCA["CCA_REALM_PERSONALIZATION_VALUE"]] == realm.rpv
    assert claims[CCA["CCA_REALM_HASH_ALGORITHM"]] == realm.config.hash_algorithm
    assert claims[CCA["CCA_REALM_INITIAL_MEASUREMENT"]] == realm.rim
    assert claims[CCA["CCA_REALM_EXTENSIBLE_MEASUREMENTS"]] == [empty] * 4
    assert realm.rim.hex() == session.evidence().rim


def anchor_of(session: Session) -> Anchor:
    return session.prepared.flash.anchor


def built(flash: Flash) -> dict[str, bytes]:
    """Hash what the token measures, as it was built: BL31 before a token was put into it."""
    parts = flash.firmware
    images = {"AP_BL1": parts.bl1, "AP_BL2": parts.bl2, "AP_BL31": parts.bl31, "RMM": parts.rmm}
    return {kind: sha256(part.path.read_bytes()).digest() for kind, part in images.items()}


def test_linux_fetches_a_token_that_verifies(realm_machine: Session) -> None:
    assert anchor_of(realm_machine).worth == "development anchor of this machine"
    challenges = [secrets.token_bytes(64), secrets.token_bytes(32)]
    tokens = fetch(realm_machine, challenges)
    for challenge, data in zip(challenges, tokens, strict=True):
        token = verify(data, anchor_of(realm_machine))
        check_claims(token, realm_machine, challenge)
        components = token.platform[PLATFORM_COMPONENTS]
        told = {each[COMPONENT_TYPE]: each[COMPONENT_MEASUREMENT] for each in components}
        assert told == built(realm_machine.prepared.flash)
    again = fetch(realm_machine, challenges)
    assert again == tokens, "equal claims, and other bytes: the nonce was not derived from them"


def test_every_vcpu_of_a_sha_512_realm_gets_tokens(realm_factory: RealmFactory) -> None:
    config = RealmConfig(
        memory=512 * MIB, vcpus=2, hash_algorithm="sha-512", rpv=secrets.token_bytes(64)
    )
    with realm_factory(realms=(config,), cold=True) as session:
        for cpu in range(config.vcpus):
            challenge = secrets.token_bytes(64)
            (data,) = fetch(session, [challenge], cpu)
            check_claims(verify(data, anchor_of(session)), session, challenge)


def test_the_sample_anchor_is_there_for_who_asks_and_called_forgeable(
    realm_factory: RealmFactory,
) -> None:
    with realm_factory(anchor="sample") as session:
        challenge = secrets.token_bytes(64)
        (data,) = fetch(session, [challenge])
        anchor = anchor_of(session)
        assert anchor.worth == "sample anchor, forgeable"
        check_claims(verify(data, anchor), session, challenge)
        with pytest.raises(BadTokenError, match="signature"):
            verify(data, DevelopmentAnchor.new().attest_anchor())


def test_a_token_that_was_changed_anywhere_does_not_verify(realm_machine: Session) -> None:
    (data,) = fetch(realm_machine, [secrets.token_bytes(64)])
    anchor = anchor_of(realm_machine)
    verify(data, anchor)
    for position in range(0, len(data), 41):
        changed = bytearray(data)
        changed[position] ^= 1
        with pytest.raises(BadTokenError):
            verify(bytes(changed), anchor)
    for other in (data[:-1], data + b"\0", b""):
        with pytest.raises(BadTokenError):
            verify(other, anchor)
