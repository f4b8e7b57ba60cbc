# SPDX-License-Identifier: BSD-3-Clause
"""The verification of a token, in the order in which one step rests on another.

Form, platform's signature, claims, binding, realm's signature, freshness, life cycle, and then what
the policy expects of the rest.
"""

from collections.abc import Collection
from typing import Final

from realmos_abi import load

from realmos.attest import _reference
from realmos.attest._anchor import Anchor
from realmos.attest._book import Book
from realmos.attest._claims import NOTHING, ClaimProblem, read_platform, read_realm
from realmos.attest._keys import cose_key, raw_key
from realmos.attest._names import PROFILE_PAIRS, digest, life_cycle_name
from realmos.attest._policy import NONCE_MAX, Policy
from realmos.attest._text import shown
from realmos.attest._token import Parts, Token, assemble, split
from realmos.attest._verdict import Verdict
from realmos.errors import TokenError

_CCA = load("attestation")
_IDENTITY: Final = (_CCA["CCA_PLATFORM_IMPLEMENTATION_ID"], _CCA["CCA_PLATFORM_INSTANCE_ID"])


def verify(data: bytes, policy: Policy, *, nonce: bytes | None) -> Verdict:
    """Verify a token against a policy.

    Whatever `data` is, the answer is a verdict, which fails and says why; nothing is raised.

    Args:
        data: the token, from whoever had it.
        policy: what is accepted.
        nonce: what the realm was challenged with, of which it had to put all into the token; zeros
            are added to a short one. None when there was none.
    """
    book = Book()
    try:
        parts = split(data)
    except TokenError as error:
        book.failed("token", expected="a CCA token", found=f"{len(data)} bytes", why=str(error))
        return book.verdict()
    book.passed("token", expected="a CCA token", found=f"{len(data)} bytes, tag {parts.tag}")
    for name in ("platform", "binding", "realm"):
        book.group(name)
    _check_platform_signature(book, policy, parts)
    token = _check_claims(book, parts)
    if token is not None:
        book.token = token
        _check_profiles(book, token)
        _check_binding(book, token)
        _check_realm_signature(book, token)
        _check_nonce(book, policy, token, nonce)
        _check_life_cycle(book, policy, token)
        _reference.check(book, policy, token)
    return book.verdict()


def _check_platform_signature(book: Book, policy: Policy, parts: Parts) -> None:
    implementation, instance = (parts.platform_claims.get(label) for label in _IDENTITY)
    candidates = [
        anchor
        for anchor in policy.anchors
        if anchor.implementation_id == implementation
        and (anchor.instance_id is None or anchor.instance_id == instance)
    ]
    expected = "; ".join(f"{anchor.worth}: {_identity(anchor)}" for anchor in policy.anchors)
    found = f"implementation {shown(implementation)}, instance {shown(instance)}"
    if not candidates:
        why = "no anchor of the policy vouches for this platform"
        book.failed(
            "platform.anchor", parent="platform", expected=expected or "one", found=found, why=why
        )
        book.not_checked("platform.signature", parent="platform", why="there is no key for it")
        return
    problems = [parts.platform.problem(anchor.public_key) for anchor in candidates]
    for anchor, problem in zip(candidates, problems, strict=True):
        if not problem:
            book.anchor = anchor.worth
            book.passed("platform.anchor", parent="platform", expected=expected, found=anchor.worth)
            found = parts.platform.algorithm.name
            book.passed("platform.signature", parent="platform", expected=found, found=found)
            return
    book.passed("platform.anchor", parent="platform", expected=expected, found=found)
    book.failed(
        "platform.signature",
        parent="platform",
        expected="a signature of the anchor's key",
        found=f"one of {parts.platform.algorithm.name} that does not verify",
        why=problems[0],
    )


def _identity(anchor: Anchor) -> str:
    instance = "any" if anchor.instance_id is None else anchor.instance_id.hex()
    return f"implementation {anchor.implementation_id.hex()}, instance {instance}"


def _check_claims(book: Book, parts: Parts) -> Token | None:
    """Note problems of form, and return the token if there are none."""
    platform, wrong_platform = read_platform(parts.platform_claims)
    realm, wrong_realm = read_realm(parts.realm_claims)
    _note_problems(book, "platform", wrong_platform)
    if platform is not None and realm is not None:
        return assemble(parts, platform, realm)
    why = "the claims are not well-formed"
    book.not_checked("binding", why=why)
    book.not_checked("realm.signature", parent="realm", why=why)
    _note_problems(book, "realm", wrong_realm)
    return None


def _note_problems(book: Book, part: str, problems: tuple[ClaimProblem, ...]) -> None:
    for problem in problems:
        book.failed(
            problem.field, parent=part, expected=problem.expected, found=problem.found,
            why="the claim is missing" if problem.found == NOTHING else "the claim's form is wrong",
        )  # fmt: skip


def _check_profiles(book: Book, token: Token) -> None:
    """Profiles of platform and realm come in pairs; another may give the claims another sense."""
    platform, realm = token.platform.profile, token.realm.profile
    if not book.compare(
        "platform.profile", parent="platform", matches=platform in PROFILE_PAIRS,
        expected=_accepted(PROFILE_PAIRS, platform), found=shown(platform),
        why="the platform's claims are of a profile that is not known",
    ):  # fmt: skip
        return
    pairs = PROFILE_PAIRS[platform]
    book.compare(
        "realm.profile", parent="realm", matches=realm in pairs,
        expected=_accepted(pairs, realm), found=realm or NOTHING,
        why="the realm's profile does not go with the platform's",
    )  # fmt: skip


def _accepted(profiles: Collection[str | None], found: str | None) -> str:
    """Return the profile that was met, or all that could have been."""
    shown_ones = [found] if found in profiles else profiles
    return " or ".join(profile or NOTHING for profile in shown_ones)


def _check_binding(book: Book, token: Token) -> None:
    """The platform's challenge is the hash of the realm's key, of the very bytes in the claim."""
    platform, realm = token.platform, token.realm
    algorithm = realm.public_key_hash_algorithm
    hashed = digest(algorithm, realm.public_key)
    bound = book.compare(
        "binding", matches=hashed == platform.challenge,
        expected=f"{algorithm} of the realm's key, {hashed.hex()}",
        found=f"the platform's challenge {platform.challenge.hex()}",
        why="the platform does not vouch for this realm's key",
    )  # fmt: skip
    for name, part, value in (
        ("platform.challenge", "platform", platform.challenge),
        ("realm.public_key", "realm", realm.public_key),
    ):
        if bound:
            book.passed(name, parent=part, expected="what binds both parts", found=value.hex())
        else:
            book.not_checked(name, parent=part, found=value.hex(), why="see binding")


def _check_realm_signature(book: Book, token: Token) -> None:
    realm, part = token.realm, token.realm_part
    read = raw_key if realm.profile is None else cose_key
    try:
        key = read(realm.public_key, "realm.public_key")
    except TokenError as error:
        book.failed(
            "realm.signature", parent="realm", expected="a key to verify it with",
            found=f"{len(realm.public_key)} bytes", why=str(error),
        )  # fmt: skip
        return
    problem = part.problem(key)
    name = part.algorithm.name
    book.compare(
        "realm.signature", parent="realm", matches=not problem, why=problem,
        expected="a signature of the realm's key",
        found=f"{name}, by it" if not problem else f"one of {name} that does not verify",
    )  # fmt: skip


def _check_nonce(book: Book, policy: Policy, token: Token, nonce: bytes | None) -> None:
    found = token.realm.challenge.hex()
    if nonce is None:
        why = "there was no nonce, so the token may be an old one"
        if policy.nonce_required:
            book.failed("realm.challenge", parent="realm", expected="a nonce", found=found, why=why)
        else:
            book.not_checked("realm.challenge", parent="realm", found=found, why=why)
        return
    usable = 0 < len(nonce) <= policy.nonce_max_size
    sized = f"nonces have 1 to {policy.nonce_max_size} bytes, and this one {len(nonce)}"
    padded = nonce.ljust(NONCE_MAX, b"\0")
    book.compare(
        "realm.challenge", parent="realm", matches=usable and padded == token.realm.challenge,
        expected=padded.hex(), found=found,
        why="the token is not the answer to this nonce" if usable else sized,
    )  # fmt: skip


def _check_life_cycle(book: Book, policy: Policy, token: Token) -> None:
    value = token.platform.life_cycle
    found = f"{life_cycle_name(value)} ({value:#06x})"
    if not policy.life_cycles:
        _reference.unsaid(book, "platform.lifecycle", "platform", found)
        return
    book.compare(
        "platform.lifecycle", parent="platform",
        matches=life_cycle_name(value) in policy.life_cycles,
        expected=" or ".join(policy.life_cycles), found=found,
        why="the platform is in a state of its life that the policy does not accept",
    )  # fmt: skip
