# SPDX-License-Identifier: BSD-3-Clause
"""What a relying party accepts. What a policy leaves empty is not checked, but for the anchors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from realmos_abi import load

from realmos.attest._anchor import Anchor
from realmos.attest._keys import CURVES
from realmos.attest._names import HASH_SIZES, LIFE_CYCLES
from realmos.errors import ConfigError

_CCA = load("attestation")

NONCE_MAX: Final = _CCA["CCA_CHALLENGE_SIZE"]
"""Bytes that a realm's challenge holds, and so the most that a nonce can have."""
RPV_SIZE: Final = _CCA["CCA_PERSONALIZATION_VALUE_SIZE"]
REM_COUNT: Final = _CCA["CCA_EXTENSIBLE_MEASUREMENT_COUNT"]
LOG_VALUE_MAX: Final = 64
"""Bytes that RSI_MEASUREMENT_EXTEND takes at most."""


@dataclass(frozen=True)
class ReferenceRim:
    """An accepted initial measurement, and what to call it."""

    name: str
    value: bytes


@dataclass(frozen=True)
class ReferenceRem:
    """What REM `index` (1 to 4) must be: one of `values`, or what replaying `log` gives.

    Attributes:
        values: accepted measurements.
        log: values that RSI_MEASUREMENT_EXTEND took, in order; None when `values` count.
    """

    index: int
    values: tuple[bytes, ...] = ()
    log: tuple[bytes, ...] | None = None


@dataclass(frozen=True)
class ReferenceComponent:
    """An accepted software component of the platform. Several of one type are alternatives.

    Attributes:
        type: the component's type, as in the token; empty for one that has none.
        measurement: its hash.
        signer: the hash of the key that signed it; None for any.
        version: None for any.
    """

    type: str
    measurement: bytes
    signer: bytes | None = None
    version: str | None = None


@dataclass(frozen=True)
class Policy:
    """What a token must say.

    Attributes:
        anchors: who may vouch for a platform. Without any, no token passes.
        nonce_required: a verification without a nonce fails.
        nonce_max_size: bytes that a nonce may have, at most 64.
        life_cycles: accepted states of the platform, names of `LIFE_CYCLES`.
        configs: accepted platform configurations.
        components: accepted software of the platform; each type must be in the token, and no other.
        hash_algorithms: what the realm may be measured with.
        rims: accepted initial measurements.
        rems: what extensible measurements must be.
        rpvs: accepted personalization values, 64 bytes each.

    Raises:
        ConfigError: a value cannot be in a token, or is of no known name.
    """

    anchors: tuple[Anchor, ...]
    nonce_required: bool = True
    nonce_max_size: int = NONCE_MAX
    life_cycles: tuple[str, ...] = ("secured",)
    configs: tuple[bytes, ...] = ()
    components: tuple[ReferenceComponent, ...] = ()
    hash_algorithms: tuple[str, ...] = ()
    rims: tuple[ReferenceRim, ...] = ()
    rems: tuple[ReferenceRem, ...] = ()
    rpvs: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        for problem in self._problems():
            raise ConfigError(f"policy: {problem}")

    def _problems(self) -> Iterator[str]:
        if not 0 < self.nonce_max_size <= NONCE_MAX:
            yield f"a nonce has 1 to {NONCE_MAX} bytes, not {self.nonce_max_size}"
        for name in self.life_cycles:
            if name not in LIFE_CYCLES:
                yield f"{name} is none of the life cycle states {', '.join(LIFE_CYCLES)}"
        for name in self.hash_algorithms:
            if name not in HASH_SIZES:
                yield f"{name} is none of the hash algorithms {', '.join(HASH_SIZES)}"
        for rpv in self.rpvs:
            if len(rpv) != RPV_SIZE:
                yield f"a personalization value has {RPV_SIZE} bytes, not {len(rpv)}"
        yield from _measurement_problems([rim.value for rim in self.rims])
        yield from _measurement_problems([part.measurement for part in self.components])
        for anchor in self.anchors:
            yield from _anchor_problems(anchor)
        for rem in self.rems:
            yield from _rem_problems(rem)


def _measurement_problems(values: Sequence[bytes]) -> Iterator[str]:
    for value in values:
        if len(value) not in HASH_SIZES.values():
            yield f"{value.hex() or 'nothing'} is no measurement: it has {len(value)} bytes"


def _anchor_problems(anchor: Anchor) -> Iterator[str]:
    size = _CCA["CCA_IMPLEMENTATION_ID_SIZE"]
    if len(anchor.implementation_id) != size:
        yield f"an implementation id has {size} bytes, not {len(anchor.implementation_id)}"
    size = _CCA["CCA_INSTANCE_ID_SIZE"]
    if anchor.instance_id is not None and len(anchor.instance_id) != size:
        yield f"an instance id has {size} bytes, not {len(anchor.instance_id)}"
    if anchor.kind == "other" and not anchor.name:
        yield "an anchor of kind other needs a name, which verdicts then say"
    if anchor.public_key.curve.name not in CURVES:
        yield f"an anchor's key is on one of {', '.join(CURVES)}"


def _rem_problems(rem: ReferenceRem) -> Iterator[str]:
    if not 1 <= rem.index <= REM_COUNT:
        yield f"REMs have the numbers 1 to {REM_COUNT}, not {rem.index}"
    if bool(rem.values) == (rem.log is not None):
        yield f"REM {rem.index} needs either values or a log"
    yield from _measurement_problems(rem.values)
    for value in rem.log or ():
        if len(value) > LOG_VALUE_MAX:
            yield f"a REM is extended by {LOG_VALUE_MAX} bytes at most, not {len(value)}"


def default_policy(
    anchor: Anchor,
    *,
    components: Sequence[ReferenceComponent],
    rims: Sequence[ReferenceRim],
    rems: Sequence[ReferenceRem] = (),
    rpv: bytes | None = None,
    hash_algorithm: str | None = None,
) -> Policy:
    """Return the policy of one machine: its anchor, firmware and realm, fresh and secured.

    Args:
        anchor: what vouches for the machine.
        components: the firmware that was built for it.
        rims: the realm's predicted measurement; several when it may be one of several.
        rems: predicted extensible measurements.
        rpv: the realm's personalization value, zero padded when short; None for any.
        hash_algorithm: what the realm is measured with; None for any.
    """
    return Policy(
        anchors=(anchor,),
        components=tuple(components),
        rims=tuple(rims),
        rems=tuple(rems),
        rpvs=() if rpv is None else (rpv.ljust(RPV_SIZE, b"\0"),),
        hash_algorithms=() if hash_algorithm is None else (hash_algorithm,),
    )
