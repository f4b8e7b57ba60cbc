# SPDX-License-Identifier: BSD-3-Clause
"""Reference values as the two JSON stores of rust-ccatoken, which Trustee's CCA verifier loads.

`ta.json` has keys and identifiers of platforms, `rv.json` the states of platforms and realms that
are accepted. That verifier compares a platform's components in their order, so a policy should list
them in the token's. What the stores have no place for is not in them: freshness, life cycle, what
an anchor is worth, names.
"""

import base64
import binascii
import json
from collections.abc import Collection, Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from realmos.attest._anchor import Anchor
from realmos.attest._keys import ALGORITHMS, Algorithm
from realmos.attest._names import HASH_SIZES
from realmos.attest._policy import REM_COUNT, Policy, ReferenceComponent
from realmos.attest._states import (
    PlatformState,
    RealmState,
    hash_name,
    platform_states,
    realm_states,
    to_policy,
)
from realmos.attest._text import shown
from realmos.errors import ConfigError

MAX_CHARACTERS: Final = 1 << 20
"""Characters of a store at most."""

_JWK_CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_SOURCE: Final = "rust-ccatoken"
_Object = dict[str, object]


def export_ccatoken(policy: Policy) -> tuple[str, str]:
    """Return a policy's anchors and reference values as texts of `ta.json` and `rv.json`.

    REMs and RPV that the policy says nothing of are left out. The newest versions of rust-ccatoken
    do not load such a store: for them, the policy has to say all of them.

    Raises:
        ConfigError: the policy has values that the stores cannot hold.
    """
    values = {
        "platform": [_platform_json(state) for state in platform_states(policy)],
        "realm": [_realm_json(state) for state in realm_states(policy)],
    }
    anchors = [_anchor_json(anchor) for anchor in policy.anchors]
    if (policy.rems or policy.rpvs) and not policy.rims:
        raise ConfigError("rv.json has REMs and RPVs below a RIM, and the policy has no RIM")
    if (policy.components or policy.configs) and not policy.anchors:
        raise ConfigError(
            "rv.json has a platform's values below its implementation id, and the policy has no"
            " anchor, which says that",
            hint="add an anchor to the policy",
        )
    return _written(anchors), _written({part: states for part, states in values.items() if states})


def import_ccatoken(ta: str, rv: str) -> Policy:
    """Return the policy that accepts what the stores say, and nothing besides.

    Anchors are of kind `other`. What the stores do not say is as in a policy's defaults.

    Args:
        ta: the text of `ta.json`.
        rv: the text of `rv.json`.

    Raises:
        ConfigError: one is malformed, says what is not known here, or ties values to one another as
            no policy can.
    """
    anchors = [
        _anchor(item, f"ta.json [{number}]")
        for number, item in enumerate(_list(_parsed(ta, "ta.json"), "ta.json"))
    ]
    values = _object(_parsed(rv, "rv.json"), "rv.json", optional=("platform", "realm"))
    states = {
        part: _list(values.get(part, []), f"rv.json {part}") for part in ("platform", "realm")
    }
    return to_policy(
        [_realm(item, f"rv.json realm[{n}]") for n, item in enumerate(states["realm"])],
        [_platform(item, f"rv.json platform[{n}]") for n, item in enumerate(states["platform"])],
        anchors=anchors,
        source=_SOURCE,
    )


def _platform_json(state: PlatformState) -> _Object:
    if state.config is None or not state.components:
        missing = "configuration" if state.config is None else "component"
        raise ConfigError(
            f"rv.json has a platform's configuration and components, and the policy no {missing}",
            hint=f"add the platform's {missing} to the policy",
        )
    return {
        "implementation-id": state.implementation_id.hex(),
        "platform-configuration": state.config.hex(),
        "sw-components": [_component_json(component) for component in state.components],
    }


def _component_json(component: ReferenceComponent) -> _Object:
    if component.signer is None:
        raise ConfigError(
            "rv.json has a signer with every component, and the policy none for"
            f" {component.type or 'one without a type'}",
            hint="add the component's signer to the policy",
        )
    out: _Object = {"component-type": component.type} if component.type else {}
    out |= {"measurement-value": component.measurement.hex(), "signer-id": component.signer.hex()}
    if component.version is not None:
        out["version"] = component.version
    return out


def _realm_json(state: RealmState) -> _Object:
    out: _Object = {
        "initial-measurement": state.rim.hex(),
        # The algorithm of the measurements, for all that the name says.
        "rak-hash-algorithm": hash_name(state.rim),
    }
    said = [rem.hex() for rem in state.rems if rem is not None]
    if said and len(said) != REM_COUNT:
        raise ConfigError(
            f"rv.json has all {REM_COUNT} REMs or none, and the policy {len(said)}",
            hint="add the others to the policy; a REM that nothing extends is zero",
        )
    if said:
        out["extensible-measurements"] = said
    if state.rpv is not None:
        out["personalization-value"] = state.rpv.hex()
    return out


def _anchor_json(anchor: Anchor) -> _Object:
    if anchor.instance_id is None:
        raise ConfigError(
            "ta.json has an instance id with every key, and the policy's anchor for"
            f" {anchor.implementation_id.hex()} has none",
            hint="add the platform's instance_id to the anchor",
        )
    numbers = anchor.public_key.public_numbers()
    size = (anchor.public_key.key_size + 7) // 8
    return {
        "instance-id": anchor.instance_id.hex(),
        "implementation-id": anchor.implementation_id.hex(),
        "pkey": {
            "kty": "EC",
            "crv": _JWK_CURVES[anchor.public_key.curve.name],
            "x": _base64url(numbers.x.to_bytes(size)),
            "y": _base64url(numbers.y.to_bytes(size)),
        },
    }


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _written(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


def _parsed(text: str, what: str) -> object:
    if len(text) > MAX_CHARACTERS:
        raise ConfigError(f"{what}: {len(text)} characters, more than {MAX_CHARACTERS}")
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{what}: not JSON as it has to be: {error}") from error


def _distinct(pairs: list[tuple[str, object]]) -> _Object:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a key is there twice")
    return out


def _refused(name: str) -> object:
    raise ValueError(f"{name} is no number")


def _anchor(value: object, what: str) -> Anchor:
    fields = _object(value, what, required=("instance-id", "implementation-id", "pkey"))
    instance = _octets(fields["instance-id"], f"{what} instance-id")
    return Anchor(
        kind="other",
        public_key=_key(fields["pkey"], f"{what} pkey"),
        implementation_id=_octets(fields["implementation-id"], f"{what} implementation-id"),
        instance_id=instance,
        name=f"{_SOURCE} anchor {instance.hex()}",
    )


def _key(value: object, what: str) -> ec.EllipticCurvePublicKey:
    """Return the public key that a JWK holds; one with a private part is refused."""
    fields = _object(
        value, what, required=("kty", "crv", "x", "y"), optional=("kid", "use", "alg", "key_ops")
    )
    curve = _text(fields["crv"], f"{what} crv")
    for algorithm in ALGORITHMS:
        if fields["kty"] == "EC" and _JWK_CURVES[algorithm.curve.name] == curve:
            x, y = (_coordinate(fields[name], algorithm, f"{what} {name}") for name in ("x", "y"))
            try:
                return ec.EllipticCurvePublicNumbers(x, y, algorithm.curve).public_key()
            except ValueError as error:
                raise ConfigError(f"{what}: the key is not on {curve}") from error
    raise ConfigError(f"{what}: expected a key of type EC on {', '.join(_JWK_CURVES.values())}")


def _coordinate(value: object, algorithm: Algorithm, what: str) -> int:
    text = _text(value, what)
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigError(f"{what}: not in base64url") from error
    if len(data) != algorithm.size or _base64url(data) != text:
        raise ConfigError(f"{what}: expected {algorithm.size} bytes in base64url without padding")
    return int.from_bytes(data)


def _platform(value: object, what: str) -> PlatformState:
    fields = _object(
        value, what, required=("implementation-id", "platform-configuration", "sw-components")
    )
    components = _list(fields["sw-components"], f"{what} sw-components")
    if not components:
        raise ConfigError(f"{what} sw-components: there are none")
    return PlatformState(
        _octets(fields["implementation-id"], f"{what} implementation-id"),
        _octets(fields["platform-configuration"], f"{what} platform-configuration"),
        tuple(_component(item, f"{what} sw-components[{n}]") for n, item in enumerate(components)),
    )


def _component(value: object, what: str) -> ReferenceComponent:
    fields = _object(
        value, what, required=("measurement-value", "signer-id"),
        optional=("component-type", "version", "hash-algo-id"),
    )  # fmt: skip
    measurement = _octets(fields["measurement-value"], f"{what} measurement-value")
    algorithm = _optional_text(fields.get("hash-algo-id"), f"{what} hash-algo-id")
    if algorithm is not None and HASH_SIZES.get(algorithm) != len(measurement):
        raise ConfigError(
            f"{what} hash-algo-id: the measurement is no digest of {shown(algorithm)}"
        )
    return ReferenceComponent(
        type=_optional_text(fields.get("component-type"), f"{what} component-type") or "",
        measurement=measurement,
        signer=_octets(fields["signer-id"], f"{what} signer-id"),
        version=_optional_text(fields.get("version"), f"{what} version"),
    )


def _realm(value: object, what: str) -> RealmState:
    fields = _object(
        value, what, required=("initial-measurement", "rak-hash-algorithm"),
        optional=("extensible-measurements", "personalization-value"),
    )  # fmt: skip
    rim = _measurement(fields["initial-measurement"], f"{what} initial-measurement")
    algorithm = _text(fields["rak-hash-algorithm"], f"{what} rak-hash-algorithm")
    if algorithm not in HASH_SIZES:
        raise ConfigError(f"{what} rak-hash-algorithm: {shown(algorithm)} is none that is known")
    rems: tuple[bytes | None, ...] = (None,) * REM_COUNT
    if "extensible-measurements" in fields:
        field = f"{what} extensible-measurements"
        values = _list(fields["extensible-measurements"], field)
        rems = tuple(_measurement(item, f"{field}[{n}]") for n, item in enumerate(values))
        if len(rems) != REM_COUNT or any(rem is None or len(rem) != len(rim) for rem in rems):
            raise ConfigError(f"{field}: expected {REM_COUNT} digests as long as the RIM")
    rpv = fields.get("personalization-value")
    return RealmState(
        rim, rems, None if rpv is None else _octets(rpv, f"{what} personalization-value")
    )


def _measurement(value: object, what: str) -> bytes:
    data = _octets(value, what)
    if len(data) not in HASH_SIZES.values():
        raise ConfigError(f"{what}: {len(data)} bytes are no digest")
    return data


def _object(
    value: object, what: str, *, required: Collection[str] = (), optional: Collection[str] = ()
) -> _Object:
    """Return an object that has all required keys, and no other than the optional ones."""
    if not isinstance(value, dict):
        raise ConfigError(f"{what}: expected an object")
    for key in required:
        if key not in value:
            raise ConfigError(f"{what}: {key} is missing")
    for key in value:
        if key not in required and key not in optional:
            raise ConfigError(f"{what}: {shown(key)} is not a key that is known here")
    return value


def _list(value: object, what: str) -> Sequence[object]:
    if not isinstance(value, list):
        raise ConfigError(f"{what}: expected a list")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{what}: expected a text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ConfigError(f"{what}: a text has half of a surrogate pair") from error
    return value


def _optional_text(value: object, what: str) -> str | None:
    return None if value is None else _text(value, what)


def _octets(value: object, what: str) -> bytes:
    text = _text(value, what)
    try:
        return base64.b16decode(text, casefold=True)
    except ValueError as error:
        raise ConfigError(f"{what}: not in hexadecimal") from error
