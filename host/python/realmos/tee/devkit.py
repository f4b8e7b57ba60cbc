# SPDX-License-Identifier: BSD-3-Clause
"""OP-TEE's dev kit for Trusted Applications, and what their clients include, from Debian.

The kit is what Debian built for one of OP-TEE's platforms: makefiles, headers, static libraries and
the development key. It has nothing of the build machine's architecture in it. None of it is ours,
and none of it is kept in this repository: the lock of `images/tee` says which packages it is in.
"""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from realmos.cache import Cache
from realmos.errors import ConfigError, SourceError
from realmos.progress import Reporter
from realmos.source import Lock, fetch, lock_file, read, unpack

IMAGE = "tee"
"""The name of the lock, for `realmos lock`."""
PACKAGE = "optee-os-dev"
PLATFORM = "vexpress-qemu_armv8a"
CLIENT_PACKAGE = "optee-client-dev"

_KIT = f"usr/lib/{PACKAGE}/{PLATFORM}"
_RULES = "mk/ta_dev_kit.mk"
_SETTINGS = "mk/conf.mk"
_32_BITS = "sm := ta_arm32"


@dataclass(frozen=True)
class DevKit:
    """OP-TEE's dev kit for Trusted Applications.

    Attributes:
        path: what TA_DEV_KIT_DIR is set to.
        version: Debian's version of the package; empty when it is the user's own.
    """

    path: Path
    version: str

    @property
    def development_key(self) -> Path:
        """The key pair that OP-TEE publishes: its signature says nothing about who made a TA."""
        return self.path / "keys" / "default_ta.pem"

    @property
    def trusted_applications(self) -> tuple[Path, ...]:
        """The Trusted Applications that come with OP-TEE itself."""
        return tuple(sorted((self.path / "ta").glob("*.ta")))


def find_dev_kit(cache: Cache, reporter: Reporter) -> DevKit:
    """Return the dev kit, downloaded and unpacked if the cache does not hold it.

    Raises:
        SourceError: it cannot be had.
        ConfigError: its lock is absent or malformed.
    """
    lock = locked([PACKAGE])

    def make(out: Path) -> None:
        with cache.scratch() as root:
            unpack(fetch(lock, cache, reporter)[PACKAGE], root)
            kit = root / _KIT
            if not (kit / _RULES).is_file():
                raise SourceError(
                    f"package {PACKAGE} does not hold {_KIT}/{_RULES}",
                    hint="this version of realmos and the lock do not fit: undo `realmos lock tee`",
                )
            shutil.copytree(kit, out / "kit")

    home = cache.build("tee-dev-kit", {"lock": lock.digest, "platform": PLATFORM}, make)
    return DevKit(home / "kit", lock.version(PACKAGE))


def open_dev_kit(path: Path) -> DevKit:
    """Return a dev kit that the user has: what OP-TEE's build makes, `export-ta_arm64`.

    Raises:
        ConfigError: there is none, or it makes TAs for 32-bit Arm.
    """
    if not (path / _RULES).is_file():
        raise ConfigError(
            f"{path} is not a dev kit of OP-TEE's: it has no {_RULES}",
            hint="without --kit, Debian's is fetched; an OP-TEE build has one in export-ta_arm64",
        )
    settings = path / _SETTINGS
    if settings.is_file() and _32_BITS in settings.read_text("utf-8", "replace"):
        raise ConfigError(
            f"the dev kit {path} makes 32-bit TAs, and a realm runs 64-bit ones",
            hint="an OP-TEE build has the other kit in export-ta_arm64",
        )
    return DevKit(path.resolve(), "")


def find_client_headers(cache: Cache, reporter: Reporter) -> Path:
    """Return a directory with `tee_client_api.h`, for the compilation of clients.

    Raises:
        SourceError: it cannot be had.
        ConfigError: its lock is absent or malformed.
    """
    lock = locked([CLIENT_PACKAGE])

    def make(out: Path) -> None:
        with cache.scratch() as root:
            unpack(fetch(lock, cache, reporter)[CLIENT_PACKAGE], root)
            for header in sorted((root / "usr" / "include").glob("*.h")):
                shutil.copyfile(header, out / header.name)

    return cache.build("tee-client-headers", {"lock": lock.digest}, make)


def locked(names: Collection[str]) -> Lock:
    """Return the lock of these packages of OP-TEE, and of no others.

    Raises:
        ConfigError: the lock is absent or malformed, or one of them is not in it.
    """
    lock = read(lock_file(IMAGE))
    for name in names:
        lock.version(name)
    return lock.select(lambda package: package.name in names)
