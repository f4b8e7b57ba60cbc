# SPDX-License-Identifier: BSD-3-Clause
"""`realmos measure --policy`: a policy that accepts what was predicted, or one that does so too."""

import argparse
import dataclasses

from realmos_agent.protocol.measurement import REM_INDEX

from realmos.anchor import CONFIG, choose_anchor
from realmos.attest import (
    Policy,
    ReferenceRem,
    ReferenceRim,
    default_policy,
    write_policy,
)
from realmos.cache import Cache
from realmos.cli._files import write_output
from realmos.cli._policies import export_policy, is_for_others, load_policy
from realmos.errors import ConfigError
from realmos.firmware import build_firmware
from realmos.progress import Reporter
from realmos.realm import Account


def write_references(
    arguments: argparse.Namespace, found: Account, rem: bytes, cache: Cache, reporter: Reporter
) -> None:
    """Write `--policy FILE`: a new policy, of this machine's firmware, or FILE with one more realm.

    Args:
        arguments: the command line.
        found: the predicted realm, whose RIM gets the name that says what it is.
        rem: the predicted REM 1; empty if there is no program.
        cache: where the firmware is kept.
        reporter: progress.

    Raises:
        ConfigError: the file is no policy, or has a REM 1 by its log; or `--export` names a format
            that cannot hold it.
    """
    path = arguments.policy
    if is_for_others(path):
        raise ConfigError(
            f"--policy: {path} is not a name for a policy, which is TOML",
            hint="--policy policy.toml --export corim (or ccatoken) writes both",
        )
    rim = ReferenceRim(_name(found), bytes.fromhex(found.rim))
    rems = (ReferenceRem(REM_INDEX, (rem,)),) if rem else ()
    if path.exists():
        policy = _added(
            load_policy([path], arguments.anchor), found.settings["hash"], rim, rems, arguments.rpv
        )
    else:
        flash = build_firmware(
            cache,
            reporter,
            rmm=arguments.rmm,
            bl33=arguments.bl33,
            anchor=choose_anchor(arguments.anchor),
        )
        policy = default_policy(
            flash.anchor,
            components=flash.references(),
            rims=[rim],
            rems=rems,
            rpv=arguments.rpv or None,
            hash_algorithm=found.settings["hash"],
        )
        if flash.anchor.kind == "development":
            policy = dataclasses.replace(policy, configs=(CONFIG,))
    write_output(path, write_policy(policy).encode())
    for written in export_policy(policy, path, arguments.export):
        reporter.note(f"wrote {written}")


def _name(found: Account) -> str:
    settings = [f"{value} {name}" for name, value in found.settings.items() if value]
    return ", ".join((found.image, *settings))


def _added(
    policy: Policy,
    algorithm: str,
    rim: ReferenceRim,
    rems: tuple[ReferenceRem, ...],
    rpv: bytes | None,
) -> Policy:
    """Return a policy that accepts another realm too; one of that name is replaced."""
    kept = tuple(entry for entry in policy.rims if entry.name != rim.name)
    algorithms = policy.hash_algorithms
    if algorithms and algorithm not in algorithms:
        algorithms = (*algorithms, algorithm)
    rpvs = policy.rpvs
    if rpv and rpvs:
        rpvs = tuple(dict.fromkeys((*rpvs, rpv.ljust(len(rpvs[0]), b"\0"))))
    return dataclasses.replace(
        policy,
        rims=(*kept, rim),
        rems=_with_rem(policy.rems, *rems),
        hash_algorithms=algorithms,
        rpvs=rpvs,
    )


def _with_rem(
    rems: tuple[ReferenceRem, ...], added: ReferenceRem | None = None
) -> tuple[ReferenceRem, ...]:
    if added is None:
        return rems
    same = [entry for entry in rems if entry.index == added.index]
    if any(entry.log is not None for entry in same):
        raise ConfigError(
            f"the policy has REM {added.index} by its log, so no other value fits beside it",
            hint="write another policy, or take the log out of this one",
        )
    values = dict.fromkeys(value for entry in (*same, added) for value in entry.values)
    others = tuple(entry for entry in rems if entry.index != added.index)
    return (*others, ReferenceRem(added.index, tuple(values)))
