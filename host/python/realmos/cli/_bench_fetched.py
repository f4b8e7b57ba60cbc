# SPDX-License-Identifier: BSD-3-Clause
"""How many bytes came over the network into an empty cache, as they were transferred."""

import re
from pathlib import Path

_IN_RELEASE = "InRelease"
_DECLARED = re.compile(r"^ [0-9a-f]{64} +(\d+) (\S+)$", re.MULTILINE)
_COMPRESSIONS = ("", ".xz", ".gz", ".bz2", ".lzma", ".lz4", ".zst")
_LOCAL_WHEEL = re.compile(r"\sProcessing (/.*\.whl)$", re.MULTILINE)


def package_bytes(cache: Path) -> int:
    """Return the bytes of the packages in a cache: they are kept as they came."""
    return size_of(cache / "files")


def list_bytes(cache: Path) -> int:
    """Return the bytes of apt's package lists as they were transferred.

    apt compresses them anew for its own use. What it fetched is the smallest form that the
    archive's signed InRelease file declares, and that file itself, which is kept as it came.
    """
    folders = sorted((cache / "apt").glob("*/lists"))
    return sum(
        _lists_of_release(path) for lists in folders for path in lists.glob(f"*{_IN_RELEASE}")
    )


def pip_bytes(pip_cache: Path) -> int:
    """Return the bytes of the answers in pip's cache: wheels and pages of the index."""
    return sum(size_of(folder) for folder in pip_cache.glob("http*"))


def local_wheel_bytes(pip_log: Path) -> int:
    """Return the bytes of wheels that pip found on this machine's disk instead of the network."""
    text = pip_log.read_text("utf-8", "replace") if pip_log.is_file() else ""
    wheels = {Path(name) for name in _LOCAL_WHEEL.findall(text)}
    return sum(wheel.stat().st_size for wheel in wheels if wheel.is_file())


def size_of(folder: Path) -> int:
    """Return the bytes in all files of a folder; none if it is not there."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _lists_of_release(release: Path) -> int:
    declared = {name: int(size) for size, name in _DECLARED.findall(release.read_text("utf-8"))}
    prefix = release.name.removesuffix(_IN_RELEASE)
    lists = [path for path in release.parent.glob(f"{prefix}*") if path != release]
    sizes = [_transferred(path, path.name.removeprefix(prefix), declared) for path in lists]
    return release.stat().st_size + sum(sizes)


def _transferred(path: Path, name: str, declared: dict[str, int]) -> int:
    ending = next(e for e in (*_COMPRESSIONS[1:], "") if name.endswith(e))
    index = name.removesuffix(ending).replace("_", "/")
    forms = [declared[index + e] for e in _COMPRESSIONS if index + e in declared]
    return min(forms, default=path.stat().st_size)
