# SPDX-License-Identifier: BSD-3-Clause
"""Comparison of a token's claims with the reference values of a policy."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from realmos.attest._book import Book
from realmos.attest._claims import NOTHING, PlatformClaims, RealmClaims, SoftwareComponent
from realmos.attest._names import HASH_SIZES, REALM_HASHES, replay
from realmos.attest._policy import Policy, ReferenceComponent
from realmos.attest._text import shown
from realmos.attest._token import Token

_COMPONENTS: Final = "platform.components"
_UNSAID: Final = "the policy does not say"
_UNKNOWN: Final = "not a claim that is known"


def check(book: Book, policy: Policy, token: Token) -> None:
    """Compare all claims that have reference values, and list those that have none."""
    _check_identity(book, policy, token.platform)
    _check_components(book, policy, token.platform)
    _check_platform(book, policy, token.platform)
    _check_realm(book, policy, token.realm)
    _check_rems(book, policy, token.realm)


def unsaid(book: Book, name: str, part: str, found: str) -> None:
    """Note that a policy has no reference value for a claim."""
    book.not_checked(name, parent=part, found=found, why=_UNSAID)


def _check_identity(book: Book, policy: Policy, platform: PlatformClaims) -> None:
    """The anchor was chosen by these two claims: say which of them it insists on."""
    implementation = platform.implementation_id
    anchors = [a for a in policy.anchors if a.implementation_id == implementation]
    instances = {a.instance_id for a in anchors}
    for name, value, matched in (
        ("implementation_id", implementation, bool(anchors)),
        ("instance_id", platform.instance_id, platform.instance_id in instances),
    ):
        field, found = f"platform.{name}", value.hex()
        if matched:
            book.passed(field, parent="platform", expected=found, found=found)
        else:
            why = "any instance will do" if None in instances else "see platform.anchor"
            book.not_checked(field, parent="platform", found=found, why=why)


def _check_components(book: Book, policy: Policy, platform: PlatformClaims) -> None:
    """Every component has a reference of its type, and every referenced type is there."""
    book.group(_COMPONENTS, "platform")
    references: dict[str, list[ReferenceComponent]] = {}
    for reference in policy.components:
        references.setdefault(reference.type, []).append(reference)
    seen: Counter[str] = Counter()
    for component in platform.components:
        name = component.type or ""
        seen[name] += 1
        field = _component_field(name, seen[name])
        found = _component_text(component)
        if not policy.components:
            book.not_checked(field, parent=_COMPONENTS, found=found, why=_UNSAID)
            continue
        accepted = references.get(name, [])
        book.compare(
            field, parent=_COMPONENTS, found=found,
            matches=any(_component_matches(component, reference) for reference in accepted),
            expected=_one_of(map(_reference_text, accepted)),
            why=f"the component that differs: {_component_name(name)}",
        )  # fmt: skip
    for name in sorted(references.keys() - seen):
        book.failed(
            _component_field(name, 1), parent=_COMPONENTS, found=NOTHING,
            expected=_one_of(map(_reference_text, references[name])),
            why=f"the component that is missing: {_component_name(name)}",
        )  # fmt: skip


def _component_name(name: str) -> str:
    return shown(name) or "one without a type"


def _component_field(name: str, count: int) -> str:
    field = f"{_COMPONENTS}.{shown(name) or 'untyped'}"
    return field if count == 1 else f"{field}[{count}]"


def _component_matches(component: SoftwareComponent, reference: ReferenceComponent) -> bool:
    return (
        component.measurement == reference.measurement
        and reference.signer in {None, component.signer}
        and reference.version in {None, component.version}
    )


def _component_text(component: SoftwareComponent) -> str:
    return _measured(component.measurement, component.signer, component.version)


def _reference_text(reference: ReferenceComponent) -> str:
    return _measured(reference.measurement, reference.signer, reference.version)


def _measured(measurement: bytes, signer: bytes | None, version: str | None) -> str:
    text = measurement.hex()
    text += "" if signer is None else f", signer {signer.hex()}"
    return text if version is None else f"{text}, version {shown(version)}"


def _check_platform(book: Book, policy: Policy, platform: PlatformClaims) -> None:
    _check_value(book, "platform.config", platform.config, policy.configs)
    book.passed(
        "platform.hash_algorithm", parent="platform",
        expected=_one_of(HASH_SIZES), found=platform.hash_algorithm,
    )  # fmt: skip
    if platform.service is not None:
        unsaid(book, "platform.service", "platform", shown(platform.service))
    _list_unknown(book, "platform", platform.unknown)


def _check_realm(book: Book, policy: Policy, realm: RealmClaims) -> None:
    book.compare(
        "realm.hash_algorithm", parent="realm", found=realm.hash_algorithm,
        matches=not policy.hash_algorithms or realm.hash_algorithm in policy.hash_algorithms,
        expected=_one_of(policy.hash_algorithms or REALM_HASHES[realm.profile]),
        why="the policy does not accept what the realm is measured with",
    )  # fmt: skip
    book.passed(
        "realm.public_key_hash_algorithm", parent="realm",
        expected=_one_of(HASH_SIZES), found=realm.public_key_hash_algorithm,
    )  # fmt: skip
    names = {rim.value: rim.name for rim in policy.rims}
    found = realm.rim.hex()
    if not names:
        unsaid(book, "realm.rim", "realm", found)
    else:
        known = realm.rim in names
        book.compare(
            "realm.rim", parent="realm", matches=known,
            expected=_one_of(f"{rim.value.hex()} ({rim.name})" for rim in policy.rims),
            found=f"{found} ({names[realm.rim]})" if known else found,
            why="the realm was not made from an image that the policy accepts",
        )  # fmt: skip
    _check_value(book, "realm.rpv", realm.rpv, policy.rpvs)
    if realm.instance_id is not None:
        unsaid(book, "realm.instance_id", "realm", realm.instance_id.hex())
    if realm.mec_policy is not None:
        unsaid(book, "realm.mec_policy", "realm", shown(realm.mec_policy))
    _list_unknown(book, "realm", realm.unknown)


def _check_rems(book: Book, policy: Policy, realm: RealmClaims) -> None:
    for index, found in enumerate(realm.rems, 1):
        field = f"realm.rem{index}"
        references = [rem for rem in policy.rems if rem.index == index]
        if not references:
            unsaid(book, field, "realm", found.hex())
            continue
        accepted = [value for rem in references for value in rem.values]
        logs = [rem.log for rem in references if rem.log is not None]
        accepted += [replay(log, realm.hash_algorithm) for log in logs]
        book.compare(
            field, parent="realm", matches=found in accepted, found=found.hex(),
            expected=_one_of(value.hex() for value in accepted),
            why="the realm did not measure what the policy expects",
        )  # fmt: skip


def _check_value(book: Book, field: str, found: bytes, accepted: Sequence[bytes]) -> None:
    part = field.partition(".")[0]
    if not accepted:
        unsaid(book, field, part, found.hex())
        return
    book.compare(
        field, parent=part, matches=found in accepted, found=found.hex(),
        expected=_one_of(value.hex() for value in accepted), why="not what the policy accepts",
    )  # fmt: skip


def _list_unknown(book: Book, part: str, claims: Mapping[object, object]) -> None:
    for label, value in claims.items():
        book.not_checked(
            f"{part}.claim {shown(label)}", parent=part, found=shown(value), why=_UNKNOWN
        )


def _one_of(texts: Iterable[str]) -> str:
    return " or ".join(texts) or "none"
