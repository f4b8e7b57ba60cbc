# SPDX-License-Identifier: BSD-3-Clause
"""Reference values as other formats have them: whole states, of which one has to match.

A policy lists values a claim at a time, and any combination of them is accepted. CoRIM and other
stores list combinations. So a policy is written as all that it accepts; and what is read becomes a
policy only when that policy accepts just what was read, and no combination besides.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final, TypeVar

from realmos.attest._anchor import Anchor
from realmos.attest._names import HASH_SIZES, replay
from realmos.attest._policy import (
    REM_COUNT,
    Policy,
    ReferenceComponent,
    ReferenceRem,
    ReferenceRim,
)
from realmos.errors import ConfigError

MAX_STATES: Final = 256
"""Combinations that a policy may stand for when it is written as states."""

_ALGORITHMS: Final = {size: name for name, size in HASH_SIZES.items()}
_T = TypeVar("_T")
_Alternatives = Sequence[bytes | None]


@dataclass(frozen=True)
class RealmState:
    """A realm that is accepted; None is what may be anything.

    Attributes:
        rim: its initial measurement.
        rems: REM 1 to 4.
        rpv: its personalization value.
    """

    rim: bytes
    rems: tuple[bytes | None, ...] = (None,) * REM_COUNT
    rpv: bytes | None = None


@dataclass(frozen=True)
class PlatformState:
    """A platform that is accepted: all of its software, and its configuration if it matters."""

    implementation_id: bytes
    config: bytes | None
    components: tuple[ReferenceComponent, ...]


def hash_name(measurement: bytes) -> str:
    """Return the algorithm whose digests are as long as this one."""
    return _ALGORITHMS[len(measurement)]


def realm_states(policy: Policy) -> tuple[RealmState, ...]:
    """Return every realm that a policy accepts by its measurements and personalization value.

    Raises:
        ConfigError: they are too many, or no realm can satisfy the policy.
    """
    states: dict[RealmState, None] = {}
    for rim in policy.rims:
        rems = [_rem_values(policy, index, rim) for index in range(1, REM_COUNT + 1)]
        rpvs: _Alternatives = policy.rpvs or (None,)
        _limit(len(states) + prod(map(len, rems)) * len(rpvs))
        for *chosen, rpv in product(*rems, rpvs):
            states[RealmState(rim.value, tuple(chosen), rpv)] = None
    return tuple(states)


def _rem_values(policy: Policy, index: int, rim: ReferenceRim) -> _Alternatives:
    """Return what a REM may be in a realm of this RIM, whose hash algorithm is the REM's too."""
    algorithm = hash_name(rim.value)
    if policy.hash_algorithms and algorithm not in policy.hash_algorithms:
        raise ConfigError(
            f"the RIM {rim.name} is a digest of {algorithm}, which the policy does not accept",
            hint="take the RIM out of the policy, or the algorithm into it",
        )
    references = [rem for rem in policy.rems if rem.index == index]
    values = [value for rem in references for value in rem.values]
    values += [replay(rem.log, algorithm) for rem in references if rem.log is not None]
    fitting = [value for value in dict.fromkeys(values) if len(value) == len(rim.value)]
    if references and not fitting:
        raise ConfigError(
            f"no value of REM {index} is a digest of {algorithm}, as the RIM {rim.name} is",
            hint=f"give REM {index} a value of each hash algorithm, or make two policies",
        )
    return fitting or (None,)


def platform_states(policy: Policy) -> tuple[PlatformState, ...]:
    """Return every platform that a policy accepts by its software and configuration.

    Raises:
        ConfigError: they are too many.
    """
    if not (policy.components or policy.configs):
        return ()
    by_type: dict[str, list[ReferenceComponent]] = {}
    for component in dict.fromkeys(policy.components):
        by_type.setdefault(component.type, []).append(component)
    configs: _Alternatives = tuple(dict.fromkeys(policy.configs)) or (None,)
    implementations = dict.fromkeys(anchor.implementation_id for anchor in policy.anchors)
    _limit(len(implementations) * len(configs) * prod(map(len, by_type.values())))
    return tuple(
        PlatformState(implementation, config, components)
        for implementation in implementations
        for config in configs
        for components in product(*by_type.values())
    )


def _limit(count: int) -> None:
    if count > MAX_STATES:
        raise ConfigError(
            f"the policy accepts {count} combinations of values, more than {MAX_STATES}",
            hint="split it into policies with fewer alternatives",
        )


def to_policy(
    realms: Sequence[RealmState],
    platforms: Sequence[PlatformState],
    *,
    anchors: Sequence[Anchor],
    source: str,
) -> Policy:
    """Return the policy that accepts just these states; what else it says is the default.

    Args:
        realms: accepted realms; none for any.
        platforms: accepted platforms; none for any.
        anchors: what vouches for platforms.
        source: where the states are from, for names and errors.

    Raises:
        ConfigError: one is there twice, or no policy says so.
    """
    _refuse_twice(source, "an anchor", [(a.to_pem(), *_identity(a)) for a in anchors])
    _refuse_twice(source, "a realm", realms)
    _refuse_twice(source, "a platform", [_unordered(state) for state in platforms])
    policy = Policy(
        anchors=tuple(anchors),
        configs=_unique(state.config for state in platforms),
        components=_unique(part for state in platforms for part in state.components),
        hash_algorithms=_unique(hash_name(state.rim) for state in realms),
        rims=_rims([state.rim for state in realms], source),
        rems=tuple(_rems(realms)),
        rpvs=_unique(state.rpv for state in realms),
    )
    known = {anchor.implementation_id for anchor in anchors}
    for state in platforms:
        if state.implementation_id not in known:
            raise ConfigError(
                f"{source}: values of implementation {state.implementation_id.hex()}, for which"
                " there is no anchor",
                hint="import them together with an anchor of this implementation",
            )
    if set(realm_states(policy)) != set(realms):
        raise _too_fine(source, "realms")
    if set(map(_unordered, platform_states(policy))) != set(map(_unordered, platforms)):
        raise _too_fine(source, "platforms")
    return policy


def _identity(anchor: Anchor) -> tuple[bytes, bytes | None]:
    return anchor.implementation_id, anchor.instance_id


def _refuse_twice(source: str, what: str, values: Sequence[Hashable]) -> None:
    if len(set(values)) != len(values):
        raise ConfigError(f"{source}: {what} is there twice")


def _unique(values: Iterable[_T | None]) -> tuple[_T, ...]:
    return tuple(value for value in dict.fromkeys(values) if value is not None)


def _rims(values: Sequence[bytes], source: str) -> tuple[ReferenceRim, ...]:
    unique = tuple(dict.fromkeys(values))
    several = len(unique) > 1
    return tuple(
        ReferenceRim(f"{source}, {number}" if several else source, value)
        for number, value in enumerate(unique, 1)
    )


def _rems(realms: Sequence[RealmState]) -> Iterable[ReferenceRem]:
    for index in range(1, REM_COUNT + 1):
        values = _unique(state.rems[index - 1] for state in realms)
        if values:
            yield ReferenceRem(index, values)


def _unordered(state: PlatformState) -> tuple[object, ...]:
    return (
        state.implementation_id,
        state.config,
        len(state.components),
        frozenset(state.components),
    )


def _too_fine(source: str, what: str) -> ConfigError:
    return ConfigError(
        f"{source}: it accepts certain combinations of values of {what} only, which a policy cannot"
        " say: it would accept every combination",
        hint="import each combination by itself, as a policy of its own",
    )
