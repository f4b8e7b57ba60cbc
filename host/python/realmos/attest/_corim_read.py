# SPDX-License-Identifier: BSD-3-Clause
"""Reading CoRIMs with CCA reference values, strictly: what is not known here is refused.

A field that is skipped could be one that narrows what the values stand for, such as a validity.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from realmos_abi import load

from realmos.attest._anchor import Anchor, key_from_pem
from realmos.attest._cbor import decode, is_map, kind, untag
from realmos.attest._names import HASH_SIZES
from realmos.attest._policy import REM_COUNT, RPV_SIZE, ReferenceComponent
from realmos.attest._states import PlatformState, RealmState
from realmos.attest._text import shown
from realmos.errors import ConfigError, TokenError

_CCA = load("attestation")

REALM_PROFILE: Final = "tag:arm.com,2025:cca_realm#1.0.0"
PLATFORM_PROFILE: Final = "tag:arm.com,2025:cca_platform#1.0.0"
RIM_KEY: Final = "cca.rim"
REM_KEYS: Final = tuple(f"cca.rem{index}" for index in range(REM_COUNT))
"""The keys of REM 1 to 4, which CoRIM counts from 0."""
RPV_KEY: Final = "cca.rpv"
SOFTWARE_COMPONENT: Final = "cca.software-component"
PLATFORM_CONFIG: Final = "cca.platform-config"
HASHES: Final = {
    _CCA["COMID_HASH_SHA256"]: "sha-256",
    _CCA["COMID_HASH_SHA384"]: "sha-384",
    _CCA["COMID_HASH_SHA512"]: "sha-512",
}
"""The hash algorithms by their numbers in CoRIM."""

_UUID_SIZE: Final = 16
_Map = Mapping[object, object]


@dataclass(frozen=True)
class Contents:
    """What is in a CoRIM, or in several."""

    name: str
    realms: tuple[RealmState, ...] = ()
    platforms: tuple[PlatformState, ...] = ()
    anchors: tuple[Anchor, ...] = ()

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return what is in all of them."""
        return cls(
            ", ".join(part.name for part in parts),
            tuple(state for part in parts for state in part.realms),
            tuple(state for part in parts for state in part.platforms),
            tuple(anchor for part in parts for anchor in part.anchors),
        )


def read(data: bytes) -> Contents:
    """Return what is in an unsigned CoRIM.

    Raises:
        ConfigError: it is none, has another profile than CCA's, or says what is not known here.
    """
    try:
        return _corim(decode(data, "CoRIM"))
    except TokenError as error:
        raise ConfigError(str(error), hint="take a CoRIM without a signature, in CBOR") from error


def _corim(value: object) -> Contents:
    fields = _map(
        _untag("CORIM_TAG", value, "CoRIM"), "CoRIM",
        required=("CORIM_ID", "CORIM_TAGS", "CORIM_PROFILE"), optional=("CORIM_ENTITIES",),
    )  # fmt: skip
    name = f"CoRIM {_identifier(fields[_CCA['CORIM_ID']], 'CoRIM id')}"
    profile = _untag("CORIM_TAG_URI", fields[_CCA["CORIM_PROFILE"]], "CoRIM profile")
    if profile not in (REALM_PROFILE, PLATFORM_PROFILE):
        raise _error("CoRIM profile", f"{REALM_PROFILE} or {PLATFORM_PROFILE}", profile)
    for entity in _array(fields.get(_CCA["CORIM_ENTITIES"], ()), "CoRIM entities"):
        _map(entity, "CoRIM entity", required=("CORIM_ENTITY_NAME", "CORIM_ENTITY_ROLE"))
    parts = []
    seen: set[str] = set()
    for number, tag in enumerate(_array(fields[_CCA["CORIM_TAGS"]], "CoRIM tags", least=1)):
        what = f"CoMID {number}"
        content = _octets(_untag("CORIM_TAG_COMID", tag, what), what)
        identifier, triples = _comid(decode(content, what), what)
        if identifier in seen:
            raise ConfigError(f"{what}: its identifier {identifier} is that of another")
        seen.add(identifier)
        read_triples = _realm_triples if profile == REALM_PROFILE else _platform_triples
        parts.append(read_triples(name, triples, what))
    joined = Contents.joined(parts)
    return Contents(name, joined.realms, joined.platforms, joined.anchors)


def _comid(value: object, what: str) -> tuple[str, object]:
    fields = _map(
        value, what, required=("COMID_IDENTITY", "COMID_TRIPLES"),
        optional=("COMID_LANGUAGE", "COMID_ENTITIES"),
    )  # fmt: skip
    identity = _map(
        fields[_CCA["COMID_IDENTITY"]], f"{what} identity",
        required=("COMID_IDENTITY_ID",), optional=("COMID_IDENTITY_VERSION",),
    )  # fmt: skip
    identifier = _identifier(identity[_CCA["COMID_IDENTITY_ID"]], f"{what} identity")
    return identifier, fields[_CCA["COMID_TRIPLES"]]


def _realm_triples(name: str, value: object, what: str) -> Contents:
    triples = _map(value, f"{what} triples", required=("COMID_TRIPLES_REFERENCE",))
    references = _array(triples[_CCA["COMID_TRIPLES_REFERENCE"]], f"{what} triples", least=1)
    return Contents(
        name,
        realms=tuple(_realm(triple, f"{what} triple {n}") for n, triple in enumerate(references)),
    )


def _realm(triple: object, what: str) -> RealmState:
    environment, measurements = _pair(triple, what)
    class_id, _ = _environment(environment, what, instance=False)
    values: dict[str, bytes] = {}
    for key, value in _measurements(measurements, what):
        field = f"{what} {shown(key)}"
        if key in values:
            raise ConfigError(f"{field}: it is there twice")
        if key == RPV_KEY:
            values[key] = _raw(value, field)
            if len(values[key]) != RPV_SIZE:
                raise _error(field, f"{RPV_SIZE} bytes", values[key])
        elif key in {RIM_KEY, *REM_KEYS}:
            fields = _map(value, field, required=("COMID_VALUE_DIGESTS",))
            values[key] = _digest(fields[_CCA["COMID_VALUE_DIGESTS"]], field)
        else:
            raise _error(what, f"{RIM_KEY}, {', '.join(REM_KEYS)} or {RPV_KEY}", key)
    if values.get(RIM_KEY) != class_id:
        raise _error(f"{what} {RIM_KEY}", f"the class id {class_id.hex()}", values.get(RIM_KEY))
    rems = tuple(values.get(key) for key in REM_KEYS)
    if any(rem is not None and len(rem) != len(class_id) for rem in rems):
        raise ConfigError(f"{what}: its REMs are of another hash algorithm than its RIM")
    return RealmState(class_id, rems, values.get(RPV_KEY))


def _platform_triples(name: str, value: object, what: str) -> Contents:
    keys = ("COMID_TRIPLES_REFERENCE", "COMID_TRIPLES_KEY")
    triples = _map(value, f"{what} triples", optional=keys)
    references, endorsed = (
        _array(triples[_CCA[key]], f"{what} triples", least=1) if _CCA[key] in triples else ()
        for key in keys
    )
    return Contents(
        name,
        platforms=tuple(
            _platform(triple, f"{what} triple {n}") for n, triple in enumerate(references)
        ),
        anchors=tuple(
            _anchor(name, triple, f"{what} key triple {n}") for n, triple in enumerate(endorsed)
        ),
    )


def _platform(triple: object, what: str) -> PlatformState:
    environment, measurements = _pair(triple, what)
    implementation, _ = _environment(environment, what, instance=False)
    config: bytes | None = None
    components: list[ReferenceComponent] = []
    for key, value in _measurements(measurements, what):
        if key == SOFTWARE_COMPONENT:
            components.append(_component(value, f"{what} component {len(components)}"))
        elif key == PLATFORM_CONFIG:
            if config is not None:
                raise ConfigError(f"{what} {key}: it is there twice")
            config = _config(value, f"{what} {key}")
        else:
            raise _error(what, f"{SOFTWARE_COMPONENT} or {PLATFORM_CONFIG}", key)
    if not components:
        raise ConfigError(f"{what}: it has no {SOFTWARE_COMPONENT}")
    return PlatformState(implementation, config, tuple(components))


def _component(value: object, what: str) -> ReferenceComponent:
    fields = _map(
        value, what, required=("COMID_VALUE_DIGESTS", "COMID_VALUE_KEYS"),
        optional=("COMID_VALUE_VERSION", "COMID_VALUE_NAME"),
    )  # fmt: skip
    version: str | None = None
    if _CCA["COMID_VALUE_VERSION"] in fields:
        value = fields[_CCA["COMID_VALUE_VERSION"]]
        content = _map(value, f"{what} version", required=("COMID_VERSION_TEXT",))
        version = _text(content[_CCA["COMID_VERSION_TEXT"]], f"{what} version")
    name = fields.get(_CCA["COMID_VALUE_NAME"], "")
    (key,) = _array(fields[_CCA["COMID_VALUE_KEYS"]], f"{what} signer", least=1, most=1)
    signer = _octets(_untag("CORIM_TAG_BYTES", key, f"{what} signer"), f"{what} signer")
    if len(signer) not in HASH_SIZES.values():
        raise _error(f"{what} signer", "a digest", signer)
    return ReferenceComponent(
        type=_text(name, f"{what} name"),
        measurement=_digest(fields[_CCA["COMID_VALUE_DIGESTS"]], what),
        signer=signer,
        version=version,
    )


def _config(value: object, what: str) -> bytes:
    """Return the value of a platform configuration, masked as the draft or as Veraison has it."""
    mask = _CCA["COMID_VALUE_RAW_MASK"]
    fields = _map(
        value, what, required=("COMID_VALUE_RAW",), optional=("COMID_VALUE_RAW_MASK",)
    )  # fmt: skip
    tags = (_CCA["CORIM_TAG_BYTES"], _CCA["CORIM_TAG_MASKED"])
    tag, raw = untag(fields[_CCA["COMID_VALUE_RAW"]], tags, what)
    masks = [fields[mask]] if mask in fields else []
    if tag == _CCA["CORIM_TAG_MASKED"]:
        raw, masked = _pair(raw, what)
        masks.append(masked)
    config = _octets(raw, what)
    for given in masks:
        if len(_octets(given, f"{what} mask")) != len(config):
            raise _error(f"{what} mask", f"{len(config)} bytes", given)
    return config


def _anchor(name: str, triple: object, what: str) -> Anchor:
    environment, keys = _pair(triple, what)
    implementation, instance = _environment(environment, what, instance=True)
    (key,) = _array(keys, what, least=1, most=1)
    pem = _text(_untag("CORIM_TAG_KEY", key, what), what)
    try:
        public_key = key_from_pem(pem)
    except ConfigError as error:
        raise ConfigError(f"{what}: {error}") from error
    return Anchor("other", public_key, implementation, instance, name=f"anchor of {name}")


def _environment(value: object, what: str, *, instance: bool) -> tuple[bytes, bytes | None]:
    """Return class id and instance id of an environment that has these and nothing else."""
    what = f"{what} environment"
    required = ("COMID_ENVIRONMENT_CLASS", *(("COMID_ENVIRONMENT_INSTANCE",) if instance else ()))
    fields = _map(value, what, required=required)
    class_ = _map(fields[_CCA["COMID_ENVIRONMENT_CLASS"]], what, required=("COMID_CLASS_ID",))
    class_id = _octets(_untag("CORIM_TAG_BYTES", class_[_CCA["COMID_CLASS_ID"]], what), what)
    if not instance:
        return class_id, None
    field = fields[_CCA["COMID_ENVIRONMENT_INSTANCE"]]
    return class_id, _octets(_untag("CORIM_TAG_UEID", field, what), what)


def _measurements(value: object, what: str) -> list[tuple[str, object]]:
    found = []
    for item in _array(value, f"{what} measurements", least=1):
        fields = _map(item, what, required=("COMID_MEASUREMENT_KEY", "COMID_MEASUREMENT_VALUE"))
        key = _text(fields[_CCA["COMID_MEASUREMENT_KEY"]], f"{what} key")
        found.append((key, fields[_CCA["COMID_MEASUREMENT_VALUE"]]))
    return found


def _digest(value: object, what: str) -> bytes:
    """Return the one digest that a list of digests has."""
    (item,) = _array(value, f"{what} digests", least=1, most=1)
    algorithm, digest = _pair(item, f"{what} digest")
    name = HASHES.get(algorithm) if type(algorithm) is int else algorithm
    if not isinstance(name, str) or name not in HASH_SIZES:
        raise _error(f"{what} digest", f"one of {', '.join(HASH_SIZES)}", algorithm)
    content = _octets(digest, f"{what} digest")
    if len(content) != HASH_SIZES[name]:
        raise _error(f"{what} digest", f"{HASH_SIZES[name]} bytes for {name}", content)
    return content


def _raw(value: object, what: str) -> bytes:
    fields = _map(value, what, required=("COMID_VALUE_RAW",))
    return _octets(_untag("CORIM_TAG_BYTES", fields[_CCA["COMID_VALUE_RAW"]], what), what)


def _map(
    value: object, what: str, *, required: Collection[str] = (), optional: Collection[str] = ()
) -> _Map:
    """Return a map that has all required keys, and no other than the optional ones."""
    if not is_map(value):
        raise _error(what, "a map", value)
    needed, known = ({_CCA[name] for name in names} for names in (required, optional))
    for missing in sorted(needed - value.keys()):
        raise ConfigError(f"{what}: key {missing} is missing")
    for key in value.keys() - needed - known:
        raise ConfigError(f"{what}: key {shown(key)} is not one that is known here")
    return value


def _array(
    value: object, what: str, *, least: int = 0, most: int | None = None
) -> tuple[object, ...]:
    if not isinstance(value, tuple) or len(value) < least:
        raise _error(what, f"an array of {least} or more", value)
    if most is not None and len(value) > most:
        raise _error(what, f"an array of {most}", value)
    return value


def _pair(value: object, what: str) -> tuple[object, object]:
    first, second = _array(value, what, least=2, most=2)
    return first, second


def _untag(constant: str, value: object, what: str) -> object:
    return untag(value, (_CCA[constant],), what)[1]


def _octets(value: object, what: str) -> bytes:
    if not isinstance(value, bytes):
        raise _error(what, "a byte string", value)
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise _error(what, "a text", value)
    return value


def _identifier(value: object, what: str) -> str:
    """Return an identifier, which is a text or the 16 bytes of a UUID, as text."""
    if isinstance(value, bytes) and len(value) == _UUID_SIZE:
        return value.hex()
    if isinstance(value, str) and value:
        return shown(value)
    raise _error(what, f"a text or {_UUID_SIZE} bytes", value)


def _error(what: str, expected: str, found: object) -> ConfigError:
    said = shown(found) if isinstance(found, str | int) else kind(found)
    return ConfigError(f"{what}: expected {expected}, found {said}")
