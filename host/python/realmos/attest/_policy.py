# SPDX-License-Identifier: BSD-3-Clause
"""What a relying party accepts. What a policy leaves empty is not checked, but for the anchors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from realmos_abi import load

from realmos.attest._anchor import Anchor

NONCE_MAX: Final = load("attestation")["CCA_CHALLENGE_SIZE"]
"""Bytes that a realm's challenge holds, and so the most that a nonce can have."""


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


RPV_SIZE: Final = load("attestation")["CCA_PERSONALIZATION_VALUE_SIZE"]
