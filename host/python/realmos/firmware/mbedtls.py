# SPDX-License-Identifier: BSD-3-Clause
"""mbedTLS, of which the RMM is linked with what ECDSA needs: its source, from Debian's package.

Debian's patches touch the build system and tests only, so the files are the upstream archive's,
unmodified. Which they are, and how they are configured and compiled, is in `rmm/mbedtls/`.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from realmos import tree
from realmos.cache import Cache
from realmos.errors import FirmwareError
from realmos.firmware._upstream import unpack_upstream
from realmos.progress import Reporter
from realmos.source.lock import SourceFile, read
from realmos.source.recipe import lock_file

PACKAGE = "mbedtls"

_FILES = "rmm/mbedtls/files.txt"


@dataclass(frozen=True)
class Mbedtls:
    """Source of mbedTLS.

    Attributes:
        path: a directory with `include` and `library`.
        sources: the source package's files.
    """

    path: Path
    sources: tuple[SourceFile, ...]


def find_mbedtls(cache: Cache, reporter: Reporter) -> Mbedtls:
    """Return mbedTLS's source, unpacked if the cache does not hold it.

    Raises:
        SourceError: it cannot be had.
        FirmwareError: the package does not hold what the RMM needs.
    """
    lock = read(lock_file("firmware")).source(PACKAGE)
    names = _files()

    def make(out: Path) -> None:
        with cache.scratch() as work:
            _keep(names, unpack_upstream(lock, work, cache, reporter), out / PACKAGE)

    home = cache.build(PACKAGE, {"lock": lock.digest, "files": names}, make)
    return Mbedtls(home / PACKAGE, lock.sources)


def _files() -> list[str]:
    lines = (tree.root() / _FILES).read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def _keep(names: list[str], source: Path, out: Path) -> None:
    for name in names:
        to = out / name
        to.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(source / name, to)
        except FileNotFoundError as error:
            raise FirmwareError(
                f"mbedTLS's source has no {name}",
                hint=f"{_FILES} must follow the locked version of mbedTLS",
            ) from error
