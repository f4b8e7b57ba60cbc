# SPDX-License-Identifier: BSD-3-Clause
"""What the build machine must have, what it has, and the command that fixes what is missing."""

import shutil
import sys
from dataclasses import dataclass

from realmos.cache import Cache
from realmos.errors import RealmosError
from realmos.source import _mirror, qemu, toolchain
from realmos.source.toolchain import Tool

_DISK = 2 << 30


@dataclass(frozen=True)
class Requirement:
    """One row: what is required, what was found (empty: nothing), whether it will do."""

    name: str
    found: str
    ok: bool
    fix: str


def requirements(cache: Cache) -> list[Requirement]:
    """Return every requirement, met or not. Touches neither the network nor the cache."""
    python = ".".join(map(str, sys.version_info[:3]))
    gcc, linker = toolchain.compiler_tools()
    libc = toolchain.static_libc()
    native = _mirror.build_architecture() == "arm64"
    tools = (
        toolchain.APT_GET,
        toolchain.DPKG_DEB,
        toolchain.SETPRIV,
        toolchain.MAKE,
        toolchain.DTC,
        gcc,
        linker,
    )
    return [
        Requirement("Python 3.11", python, sys.version_info >= (3, 11), "apt-get install python3"),
        *(_tool(tool) for tool in tools),
        Requirement(
            "static C library for arm64",
            str(libc or ""),
            libc is not None,
            f"apt-get install {'libc6-dev' if native else 'libc6-dev-arm64-cross'}",
        ),
        _keys(),
        _qemu(cache),
        _disk(cache),
    ]


def _tool(tool: Tool) -> Requirement:
    name = f"{tool.program} {'.'.join(map(str, tool.minimum))}".strip()
    try:
        return Requirement(name, tool.require(), ok=True, fix=tool.fix)
    except RealmosError:
        found = str(tool.find() or "")
        return Requirement(name, found, ok=False, fix=tool.fix)


def _keys() -> Requirement:
    name = "keys of Debian's archive"
    try:
        return Requirement(name, str(_mirror.keyring()), ok=True, fix="")
    except RealmosError as error:
        return Requirement(name, "", ok=False, fix=error.hint)


def _qemu(cache: Cache) -> Requirement:
    """QEMU is never missing for good: one that is too old is replaced by one in the cache."""
    name = f"QEMU {'.'.join(map(str, qemu.MINIMUM))}"
    try:
        own = qemu.installed()
    except RealmosError as error:
        return Requirement(name, str(error), ok=False, fix=f"repair or remove {qemu.PROGRAM}")
    if own is not None and qemu.is_new_enough(own):
        return Requirement(name, f"{own.version} ({own.origin})", ok=True, fix="")
    too_old = f"; {own.version} installed is too old" if own is not None else ""
    try:
        kept = qemu.cached(cache)
        locked = qemu.read_lock().version(qemu.PACKAGE)
    except RealmosError as error:
        return Requirement(name, str(error), ok=False, fix=error.hint)
    where = f"{kept.version} in the cache" if kept else f"{locked} will be fetched"
    return Requirement(name, where + too_old, ok=True, fix="")


def _disk(cache: Cache) -> Requirement:
    free = shutil.disk_usage(cache.path).free
    return Requirement(
        f"{_DISK >> 30} GiB of disk at {cache.path}",
        f"{free / (1 << 30):.1f} GiB free",
        ok=free >= _DISK,
        fix="free some space, or set REALMOS_CACHE to a directory on another disk",
    )
