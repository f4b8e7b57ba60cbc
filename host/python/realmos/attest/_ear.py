# SPDX-License-Identifier: BSD-3-Clause
"""A verdict as an EAT Attestation Result (EAR): the claims set that Veraison's tools read.

It is not signed: whoever hands it on has to vouch for it. One submodule speaks of the platform, one
of the realm, as in Veraison's CCA scheme. A claim of a trustworthiness vector affirms only when
every check that it rests on was made and passed. What was not checked makes no claim; unknown
software is a warning, as in that scheme, since all else would be affirmed around it.

A submodule's status is never better than its claims, and contraindicated when one of its checks
failed: the policy refuses the realm then, however mild the claim. When the platform's part failed,
the realm's makes no claims. A realm whose token may be an old one gets a warning at best.

The anchor's worth is in each submodule's `ear.veraison.policy-claims`, a place that these tools
know. Anybody can sign with TF-A's sample key: over it hardware is a warning, no instance is
affirmed, and no submodule is better than a warning. A development anchor affirms as another does:
it stands for hardware to those who know the machine, and the worth says that it is no more.
"""

import base64
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from realmos.attest._anchor import SAMPLE_WORTH
from realmos.attest._names import life_cycle_name

if TYPE_CHECKING:
    from realmos.attest._claims import PlatformClaims, RealmClaims, SoftwareComponent
    from realmos.attest._verdict import Check, Verdict

EAR_PROFILE: Final = "tag:github.com,2023:veraison/ear"
EAR_POLICY: Final = "policy:realmos"
PLATFORM: Final = "CCA_SSD_PLATFORM"
REALM: Final = "CCA_REALM"

_Vector = dict[str, int]
_Json = dict[str, object]

_SHOWN: Final = ("platform.anchor", "platform.signature", "platform.profile")
_BOUND: Final = (*_SHOWN, "binding", "realm.profile", "realm.signature", "realm.challenge")
"""What shows that the token comes from this platform, and is new."""
_PROTECTING: Final = ("secured", "non_platform_rot_debug")
"""The states of a platform in which nobody can look into realms."""


class Claim(IntEnum):
    """Values of trustworthiness claims (AR4SI), those that are in use here."""

    NONE = 0
    UNEXPECTED_EVIDENCE = 1
    AFFIRMED = 2
    APPROVED_BOOT = 3
    WARNED = 32
    UNRECOGNIZED_EXECUTABLES = 33
    CONTRAINDICATED = 96
    UNRECOGNIZED = 97
    CRYPTO_FAILED = 99


def to_ear(verdict: "Verdict", *, issued_at: int = 0, policy_id: str = EAR_POLICY) -> _Json:
    """Return the claims set, as what `json` can write.

    Args:
        verdict: what to say.
        issued_at: seconds since the epoch; 0 when nobody minds.
        policy_id: what to call the policy.
    """
    checks = _Checks(verdict)
    return {
        "eat_profile": EAR_PROFILE,
        "iat": issued_at,
        "ear.verifier-id": {"developer": "realmos", "build": f"realmos, {verdict.anchor}"},
        "submods": {
            PLATFORM: _submodule(verdict, checks, policy_id, PLATFORM),
            REALM: _submodule(verdict, checks, policy_id, REALM),
        },
    }


class _Checks:
    """What came of a verdict's checks, by name."""

    def __init__(self, verdict: "Verdict") -> None:
        self._all: dict[str, Check] = {
            check.name: check for root in verdict.checks for check in root.walk()
        }
        self.sample = verdict.anchor == SAMPLE_WORTH

    def is_(self, name: str, status: str) -> bool:
        """Return whether there is such a check, and its status is this one."""
        check = self._all.get(name)
        return check is not None and check.status.value == status

    def failed(self, names: Iterable[str]) -> bool:
        """Return whether one of these failed."""
        return any(self.is_(name, "fail") for name in names)

    def passed(self, names: Iterable[str]) -> bool:
        """Return whether all of these were made, and passed."""
        return all(self.is_(name, "pass") for name in names)

    def below(self, name: str) -> list[str]:
        """Return the names of the checks that make up a group."""
        check = self._all.get(name)
        return [] if check is None else [child.name for child in check.children]


def _submodule(verdict: "Verdict", checks: _Checks, policy_id: str, name: str) -> _Json:
    token = verdict.token
    platform_fails = checks.failed(("token", "platform", "binding"))
    if name == PLATFORM:
        own_fails = platform_fails or checks.failed(_BOUND)
        vector = _platform_vector(verdict, checks)
        evidence = None if token is None else _platform_evidence(token.platform)
        shown = checks.passed(_SHOWN)
    else:
        own_fails = checks.failed(("token", "realm", "binding"))
        vector = {} if platform_fails and token is not None else _realm_vector(verdict, checks)
        evidence = None if token is None else _realm_evidence(token.realm)
        shown = checks.passed((*_SHOWN, "binding", "realm.signature"))
    old = name == REALM and not checks.passed(("realm.challenge",))
    warned = checks.sample or old
    failure = verdict.first_failure
    out: _Json = {
        "ear.status": _status(vector, failed=own_fails, warned=warned),
        "ear.trustworthiness-vector": {key: int(value) for key, value in vector.items() if value},
        "ear.appraisal-policy-id": policy_id,
        "ear.veraison.policy-claims": {
            "anchor": verdict.anchor,
            "verdict": "pass" if verdict.passed else "fail",
            **({} if failure is None else {"first-failure": str(failure)}),
        },
    }
    if evidence is not None and shown:
        out["ear.veraison.annotated-evidence"] = evidence
    return out


def _platform_vector(verdict: "Verdict", checks: _Checks) -> _Vector:
    if verdict.token is None:
        return _unreadable(checks)
    unknown = checks.failed(("platform.anchor",))
    unsigned = checks.failed(("platform.signature",))
    if unknown or unsigned:
        claim = Claim.UNRECOGNIZED if unknown else Claim.CRYPTO_FAILED
        return {"instance-identity": claim, "hardware": claim}
    components = checks.below("platform.components")
    return {
        "instance-identity": _instance(
            checks, (*_BOUND, "platform.instance_id"), also=("platform.lifecycle",)
        ),
        "configuration": _claim(checks, ("platform.config",), failed=Claim.WARNED),
        "executables": Claim.AFFIRMED
        if components and checks.passed(components)
        else Claim.UNRECOGNIZED_EXECUTABLES,
        "hardware": Claim.WARNED
        if checks.sample
        else _claim(checks, (*_SHOWN, "platform.implementation_id"), failed=Claim.UNRECOGNIZED),
        "runtime-opaque": _protection(verdict, checks),
        "storage-opaque": _protection(verdict, checks),
    }


def _realm_vector(verdict: "Verdict", checks: _Checks) -> _Vector:
    if verdict.token is None:
        return _unreadable(checks)
    if checks.failed(("realm.signature",)):
        return {"instance-identity": Claim.CRYPTO_FAILED}
    return {"instance-identity": _instance(checks, _BOUND), "executables": _executables(checks)}


def _unreadable(checks: _Checks) -> _Vector:
    """Nothing can be said of what is no token, nor of claims of a wrong form."""
    names = ("platform.signature", "realm.signature")
    claim = Claim.CRYPTO_FAILED if checks.failed(names) else Claim.UNEXPECTED_EVIDENCE
    return {"instance-identity": claim}


def _instance(checks: _Checks, names: tuple[str, ...], also: tuple[str, ...] = ()) -> Claim:
    if checks.sample and not checks.failed((*names, *also)):
        return Claim.NONE
    return _claim(checks, (*names, *also), failed=Claim.CONTRAINDICATED)


def _claim(checks: _Checks, names: tuple[str, ...], *, failed: Claim) -> Claim:
    if checks.failed(names):
        return failed
    return Claim.AFFIRMED if checks.passed(names) else Claim.NONE


def _protection(verdict: "Verdict", checks: _Checks) -> Claim:
    """Whether others can look into a realm's memory follows from the platform's state of life."""
    assert verdict.token is not None
    state = life_cycle_name(verdict.token.platform.life_cycle)
    if checks.failed(("platform.lifecycle",)) or state not in _PROTECTING:
        return Claim.CONTRAINDICATED
    return Claim.AFFIRMED if checks.passed(("platform.lifecycle",)) else Claim.NONE


def _executables(checks: _Checks) -> Claim:
    """A RIM that is known approves what was booted; REMs that are, what was run since."""
    rems = [f"realm.rem{index}" for index in range(1, 5)]
    if checks.failed(("realm.rim", "realm.rpv", "realm.hash_algorithm", *rems)):
        return Claim.CONTRAINDICATED
    if not checks.passed(("realm.rim",)):
        return Claim.UNRECOGNIZED_EXECUTABLES
    checked = any(checks.is_(rem, "pass") for rem in rems)
    return Claim.AFFIRMED if checked else Claim.APPROVED_BOOT


def _status(vector: _Vector, *, failed: bool, warned: bool) -> str:
    worst = max(vector.values(), default=0)
    if failed or worst >= Claim.CONTRAINDICATED:
        return "contraindicated"
    if worst >= Claim.WARNED:
        return "warning"
    if worst < Claim.AFFIRMED:
        return "none"
    return "warning" if warned else "affirming"


def _platform_evidence(claims: "PlatformClaims") -> _Json:
    """Return the platform's claims under the names that Veraison gives them."""
    out: _Json = {
        "cca-platform-profile": claims.profile,
        "cca-platform-challenge": _base64(claims.challenge),
        "cca-platform-implementation-id": _base64(claims.implementation_id),
        "cca-platform-instance-id": _base64(claims.instance_id),
        "cca-platform-config": _base64(claims.config),
        "cca-platform-lifecycle": claims.life_cycle,
        "cca-platform-hash-algo-id": claims.hash_algorithm,
        "cca-platform-sw-components": [_component(part) for part in claims.components],
        "cca-platform-service-indicator": claims.service,
    }
    return _said(out)


def _component(part: "SoftwareComponent") -> _Json:
    out: _Json = {
        "measurement-type": part.type,
        "measurement-value": _base64(part.measurement),
        "version": part.version,
        "signer-id": _base64(part.signer),
        "measurement-description": part.hash_algorithm,
    }
    return _said(out)


def _realm_evidence(claims: "RealmClaims") -> _Json:
    out: _Json = {
        "cca-realm-profile": claims.profile,
        "cca-realm-challenge": _base64(claims.challenge),
        "cca-realm-personalization-value": _base64(claims.rpv),
        "cca-realm-initial-measurement": _base64(claims.rim),
        "cca-realm-extensible-measurements": [_base64(rem) for rem in claims.rems],
        "cca-realm-hash-algo-id": claims.hash_algorithm,
        "cca-realm-public-key": _base64(claims.public_key),
        "cca-realm-public-key-hash-algo-id": claims.public_key_hash_algorithm,
    }
    return _said(out)


def _said(claims: Mapping[str, object]) -> _Json:
    return {name: value for name, value in claims.items() if value is not None}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
