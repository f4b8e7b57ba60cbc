# SPDX-License-Identifier: BSD-3-Clause
"""The upstream archive of a Debian source package, without Debian's patches."""

from pathlib import Path

from realmos.cache import Cache
from realmos.errors import FirmwareError
from realmos.progress import Reporter
from realmos.source.deb import unpack_tar
from realmos.source.lock import Lock, fetch


def unpack_upstream(lock: Lock, into: Path, cache: Cache, reporter: Reporter) -> Path:
    """Unpack a package's upstream source into a directory and return the top directory of it.

    Args:
        lock: the files of that one source package.
        into: made if needed.
        cache: where downloads are kept.
        reporter: progress.

    Raises:
        FirmwareError: the package has no upstream archive.
        SourceError: it cannot be had, or unpacked.
    """
    package = lock.sources[0].name
    files = fetch(lock, cache, reporter)
    names = [name for name in files if ".orig.tar." in name]
    if len(names) != 1:
        raise FirmwareError(
            f"source package {package} has no upstream archive", hint=f"realmos lock {lock.image}"
        )
    with reporter.task(f"Unpacking {package}"):
        return unpack_tar(files[names[0]], into)
