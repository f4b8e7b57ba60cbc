# SPDX-License-Identifier: BSD-3-Clause
"""`realmos measure --policy`: a policy that accepts what was predicted, or one that does so too."""

import argparse
import dataclasses
import os
from pathlib import Path

from realmos_agent.protocol.measurement import REM_INDEX

from realmos.anchor import choose_anchor
from realmos.attest import (
    Policy,
    ReferenceRem,
    ReferenceRim,
    default_policy,
    read_policy,
    write_policy,
)
from realmos.cache import Cache
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
        ConfigError: the file is no policy, or has a REM 1 by its log.
    """
    path: Path = arguments.policy
    rim = ReferenceRim(_name(found), bytes.fromhex(found.rim))
    rems = (ReferenceRem(REM_INDEX, (rem,)),) if rem else ()
    if path.exists():
        policy = _added(_read(path), found.settings["hash"], rim, rems, arguments.rpv)
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
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(write_policy(policy), "utf-8")
        part.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _name(found: Account) -> str:
    settings = [f"{value} {name}" for name, value in found.settings.items() if value]
    return ", ".join((found.image, *settings))


def _read(path: Path) -> Policy:
    try:
        return read_policy(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


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
