# SPDX-License-Identifier: BSD-3-Clause
"""A CCA token taken apart: the envelope of every era, and the two signed parts in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from realmos_abi import load

from realmos.attest._cbor import decode, is_map, kind, untag
from realmos.attest._claims import PlatformClaims, RealmClaims, read_platform, read_realm
from realmos.attest._cose import Sign1
from realmos.attest._names import REALM_1, REALM_2
from realmos.errors import TokenError

_CCA = load("attestation")
_LABELS: Final = (_CCA["CCA_PLATFORM_TOKEN"], _CCA["CCA_REALM_TOKEN"])


class Era(Enum):
    """Which generation of the format the realm's claims are of.

    A: before RMM 1.0. B: RMM 1.0. C: after it.
    """

    A = "A"
    B = "B"
    C = "C"


@dataclass(frozen=True)
class Parts:
    """The signed parts of a token, and their claims as they came."""

    tag: int
    platform: Sign1
    realm: Sign1
    platform_claims: Mapping[object, object]
    realm_claims: Mapping[object, object]


@dataclass(frozen=True)
class Token:
    """A well-formed CCA token: types and lengths hold, and nothing else was checked.

    Attributes:
        era: of the realm's claims. Envelopes of one era with claims of another exist.
        tag: of the envelope.
        platform_part: the signed platform token.
        realm_part: the signed realm token.
        platform: the platform's claims.
        realm: the realm's claims.
    """

    era: Era
    tag: int
    platform_part: Sign1
    realm_part: Sign1
    platform: PlatformClaims
    realm: RealmClaims


def parse_token(data: bytes) -> Token:
    """Take a token of any era apart, without verifying anything.

    Raises:
        TokenError: `data` is not one.
    """
    parts = split(data)
    platform, wrong_platform = read_platform(parts.platform_claims)
    realm, wrong_realm = read_realm(parts.realm_claims)
    if platform is None or realm is None:
        problem = (*wrong_platform, *wrong_realm)[0]
        raise TokenError(
            f"expected {problem.expected}, found {problem.found}",
            field=problem.field,
        )
    return assemble(parts, platform, realm)


def assemble(parts: Parts, platform: PlatformClaims, realm: RealmClaims) -> Token:
    """Return the token that these parts and claims make up."""
    era = {None: Era.A, REALM_1: Era.B, REALM_2: Era.C}[realm.profile]
    return Token(era, parts.tag, parts.platform, parts.realm, platform, realm)


def split(data: bytes) -> Parts:
    """Take the envelope and both COSE_Sign1 apart.

    Raises:
        TokenError: `data` is no CCA token.
    """
    plain, collection = _CCA["CCA_TOKEN_TAG"], _CCA["CCA_COLLECTION_TAG"]
    tag, content = untag(decode(data, "token"), (plain, collection), "token")
    if not is_map(content) or content.keys() != set(_LABELS):
        raise TokenError(
            f"expected a map of {_LABELS[0]} and {_LABELS[1]}, found {_keys(content)}",
            field="token",
        )
    unwrap = _record if tag == collection else _plain
    platform = Sign1.parse(unwrap(content[_LABELS[0]], "platform"), "platform")
    realm = Sign1.parse(unwrap(content[_LABELS[1]], "realm"), "realm")
    return Parts(
        tag,
        platform,
        realm,
        _claims_map(platform.payload, "platform.claims"),
        _claims_map(realm.payload, "realm.claims"),
    )


def _plain(value: object, what: str) -> bytes:
    if not isinstance(value, bytes):
        raise TokenError(f"expected a byte string, found {kind(value)}", field=what)
    return value


def _record(value: object, what: str) -> bytes:
    expected = _CCA["CCA_RECORD_CONTENT_FORMAT"]
    match value:
        case (int(content_format), bytes(content)) if content_format == expected:
            return content
    raise TokenError(
        f"expected a record of content format {expected} and a byte string, found {kind(value)}",
        field=what,
    )


def _claims_map(payload: bytes, what: str) -> Mapping[object, object]:
    claims = decode(payload, what)
    if not is_map(claims):
        raise TokenError(f"expected a map of claims, found {kind(claims)}", field=what)
    return claims


def _keys(content: object) -> str:
    if not is_map(content):
        return kind(content)
    return f"a map of {', '.join(repr(key) for key in list(content)[:4]) or 'nothing'}"
