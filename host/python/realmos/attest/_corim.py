# SPDX-License-Identifier: BSD-3-Clause
"""Reference values as CoRIM, in the encoding that Veraison's services take.

A CoRIM has one profile, so a policy that speaks of realms and of platforms is two of them. Where
the draft of the profiles and Veraison differ, this writes what Veraison reads, and reads both.
What a CoRIM has no place for is not in it: freshness, life cycle, what an anchor is worth, names.
"""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import cbor2
from realmos_abi import load

from realmos.attest._anchor import Anchor
from realmos.attest._cbor import MAX_SIZE
from realmos.attest._corim_read import (
    HASHES,
    PLATFORM_CONFIG,
    PLATFORM_PROFILE,
    REALM_PROFILE,
    REM_KEYS,
    RIM_KEY,
    RPV_KEY,
    SOFTWARE_COMPONENT,
    Contents,
    read,
)
from realmos.attest._names import HASH_SIZES
from realmos.attest._policy import Policy, ReferenceComponent
from realmos.attest._states import (
    PlatformState,
    RealmState,
    hash_name,
    platform_states,
    realm_states,
    to_policy,
)
from realmos.errors import ConfigError

_CCA = load("attestation")
_NUMBERS: Final = {name: number for number, name in HASHES.items()}
_PROFILES: Final = {"realm": REALM_PROFILE, "platform": PLATFORM_PROFILE}

CorimPart = Literal["realm", "platform"]


@dataclass(frozen=True)
class CorimIdentity:
    """What a CoRIM is called.

    Attributes:
        id: its own identifier; None for one that depends on what is in it.
        tag_id: the identifier of the CoMID in it, 16 bytes; None as above.
        entity: who made it.
    """

    id: str | None = None
    tag_id: bytes | None = None
    entity: str = "realmos"


def export_corim(
    policy: Policy, part: CorimPart | None = None, *, identity: CorimIdentity | None = None
) -> bytes:
    """Return a policy's reference values as an unsigned CoRIM. Equal policies make equal bytes.

    Args:
        policy: what is accepted. REMs by log are written as what the log results in.
        part: `realm` for RIMs, REMs and RPVs; `platform` for software, configuration and anchors.
            None for the only one that the policy has values of.
        identity: what the CoRIM is called.

    Raises:
        ConfigError: the policy has no such values, or some that a CoRIM cannot hold.
    """
    part = part or _only_part(policy)
    triples = _realm_triples(policy) if part == "realm" else _platform_triples(policy)
    if not triples:
        raise ConfigError(f"the policy has no reference values of a {part} to write as CoRIM")
    identity = identity or CorimIdentity()
    derived = uuid.uuid5(
        uuid.NAMESPACE_URL, _PROFILES[part] + hashlib.sha256(cbor2.dumps(triples)).hexdigest()
    )
    comid = {
        _CCA["COMID_IDENTITY"]: {_CCA["COMID_IDENTITY_ID"]: identity.tag_id or derived.bytes},
        _CCA["COMID_TRIPLES"]: triples,
    }
    corim = {
        _CCA["CORIM_ID"]: identity.id or str(derived),
        _CCA["CORIM_TAGS"]: [_tagged("CORIM_TAG_COMID", cbor2.dumps(comid))],
        _CCA["CORIM_PROFILE"]: _tagged("CORIM_TAG_URI", _PROFILES[part]),
        _CCA["CORIM_ENTITIES"]: [
            {
                _CCA["CORIM_ENTITY_NAME"]: identity.entity,
                _CCA["CORIM_ENTITY_ROLE"]: [_CCA["CORIM_ROLE_CREATOR"]],
            }
        ],
    }
    data = cbor2.dumps(_tagged("CORIM_TAG", corim))
    if len(data) > MAX_SIZE:
        raise ConfigError(
            f"the CoRIM has {len(data)} bytes, more than {MAX_SIZE}",
            hint="split the policy into policies with fewer alternatives",
        )
    return data


def import_corim(*documents: bytes, anchors: Sequence[Anchor] = ()) -> Policy:
    """Return the policy that accepts what unsigned CoRIMs say, and nothing besides.

    Several documents make one policy, as a realm's and its platform's. What a CoRIM does not say is
    as in a policy's defaults. A mask over a platform configuration is not kept: all of the value
    has to match, which is never less strict. Anchors are of kind `other`, named after the CoRIM.

    Args:
        documents: CoRIMs, in CBOR.
        anchors: what vouches for platforms besides the keys in the documents.

    Raises:
        ConfigError: a document is malformed, says what is not known here, or ties values to one
            another as no policy can.
    """
    contents = [read(document) for document in documents]
    every = Contents.joined(contents)
    return to_policy(
        every.realms, every.platforms, anchors=[*anchors, *every.anchors], source=every.name
    )


def _only_part(policy: Policy) -> CorimPart:
    realm = bool(policy.rims)
    platform = bool(policy.components or policy.configs)
    if realm and platform:
        raise ConfigError(
            "the policy has reference values of realm and platform, which take a CoRIM each",
            hint="export the realm's and the platform's, one after the other",
        )
    return "realm" if realm else "platform"


def _realm_triples(policy: Policy) -> dict[int, object]:
    if not policy.rims:
        if policy.rems or policy.rpvs:
            raise ConfigError("CoRIM has REMs and RPVs below a RIM, and the policy has no RIM")
        return {}
    return {_CCA["COMID_TRIPLES_REFERENCE"]: [_realm_triple(s) for s in realm_states(policy)]}


def _realm_triple(state: RealmState) -> list[object]:
    digests = [(RIM_KEY, state.rim), *zip(REM_KEYS, state.rems, strict=True)]
    measurements = [
        _measurement(key, {_CCA["COMID_VALUE_DIGESTS"]: [_digest(value)]})
        for key, value in digests
        if value is not None
    ]
    if state.rpv is not None:
        raw = {_CCA["COMID_VALUE_RAW"]: _tagged("CORIM_TAG_BYTES", state.rpv)}
        measurements.append(_measurement(RPV_KEY, raw))
    return [_environment(state.rim), measurements]


def _platform_triples(policy: Policy) -> dict[int, object]:
    triples: dict[int, object] = {}
    if (policy.components or policy.configs) and not policy.anchors:
        raise ConfigError(
            "CoRIM has a platform's values below its implementation id, and the policy has no"
            " anchor, which says that",
            hint="add an anchor to the policy",
        )
    if states := platform_states(policy):
        triples[_CCA["COMID_TRIPLES_REFERENCE"]] = [_platform_triple(state) for state in states]
    if policy.anchors:
        triples[_CCA["COMID_TRIPLES_KEY"]] = [_key_triple(anchor) for anchor in policy.anchors]
    return triples


def _platform_triple(state: PlatformState) -> list[object]:
    measurements = [
        _measurement(SOFTWARE_COMPONENT, _component(component)) for component in state.components
    ]
    if state.config is not None:
        every_bit = b"\xff" * len(state.config)
        value = {
            _CCA["COMID_VALUE_RAW"]: _tagged("CORIM_TAG_BYTES", state.config),
            _CCA["COMID_VALUE_RAW_MASK"]: every_bit,
        }
        measurements.append(_measurement(PLATFORM_CONFIG, value))
    return [_environment(state.implementation_id), measurements]


def _component(component: ReferenceComponent) -> dict[int, object]:
    if component.signer is None or len(component.signer) not in HASH_SIZES.values():
        raise ConfigError(
            f"CoRIM has a signer with every component, a digest, and the policy none for"
            f" {component.type or 'one without a type'}",
            hint="add the component's signer to the policy",
        )
    value: dict[int, object] = {}
    if component.version is not None:
        value[_CCA["COMID_VALUE_VERSION"]] = {_CCA["COMID_VERSION_TEXT"]: component.version}
    value[_CCA["COMID_VALUE_DIGESTS"]] = [_digest(component.measurement)]
    if component.type:
        value[_CCA["COMID_VALUE_NAME"]] = component.type
    value[_CCA["COMID_VALUE_KEYS"]] = [_tagged("CORIM_TAG_BYTES", component.signer)]
    return value


def _key_triple(anchor: Anchor) -> list[object]:
    if anchor.instance_id is None:
        raise ConfigError(
            f"CoRIM has an instance id with every key, and the policy's anchor for"
            f" {anchor.implementation_id.hex()} has none",
            hint="add the platform's instance_id to the anchor",
        )
    environment = _environment(anchor.implementation_id)
    instance = _tagged("CORIM_TAG_UEID", anchor.instance_id)
    key = _tagged("CORIM_TAG_KEY", anchor.to_pem().strip())
    return [environment | {_CCA["COMID_ENVIRONMENT_INSTANCE"]: instance}, [key]]


def _environment(class_id: bytes) -> dict[int, object]:
    return {
        _CCA["COMID_ENVIRONMENT_CLASS"]: {
            _CCA["COMID_CLASS_ID"]: _tagged("CORIM_TAG_BYTES", class_id)
        }
    }


def _measurement(key: str, value: object) -> dict[int, object]:
    return {_CCA["COMID_MEASUREMENT_KEY"]: key, _CCA["COMID_MEASUREMENT_VALUE"]: value}


def _digest(value: bytes) -> list[object]:
    return [_NUMBERS[hash_name(value)], value]


def _tagged(constant: str, value: object) -> cbor2.CBORTag:
    return cbor2.CBORTag(_CCA[constant], value)
