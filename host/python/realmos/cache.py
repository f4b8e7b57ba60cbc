# SPDX-License-Identifier: BSD-3-Clause
"""The content-addressed cache: what was downloaded, by its hash, and what was built, by its inputs.

Layout below the user's cache directory (`REALMOS_CACHE` overrides it):

    files/<sha256>            downloaded bytes, named by their own hash
    snapshots/<key>/          machines saved after their first answer (machine/_snapshot.py)
    apt/                      the isolated apt's package lists (source/apt.py)
    built/<kind>-<key>/       finished outputs; <key> is the hash of everything they were made from
    tmp/                      work in progress, renamed into place when whole
    locks/                    one lock file per entry, so that two runs do not build the same thing

An entry appears by one rename, so a reader never sees half of it. What a run uses is hashed each
time, every file of it (docs/adr/0014-cache-integrity.md): a corrupt file is removed and fetched
again, a corrupt output built again.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from realmos.errors import ConfigError, IntegrityError

_MARK = ".complete"


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def key_of(inputs: Mapping[str, object]) -> str:
    """Return the cache key of a build: a hash over its inputs' canonical JSON."""
    text = json.dumps(inputs, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Entry:
    """One thing in the cache: its kind, path and size in bytes."""

    kind: str
    path: Path
    size: int


class Cache:
    """One cache directory.

    Args:
        path: its root; the user's cache directory (or `REALMOS_CACHE`) when absent.

    Raises:
        ConfigError: the directory cannot be made or written.
    """

    def __init__(self, path: Path | None = None) -> None:
        chosen = os.environ.get("REALMOS_CACHE") or platformdirs.user_cache_dir("realmos")
        self.path = (path or Path(chosen)).resolve()
        try:
            for name in ("files", "built", "tmp", "locks"):
                (self.path / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"the cache directory {self.path} cannot be written: {error.strerror}",
                hint="set REALMOS_CACHE to a directory of yours",
            ) from error

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the named lock against every other process that uses this cache."""
        with (self.path / "locks" / name).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield a fresh directory on the cache's file system; it is removed afterwards."""
        path = Path(tempfile.mkdtemp(dir=self.path / "tmp"))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def find_file(self, sha256: str) -> Path | None:
        """Return the cached file with this hash, or None; a corrupt one is removed first."""
        path = self.path / "files" / sha256
        if not path.is_file():
            return None
        if sha256_file(path) != sha256:
            path.unlink()
            return None
        return path

    def add_file(self, source: Path, sha256: str) -> Path:
        """Move `source` into the cache under its hash.

        Raises:
            IntegrityError: its bytes have another hash.
        """
        found = sha256_file(source)
        if found != sha256:
            raise IntegrityError(
                f"{source.name} has SHA-256 {found}, expected {sha256}",
                hint="the mirror may be updating: try again, or move the lock with `realmos lock`",
            )
        path = self.path / "files" / sha256
        source.chmod(0o444)
        source.replace(path)
        return path

    def name(self, kind: str, inputs: Mapping[str, object]) -> str:
        """Return the name of the output of (kind, inputs): for other keys, without touching it."""
        return self._built_path(kind, inputs).name

    def built(self, kind: str, inputs: Mapping[str, object]) -> Path | None:
        """Return the finished output of (kind, inputs), or None; it may be corrupt."""
        path = self._built_path(kind, inputs)
        return path if (path / _MARK).is_file() else None

    def build(self, kind: str, inputs: Mapping[str, object], make: Callable[[Path], None]) -> Path:
        """Return the output directory of (kind, inputs), calling `make(directory)` if it is new.

        Two processes that want the same output build it once. If `make` raises, nothing is kept.
        A finished output of which a file was changed, added or removed since, at any depth, is
        detected by hash and built again.
        """
        path = self._built_path(kind, inputs)
        with self.lock(path.name):
            if path.is_dir():
                if _intact(path):
                    return path
                shutil.rmtree(path)
            with self.scratch() as work:
                out = work / "out"
                out.mkdir()
                make(out)
                _seal(out, inputs)
                out.replace(path)
        return path

    def entries(self) -> list[Entry]:
        """Return everything in the cache, largest first."""
        found = [Entry("file", p, p.stat().st_size) for p in (self.path / "files").iterdir()]
        built = (self.path / "built").iterdir()
        found += [Entry(p.name.rpartition("-")[0], p, disk_use(p)) for p in built]
        for kind in ("snapshots", "apt", "tmp"):
            found += [Entry(kind, p, disk_use(p)) for p in (self.path / kind).glob("*")]
        return sorted(found, key=lambda entry: -entry.size)

    def prune(self) -> int:
        """Remove everything and return the bytes that were freed."""
        freed = 0
        for entry in self.entries():
            freed += entry.size
            if entry.path.is_dir():
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                entry.path.unlink(missing_ok=True)
        return freed

    def _built_path(self, kind: str, inputs: Mapping[str, object]) -> Path:
        return self.path / "built" / f"{kind}-{key_of(inputs)}"


def disk_use(path: Path) -> int:
    """Return the bytes that a file or directory takes on disk; holes do not count."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_blocks * 512 for file in files)


def _seal(out: Path, inputs: Mapping[str, object]) -> None:
    """Write the mark that an output is finished: its inputs, and what it holds."""
    mark = {"inputs": inputs, **_contents(out)}
    (out / _MARK).write_text(json.dumps(mark, default=str, sort_keys=True, indent=1), "utf-8")


def _intact(path: Path) -> bool:
    try:
        mark = json.loads((path / _MARK).read_text("utf-8"))
        return all(mark.get(key) == value for key, value in _contents(path).items())
    except (OSError, ValueError, AttributeError):  # a mark or a disk that cannot be read
        return False


def _contents(top: Path) -> dict[str, dict[str, str]]:
    """Return the hash of each file below a directory, and what all else there is, by their names.

    Raises:
        OSError: something cannot be read.
    """
    hashes: dict[str, str] = {}
    others: dict[str, str] = {}
    for path in sorted(top.rglob("*")):
        name = path.relative_to(top).as_posix()
        if path.is_symlink():
            others[name] = f"link to {path.readlink()}"
        elif path.is_dir():
            others[name] = "directory"
        elif name != _MARK:
            hashes[name] = sha256_file(path)
    return {"sha256": hashes, "others": others}
