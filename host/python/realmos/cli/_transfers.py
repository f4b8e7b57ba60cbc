# SPDX-License-Identifier: BSD-3-Clause
"""`--put` and `--get`: what can be known to fail is refused before a realm boots."""

import os
from collections.abc import Sequence
from pathlib import Path

from realmos.agent import AgentClient
from realmos.errors import ConfigError, PeerRefusedError, RealmosError

Transfer = tuple[str, str]
"""FROM, TO."""


def check_transfers(put: Sequence[Transfer], get: Sequence[Transfer]) -> None:
    """Look at this machine's side of every copy.

    Raises:
        ConfigError: a file to put cannot be read, or one to get cannot be written.
    """
    for source, _ in put:
        reason = _why_not_readable(Path(source))
        if reason:
            raise ConfigError(
                f"--put: {source} {reason}",
                hint="--put FILE:PATH names a file of this machine, then its path in the realm",
            )
    for _, target in get:
        reason = _why_not_writable(Path(target))
        if reason:
            raise ConfigError(
                f"--get: {target} {reason}",
                hint="--get PATH:FILE names a file of the realm, then the copy on this machine",
            )


def fetch(agent: AgentClient, get: Sequence[Transfer]) -> list[RealmosError]:
    """Copy files out of the realm, all that can be; return why the others could not."""
    failures: list[RealmosError] = []
    for source, target in get:
        try:
            agent.get(source, Path(target))
        except (PeerRefusedError, ConfigError) as error:
            failures.append(error)
    return failures


# Neither opens anything: what is given may be a pipe.
def _why_not_readable(path: Path) -> str:
    if not path.exists():
        return "is not there"
    if path.is_dir():
        return "is a directory"
    return "" if os.access(path, os.R_OK) else "cannot be read"


def _why_not_writable(path: Path) -> str:
    if path.is_dir():
        return "is a directory"
    if not path.parent.is_dir():
        return f"cannot be written: there is no directory {path.parent}"
    return "" if os.access(path.parent, os.W_OK | os.X_OK) else "cannot be written"
