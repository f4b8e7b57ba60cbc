# SPDX-License-Identifier: BSD-3-Clause
"""QEMU: the machine's own when it is new enough, else Debian's, fetched into the cache.

What is fetched is cut down to the one program and the libraries that it loads, laid flat in one
directory and started through its own dynamic loader, so it runs on any distribution without root.
"""

import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from realmos import process, tree
from realmos.cache import Cache
from realmos.errors import SourceError, ToolError
from realmos.progress import Reporter
from realmos.source import _libraries, _mirror, deb
from realmos.source.lock import Lock, fetch, read, resolve

PROGRAM = "qemu-system-aarch64"
PACKAGE = "qemu-system-arm"
MINIMUM = (9, 2)

_VERSION = re.compile(r"QEMU emulator version (\d+)\.(\d+)(\.\d+)*")
_KIND = "qemu"
_USER_PACKAGE = "qemu-user"
_USER_PROGRAM = "qemu-aarch64"
TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
"""The name of each architecture's library directory."""
ARCHITECTURES = tuple(TRIPLETS)
"""The architectures of build machines, as Debian names them."""


@dataclass(frozen=True)
class Qemu:
    """A QEMU that can run the machine.

    Attributes:
        argv_prefix: what the command line begins with, before QEMU's own options.
        version: as QEMU prints it.
        origin: where it comes from, for people.
    """

    argv_prefix: tuple[str, ...]
    version: str
    origin: str


def installed() -> Qemu | None:
    """Return the machine's own QEMU whatever its version, or None."""
    path = process.which(PROGRAM)
    if path is None:
        return None
    return Qemu((str(path),), _version_of((str(path),)), f"installed: {path}")


def is_new_enough(qemu: Qemu) -> bool:
    """Return whether this QEMU has all that the machine needs."""
    major, minor = qemu.version.split(".")[:2]
    return (int(major), int(minor)) >= MINIMUM


def find_qemu(cache: Cache, reporter: Reporter) -> Qemu:
    """Return a QEMU that is new enough: the machine's own, else from the cache, else downloaded.

    Raises:
        SourceError: it must be downloaded and cannot be.
        ToolError: the QEMU found does not start.
    """
    own = installed()
    if own is not None and is_new_enough(own):
        return own
    system = _system_lock()

    def make(out: Path) -> None:
        debs = fetch(system, cache, reporter)
        with cache.scratch() as root, reporter.task("Unpacking QEMU"):
            for path in debs.values():
                deb.unpack(path, root)
            _keep_program(root, TRIPLETS[_mirror.build_architecture()], out)

    return _fetched(cache.build(_KIND, _inputs(system), make), system)


def cached(cache: Cache) -> Qemu | None:
    """Return the QEMU in the cache, or None.

    Raises:
        ConfigError: its lock is absent or malformed.
    """
    lock = _system_lock()
    home = cache.built(_KIND, _inputs(lock))
    return None if home is None else _fetched(home, lock)


def qemu_user(cache: Cache, reporter: Reporter) -> tuple[str, ...]:
    """Return the command prefix that runs an arm64 program here; empty on an arm64 machine.

    Raises:
        SourceError: the emulator must be downloaded and cannot be.
    """
    if _mirror.build_architecture() == "arm64":
        return ()
    lock = read_lock().select(lambda package: package.name == _USER_PACKAGE)

    def make(out: Path) -> None:
        path = fetch(lock, cache, reporter)[_USER_PACKAGE]
        with reporter.task("Unpacking QEMU's user mode"):
            deb.extract(path, f"usr/bin/{_USER_PROGRAM}", out / _USER_PROGRAM)

    home = cache.build("qemu-user", _inputs(lock), make)
    return (str(home / _USER_PROGRAM),)


def lock_path(architecture: str) -> Path:
    """Return the lock file of QEMU's packages for build machines of an architecture."""
    return tree.images() / "qemu" / f"packages.{architecture}.lock"


def read_lock() -> Lock:
    """Read the lock of QEMU's packages for this build machine.

    Raises:
        ConfigError: it is absent or malformed.
    """
    return read(lock_path(_mirror.build_architecture()))


def resolve_lock(architecture: str, cache: Cache, reporter: Reporter) -> Lock:
    """Return the newest QEMU of Debian stable for build machines of an architecture.

    Of all that the package depends on, only packages that hold a library it loads are locked.

    Raises:
        SourceError: no network, no mirror.
    """
    whole = resolve([PACKAGE], architecture, cache=cache, reporter=reporter)
    debs = fetch(whole, cache, reporter)
    with cache.scratch() as work:
        root, kept = work / "root", work / "kept"
        owners: dict[str, str] = {}
        for name, path in debs.items():
            deb.unpack(path, work / name)
            owners |= {p.name: name for p in (work / name).rglob("*") if not p.is_dir()}
            deb.unpack(path, root)
        kept.mkdir()
        _keep_program(root, TRIPLETS[architecture], kept)
        needed = {owners[path.name] for path in kept.iterdir()}
    lock = whole.select(lambda package: package.name in needed)
    if architecture == "arm64":
        return lock
    user = resolve([_USER_PACKAGE], architecture, cache=cache, reporter=reporter)
    only = user.select(lambda package: package.name == _USER_PACKAGE)
    return replace(lock, packages=tuple(sorted(lock.packages + only.packages)))


def _system_lock() -> Lock:
    return read_lock().select(lambda package: package.name != _USER_PACKAGE)


def _inputs(lock: Lock) -> dict[str, object]:
    return {"lock": lock.digest, "layout": 1}


def _fetched(home: Path, lock: Lock) -> Qemu:
    loader = next(home.glob("ld-linux-*"))
    prefix = (str(loader), "--library-path", str(home), str(home / PROGRAM), "-L", str(home))
    version = lock.version(PACKAGE)
    return Qemu(prefix, _upstream(version), f"Debian package {PACKAGE} {version}, in the cache")


def _keep_program(root: Path, triplet: str, out: Path) -> None:
    """Copy QEMU, its loader and its libraries from an unpacked tree into one flat directory."""
    program = root / "usr" / "bin" / PROGRAM
    if not program.is_file():
        raise SourceError(f"package {PACKAGE} does not hold {PROGRAM}")
    loader, libraries = _libraries.loader_and_libraries(program, root / "usr" / "lib" / triplet)
    for path in (program, loader, *libraries):
        shutil.copy(path, out / path.name)


def _version_of(prefix: tuple[str, ...]) -> str:
    text = process.run([*prefix, "--version"])
    match = _VERSION.search(text)
    if match is None:
        raise ToolError(f"{prefix[-1]} does not print a version that can be read: {text[:80]!r}")
    return match[0].rpartition(" ")[2]


def _upstream(version: str) -> str:
    """Return QEMU's own version of a Debian version such as 1:10.0.2+ds-2+deb13u1."""
    return re.split(r"[+~-]", version.rpartition(":")[2])[0]
