# SPDX-License-Identifier: BSD-3-Clause
"""Unpacking packages without root and without running their scripts."""

import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from realmos import process
from realmos.errors import SourceError

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60


def unpack(deb: Path, into: Path) -> None:
    """Unpack the files of a binary package into a directory, which is made if needed.

    Raises:
        ToolError: the package is broken, or there is no dpkg-deb.
    """
    into.mkdir(parents=True, exist_ok=True)
    process.run(["dpkg-deb", "--extract", deb, into], hint="apt-get install dpkg")


def unpack_tar(archive: Path, into: Path) -> Path:
    """Unpack a source archive (tar, gzip, bzip2 or xz) and return the top directory it holds.

    Python's own tar and xz do it: neither xz-utils nor dpkg-dev is on every Debian.

    Raises:
        SourceError: it is no such archive, or a member would land outside `into`.
    """
    into.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive) as tar:
            tops = {_top(member) for member in tar.getmembers()}
            # Debian 12's Python does not know filters yet; later ones want one to be chosen.
            tar.extraction_filter = getattr(tarfile, "data_filter", None)
            tar.extractall(into)  # noqa: S202 -- `_top` refuses members that leave `into`
    except (tarfile.TarError, OSError, EOFError) as error:
        raise SourceError(f"{archive.name} cannot be unpacked: {error}") from error
    if len(tops) != 1:
        raise SourceError(f"{archive.name} holds {len(tops)} top directories, expected one")
    return into / tops.pop()


def _top(member: tarfile.TarInfo) -> str:
    """Return the first component of a member's path, once it is known to stay inside."""
    parts = PurePosixPath(member.name).parts
    target = PurePosixPath(member.linkname).parts if member.islnk() or member.issym() else ()
    if not parts or parts[0] == "/" or ".." in parts or target[:1] == ("/",):
        raise tarfile.TarError(f"a member leaves the directory: {member.name}")
    return parts[0]


def extract(deb: Path, member: str, to: Path) -> None:
    """Extract one file of a binary package, without writing the others to disk.

    Args:
        deb: the package.
        member: the file's path inside it, without a leading slash.
        to: where it goes.

    Raises:
        SourceError: the package is broken, or does not hold it.
    """
    try:
        with deb.open("rb") as file:
            _seek_data(file)
            with tarfile.open(fileobj=file, mode="r|*") as tar:
                for entry in tar:
                    source = tar.extractfile(entry) if _is(entry, member) else None
                    if source is not None:
                        with to.open("wb") as target:
                            shutil.copyfileobj(source, target)
                        to.chmod(0o755 if entry.mode & 0o100 else 0o644)
                        return
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise SourceError(f"{deb.name} cannot be unpacked: {error}") from error
    raise SourceError(f"{deb.name} does not hold {member}")


def _is(entry: tarfile.TarInfo, member: str) -> bool:
    return entry.isfile() and entry.name.removeprefix("./") == member


def _seek_data(file: BinaryIO) -> None:
    """Put a .deb (an ar archive) at the start of its data.tar."""
    if file.read(len(_AR_MAGIC)) != _AR_MAGIC:
        raise ValueError("not an ar archive")
    while len(header := file.read(_AR_HEADER)) == _AR_HEADER:
        name, size = header[:16].decode("ascii").rstrip(), int(header[48:58])
        if name.startswith("data.tar"):
            return
        file.seek(size + size % 2, os.SEEK_CUR)
    raise ValueError("no data.tar in it")
