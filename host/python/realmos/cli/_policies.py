# SPDX-License-Identifier: BSD-3-Clause
"""Policies in files: read for `--policy`, with errors that name the file."""

from pathlib import Path

from realmos.attest import Policy, read_policy
from realmos.cli._files import read_input
from realmos.errors import ConfigError

_LIMIT = 16 << 20
_MAKE = "`realmos measure --policy FILE` makes a policy"
_KEYS = f"docs/policy.md lists every key; {_MAKE}"


def load_policy(path: Path) -> Policy:
    """Return the policy in a file.

    Raises:
        ConfigError: it cannot be read, or is none; names the file, and what is wrong in it.
    """
    data = read_input(path, "policy", limit=_LIMIT, hint=_MAKE)
    try:
        return read_policy(data.decode())
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: no policy: byte {error.start} is not text", hint=_KEYS
        ) from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}", hint=_KEYS) from error
