# SPDX-License-Identifier: BSD-3-Clause
"""Where the C sources, image recipes and templates are: a source checkout, or an installed wheel.

This module alone knows which of the two it runs from.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import realmos_abi
import realmos_agent

from realmos.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent


def root() -> Path:
    """Return the directory that holds rmm/, host/, guest/init/, guest/rsi/ and images/.

    Raises:
        ConfigError: neither a checkout nor a complete wheel is around this module.
    """
    for candidate in (_PACKAGE / "_tree", _PACKAGE.parents[2]):
        if (candidate / "rmm" / "Makefile").is_file():
            return candidate
    raise ConfigError(
        "the firmware sources are missing from this installation",
        hint="install realmos from a wheel made by `python -m build`, or with `pip install -e .`",
    )


def images() -> Path:
    """Return the directory of the image recipes."""
    return root() / "images"


def agent_package() -> Path:
    """Return the directory of the agent's Python package."""
    return Path(realmos_agent.__file__).resolve().parent


def abi_package() -> Path:
    """Return the directory of the ABI tables' Python package."""
    return Path(realmos_abi.__file__).resolve().parent


def digest(paths: Iterable[Path]) -> str:
    """Return one SHA-256 (hex) over the names and bytes of the files under `paths`, sorted.

    Byte-code caches do not count; a directory is walked whole. Where the paths lie does not count
    either: a checkout and a wheel of it have the same digest.
    """
    total = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            if "__pycache__" in file.parts:
                continue
            name = file.relative_to(path.parent).as_posix()
            total.update(f"{name}\0{file.stat().st_size}\0".encode())
            total.update(file.read_bytes())
    return total.hexdigest()
