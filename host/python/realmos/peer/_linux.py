# SPDX-License-Identifier: BSD-3-Clause
"""The peer's Linux: that of realms, with modules for OP-TEE, and Debian's programs put there."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from realmos.cache import Cache
from realmos.errors import SourceError
from realmos.firmware import PEER_LOCK
from realmos.image import Image, build_recipe, load
from realmos.image.recipe import DebianKernel
from realmos.progress import Reporter
from realmos.source import fetch, lock_file, read, unpack

APPLICATIONS: Final = "/usr/lib/optee_armtz"
"""Where tee-supplicant looks for TAs."""
SUPPLICANT: Final = "/usr/sbin/tee-supplicant"

_IMAGE = "linux"
# In the order in which they need each other.
_MODULES = ("tee", "ffa-core", "optee")
_LIBRARY = "/usr/lib/aarch64-linux-gnu/libteec.so.2"
_PACKAGES = ("libteec2", "tee-supplicant")


def build_linux(cache: Cache, reporter: Reporter) -> Image:
    """Return the image: without a realm's way to the RMM, with OP-TEE's driver.

    Raises:
        SourceError: its packages cannot be had.
        ToolError: a program that builds need is absent or fails.
    """
    recipe = load(_IMAGE)
    modules = recipe.kernel.modules if isinstance(recipe.kernel, DebianKernel) else ()
    kernel = DebianKernel(modules=(*modules, *_MODULES), lazy_modules=("configfs",))
    return build_recipe(replace(recipe, kernel=kernel), cache, reporter)


def find_programs(cache: Cache, reporter: Reporter) -> dict[str, Path]:
    """Return the files that the image lacks, by their path in it.

    Raises:
        SourceError: they cannot be had.
        ConfigError: the lock is absent or malformed.
    """
    lock = read(lock_file(PEER_LOCK))
    for name in _PACKAGES:
        lock.version(name)
    lock = lock.select(lambda package: package.name in _PACKAGES)

    def make(out: Path) -> None:
        debs = fetch(lock, cache, reporter)
        with cache.scratch() as root:
            for path in debs.values():
                unpack(path, root)
            for wanted in (SUPPLICANT, _LIBRARY):
                source = root / wanted.removeprefix("/")
                if not source.is_file():
                    raise SourceError(f"Debian's packages for OP-TEE do not hold {wanted}")
                copy = out / source.name
                copy.write_bytes(source.read_bytes())
                copy.chmod(0o755)

    home = cache.build("peer-linux", {"lock": lock.digest}, make)
    return {wanted: home / Path(wanted).name for wanted in (SUPPLICANT, _LIBRARY)}
