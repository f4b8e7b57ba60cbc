# SPDX-License-Identifier: BSD-3-Clause
"""The claims of both parts of a token: their types and lengths, and what is in them.

Nothing here is compared with what anybody expects. Claims that are not known are kept, as EAT asks.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from realmos_abi import load

from realmos.attest._cbor import freeze, is_map, kind
from realmos.attest._names import HASH_SIZES, REALM_1, REALM_2, REALM_HASHES

_CCA = load("attestation")
_MEASUREMENT_SIZES: Final = tuple(HASH_SIZES.values())
_CHALLENGE_SIZE: Final = (_CCA["CCA_CHALLENGE_SIZE"],)
_REM_COUNT: Final = _CCA["CCA_EXTENSIBLE_MEASUREMENT_COUNT"]
_COMPONENTS_MAX: Final = 256
"""Many times what platforms have; it bounds what a forged token costs."""
_LIFE_CYCLE_MAX: Final = 0xFFFF
_MEC_POLICIES: Final = (0, 1, "private", "shared")
"""Private and shared memory encryption contexts: as numbers, or in older drafts as texts."""


NOTHING: Final = "nothing"
"""What is found where a claim is missing."""


@dataclass(frozen=True)
class ClaimProblem:
    """A claim that is absent, or not of its type or length."""

    field: str
    expected: str
    found: str


@dataclass(frozen=True)
class SoftwareComponent:
    """A software component of the platform; None is a member that the token leaves out."""

    type: str | None
    measurement: bytes
    version: str | None
    signer: bytes
    hash_algorithm: str | None
    unknown: Mapping[object, object] = field(default_factory=dict)


@dataclass(frozen=True)
class PlatformClaims:
    """What the platform says. `unknown` holds all claims without a name here."""

    profile: str
    challenge: bytes
    implementation_id: bytes
    instance_id: bytes
    config: bytes
    life_cycle: int
    hash_algorithm: str
    components: tuple[SoftwareComponent, ...]
    service: str | None
    unknown: Mapping[object, object]


@dataclass(frozen=True)
class RealmClaims:
    """What the RMM says of the realm. `instance_id` and `mec_policy` are era C's alone."""

    profile: str | None
    challenge: bytes
    rpv: bytes
    public_key: bytes
    hash_algorithm: str
    public_key_hash_algorithm: str
    rim: bytes
    rems: tuple[bytes, ...]
    instance_id: bytes | None
    mec_policy: int | str | None
    unknown: Mapping[object, object]


def read_platform(
    claims: Mapping[object, object],
) -> tuple[PlatformClaims | None, tuple[ClaimProblem, ...]]:
    """Return the platform's claims, or None and what is wrong with them."""
    reader = _Reader("platform", claims, "CCA_PLATFORM_")
    result = PlatformClaims(
        profile=reader.text("PROFILE", "profile"),
        challenge=reader.octets("CHALLENGE", "challenge", _MEASUREMENT_SIZES),
        implementation_id=reader.octets(
            "IMPLEMENTATION_ID", "implementation_id", (_CCA["CCA_IMPLEMENTATION_ID_SIZE"],)
        ),
        instance_id=reader.instance_id(),
        config=reader.octets("CONFIG", "config"),
        life_cycle=reader.number("LIFECYCLE", "lifecycle", _LIFE_CYCLE_MAX),
        hash_algorithm=reader.text("HASH_ALGORITHM", "hash_algorithm", HASH_SIZES),
        components=_components(reader),
        service=reader.optional_text("VERIFICATION_SERVICE", "service"),
        unknown=reader.rest(),
    )
    return (None if reader.problems else result), tuple(reader.problems)


def read_realm(
    claims: Mapping[object, object],
) -> tuple[RealmClaims | None, tuple[ClaimProblem, ...]]:
    """Return the realm's claims, or None and what is wrong with them."""
    reader = _Reader("realm", claims, "CCA_REALM_")
    profile = reader.optional_text("PROFILE", "profile", (REALM_1, REALM_2))
    newer = profile == REALM_2
    result = RealmClaims(
        profile=profile,
        challenge=reader.octets("CHALLENGE", "challenge", _CHALLENGE_SIZE),
        rpv=reader.octets(
            "PERSONALIZATION_VALUE", "rpv", (_CCA["CCA_PERSONALIZATION_VALUE_SIZE"],)
        ),
        public_key=reader.octets("PUBLIC_KEY", "public_key"),
        hash_algorithm=reader.text(
            "HASH_ALGORITHM", "hash_algorithm", REALM_HASHES.get(profile, HASH_SIZES)
        ),
        public_key_hash_algorithm=reader.text(
            "PUBLIC_KEY_HASH_ALGORITHM", "public_key_hash_algorithm", HASH_SIZES
        ),
        rim=reader.octets("INITIAL_MEASUREMENT", "rim", _MEASUREMENT_SIZES),
        rems=_rems(reader),
        instance_id=reader.instance_id() if newer else None,
        mec_policy=_mec_policy(reader) if newer else None,
        unknown=reader.rest(),
    )
    return (None if reader.problems else result), tuple(reader.problems)


class _Reader:
    """Takes claims out of a map, and notes what is wrong with each instead of stopping.

    Where there is a problem, what is returned has no meaning.
    """

    def __init__(self, name: str, claims: Mapping[object, object], prefix: str) -> None:
        self.problems: list[ClaimProblem] = []
        self._name = name
        self._left = dict(claims)
        self._prefix = prefix

    def take(self, constant: str) -> object:
        """Take the claim with this label; None when there is none."""
        return self._left.pop(_CCA[self._prefix + constant], None)

    def octets(self, constant: str, name: str, sizes: tuple[int, ...] = ()) -> bytes:
        """Take a byte string, of one of `sizes` when there are any."""
        value = self.take(constant)
        if isinstance(value, bytes) and (not sizes or len(value) in sizes):
            return value
        wanted = " or ".join(map(str, sizes)) or "any number of"
        self.note(name, f"{wanted} bytes", value)
        return b""

    def text(self, constant: str, name: str, known: Collection[str] = ()) -> str:
        """Take a text, one of `known` when there are any."""
        value = self.take(constant)
        if isinstance(value, str) and (not known or value in known):
            return value
        self.note(name, " or ".join(known) or "a text", value)
        return ""

    def optional_text(self, constant: str, name: str, known: Collection[str] = ()) -> str | None:
        """Take a text that need not be there."""
        label = _CCA[self._prefix + constant]
        return self.text(constant, name, known) if label in self._left else None

    def number(self, constant: str, name: str, largest: int) -> int:
        """Take an unsigned integer."""
        value = self.take(constant)
        if type(value) is int and 0 <= value <= largest:
            return value
        self.note(name, f"an integer from 0 to {largest}", value)
        return 0

    def instance_id(self) -> bytes:
        """Take a UEID of type RAND."""
        size, first = _CCA["CCA_INSTANCE_ID_SIZE"], bytes([_CCA["CCA_INSTANCE_ID_TYPE"]])
        value = self.octets("INSTANCE_ID", "instance_id", (size,))
        if value and not value.startswith(first):
            self.note("instance_id", f"a first byte of {first.hex()}", value)
        return value

    def note(self, name: str, expected: str, found: object) -> None:
        """Note a problem with the claim `name`."""
        shown = repr(found) if isinstance(found, str | int) else kind(found)
        shown = NOTHING if found is None else shown
        self.problems.append(ClaimProblem(f"{self._name}.{name}", expected, shown))

    def rest(self) -> Mapping[object, object]:
        """Return the claims that nobody took."""
        return freeze(self._left)


def _components(reader: _Reader) -> tuple[SoftwareComponent, ...]:
    value = reader.take("SW_COMPONENTS")
    if (
        not isinstance(value, tuple)
        or not 0 < len(value) <= _COMPONENTS_MAX
        or not all(is_map(item) for item in value)
    ):
        reader.note("components", f"an array of 1 to {_COMPONENTS_MAX} maps", value)
        return ()
    return tuple(_component(reader, index, item) for index, item in enumerate(value))


def _component(outer: _Reader, index: int, item: Mapping[object, object]) -> SoftwareComponent:
    reader = _Reader(f"platform.components[{index}]", item, "CCA_SW_COMPONENT_")
    result = SoftwareComponent(
        type=reader.optional_text("TYPE", "type"),
        measurement=reader.octets("MEASUREMENT", "measurement", _MEASUREMENT_SIZES),
        version=reader.optional_text("VERSION", "version"),
        signer=reader.octets("SIGNER_ID", "signer"),
        hash_algorithm=reader.optional_text("HASH_ALGORITHM", "hash_algorithm"),
        unknown=reader.rest(),
    )
    outer.problems += reader.problems
    return result


def _rems(reader: _Reader) -> tuple[bytes, ...]:
    value = reader.take("EXTENSIBLE_MEASUREMENTS")
    if not isinstance(value, tuple) or len(value) != _REM_COUNT:
        reader.note("rems", f"an array of {_REM_COUNT}", value)
        return ()
    for index, item in enumerate(value, 1):
        if not isinstance(item, bytes) or len(item) not in _MEASUREMENT_SIZES:
            wanted = " or ".join(map(str, _MEASUREMENT_SIZES))
            reader.note(f"rem{index}", f"{wanted} bytes", item)
    return value


def _mec_policy(reader: _Reader) -> int | str:
    value = reader.take("MEC_POLICY")
    if type(value) in {int, str} and isinstance(value, int | str) and value in _MEC_POLICIES:
        return value
    reader.note("mec_policy", "0 or 1", value)
    return 0
