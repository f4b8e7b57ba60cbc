# SPDX-License-Identifier: BSD-3-Clause
"""Package locks: which versions, with which hashes, an image is made from.

A lock is a text file beside an image's recipe, one line for each file, sorted:

    deb <name> <version> <architecture> <suite> <size> <sha256>
    src <name> <version> <file> <suite> <size> <sha256>

It holds packages of one architecture (and architecture `all`). `realmos lock IMAGE` moves it.
"""

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from realmos.cache import Cache, key_of
from realmos.errors import ConfigError, GoneError, SourceError
from realmos.progress import Reporter
from realmos.source import _mirror
from realmos.source.apt import SOURCES, STABLE, Apt, index_of

FILE_NAME = "packages.lock"

_HEADER = """\
# SPDX-License-Identifier: BSD-3-Clause
# Made by `realmos lock`; do not edit.
"""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SUITE = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, order=True)
class Package:
    """A binary package: one .deb."""

    name: str
    version: str
    architecture: str
    suite: str
    size: int
    sha256: str

    @property
    def key(self) -> str:
        """The name by which `fetch` returns it."""
        return self.name


@dataclass(frozen=True, order=True)
class SourceFile:
    """One file of a source package."""

    name: str
    version: str
    file: str
    suite: str
    size: int
    sha256: str

    @property
    def key(self) -> str:
        """The name by which `fetch` returns it."""
        return self.file


@dataclass(frozen=True)
class Lock:
    """The packages of one image.

    Attributes:
        packages: binary packages, sorted.
        sources: files of source packages, sorted.
        image: the argument of `realmos lock` that moves this lock; empty when it has none.
    """

    packages: tuple[Package, ...] = ()
    sources: tuple[SourceFile, ...] = ()
    image: str = ""

    @property
    def digest(self) -> str:
        """One hash over everything locked, for use as a build's input."""
        return key_of({"items": [repr(item) for item in self.items]})

    @property
    def size(self) -> int:
        """The bytes of all its files."""
        return sum(item.size for item in self.items)

    @property
    def items(self) -> list[Package | SourceFile]:
        """Everything locked."""
        return [*self.packages, *self.sources]

    @property
    def architecture(self) -> str:
        """The architecture of its binary packages; empty if there are none, or only `all`."""
        return next((p.architecture for p in self.packages if p.architecture != "all"), "")

    def version(self, name: str) -> str:
        """Return the locked version of a binary or source package.

        Raises:
            ConfigError: it is not in the lock.
        """
        for item in self.items:
            if item.name == name:
                return item.version
        raise ConfigError(f"package {name} is not in the lock{self._whose()}", hint=self._mover())

    def select(self, wanted: Callable[[Package], bool]) -> "Lock":
        """Return the lock with only those binary packages that are `wanted`."""
        return replace(self, packages=tuple(p for p in self.packages if wanted(p)))

    def source(self, name: str) -> "Lock":
        """Return the lock with the files of one source package only.

        Raises:
            ConfigError: it is not in the lock.
        """
        files = tuple(file for file in self.sources if file.name == name)
        if not files:
            raise ConfigError(
                f"source package {name} is not in the lock{self._whose()}", hint=self._mover()
            )
        return replace(self, packages=(), sources=files)

    def _whose(self) -> str:
        return f" of image {self.image}" if self.image else ""

    def _mover(self) -> str:
        return f"move the lock: realmos lock {self.image}" if self.image else ""


def merge(*locks: Lock) -> Lock:
    """Return one lock with everything in `locks`; of two versions of a package, the first wins.

    Raises:
        ConfigError: they are of different architectures.
    """
    debs: dict[str, Package] = {}
    files: dict[str, SourceFile] = {}
    for lock in locks:
        for package in lock.packages:
            debs.setdefault(package.name, package)
        for file in lock.sources:
            files.setdefault(file.file, file)
    found = sorted({p.architecture for p in debs.values()} - {"all"})
    if len(found) > 1:
        raise ConfigError(f"one lock cannot hold packages of {' and '.join(found)}")
    image = next((lock.image for lock in locks if lock.image), "")
    return Lock(tuple(sorted(debs.values())), tuple(sorted(files.values())), image)


def resolve(
    names: Sequence[str],
    arch: str,
    suite: str = STABLE,
    *,
    cache: Cache,
    reporter: Reporter,
) -> Lock:
    """Return the newest versions of `names`, from `suite`, and of all that they depend on.

    Dependencies of packages of backports come from stable where they can, those of any other suite
    from that suite. Touches the network.

    Raises:
        SourceError: no network, no mirror, no such package.
    """
    apt = Apt(cache, arch, suite)
    apt.update(reporter, force=True)
    wanted = names if suite == STABLE else [f"{name}/{suite}" for name in names]
    pairs = apt.solve(wanted)
    suites = apt.suites(name for name, _ in pairs)
    records = {(r["Package"], r["Version"]): r for r in apt.records(pairs)}
    return Lock(tuple(sorted(_package(records[pair], suites[pair]) for pair in pairs)))


def resolve_sources(
    names: Sequence[str], suite: str = STABLE, *, cache: Cache, reporter: Reporter
) -> Lock:
    """Return the newest versions of source packages in `suite`. Touches the network.

    Raises:
        SourceError: no network, no mirror, no such package.
    """
    apt = Apt(cache, SOURCES, suite)
    apt.update(reporter, force=True)
    files: list[SourceFile] = []
    for name in names:
        rows = apt.source_files(name, suite)
        version = _source_version(rows, name, suite, apt)
        files += [SourceFile(name, version, file, suite, size, sha) for file, size, sha in rows]
    return Lock(sources=tuple(sorted(files)))


def read(path: Path) -> Lock:
    """Read a lock file; its image is named after the directory it is in.

    Raises:
        ConfigError: it is absent or malformed.
    """
    image = path.parent.name
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(
            f"there is no package lock {path}", hint=f"realmos lock {image}"
        ) from error
    debs: list[Package] = []
    files: list[SourceFile] = []
    for number, line in enumerate(text.splitlines(), 1):
        match line.split():
            case [] | ["#", *_]:
                continue
            case ["deb", name, version, arch, suite, size, sha] if _sane(name, suite, size, sha):
                debs.append(Package(name, version, arch, suite, int(size), sha))
            case ["src", name, version, file, suite, size, sha] if _sane(file, suite, size, sha):
                files.append(SourceFile(name, version, file, suite, int(size), sha))
            case _:
                raise ConfigError(
                    f"{path}, line {number}: not a package line: {line}",
                    hint=f"make it anew: realmos lock {image}",
                )
    lock = Lock(tuple(debs), tuple(files), image)
    if merge(lock) != lock:
        raise ConfigError(
            f"{path}: not sorted, or names a package twice",
            hint=f"make it anew: realmos lock {image}",
        )
    return lock


def write(lock: Lock, path: Path) -> None:
    """Write a lock file."""
    debs = [
        f"deb {p.name} {p.version} {p.architecture} {p.suite} {p.size} {p.sha256}"
        for p in lock.packages
    ]
    files = [
        f"src {f.name} {f.version} {f.file} {f.suite} {f.size} {f.sha256}" for f in lock.sources
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_HEADER + "".join(f"{line}\n" for line in (*debs, *files)), "utf-8")


def fetch(lock: Lock, cache: Cache, reporter: Reporter) -> dict[str, Path]:
    """Return the cached file of everything locked, downloading what the cache does not hold.

    Keys are the names of binary packages and the file names of source packages. A cached file
    whose bytes have changed is downloaded again. With a warm cache the network is not touched.

    Raises:
        SourceError: no network, no mirror, or a locked version has left the mirror.
        IntegrityError: the mirror's bytes are not those locked.
    """
    found = _cached(lock, cache)
    if len(found) == len(lock.packages) + len(lock.sources):
        return found
    with cache.lock(f"fetch-{lock.digest}"):
        found = _cached(lock, cache)
        binary = lock.architecture or _mirror.build_architecture()
        missing: dict[str, tuple[Apt, list[Package | SourceFile]]] = {}
        for item in lock.items:
            if item.key in found:
                continue
            index = SOURCES if isinstance(item, SourceFile) else binary
            apt = Apt(cache, index, item.suite)
            missing.setdefault(index_of(index, item.suite), (apt, []))[1].append(item)
        for apt, items in missing.values():
            found |= _download(apt, lock, items, cache, reporter)
    return found


def _cached(lock: Lock, cache: Cache) -> dict[str, Path]:
    paths = {item.key: cache.find_file(item.sha256) for item in lock.items}
    return {key: path for key, path in paths.items() if path is not None}


def _download(
    apt: Apt,
    lock: Lock,
    items: Sequence[Package | SourceFile],
    cache: Cache,
    reporter: Reporter,
) -> dict[str, Path]:
    """Download `items` into the cache; the package lists move on once if a version is missing."""
    wanted = sorted({f"{item.name}={item.version}" for item in items})
    megabytes = sum(item.size for item in items) / 1e6
    title = f"Downloading {lock.image or 'packages'} ({megabytes:.1f} MB)"
    apt.update(reporter)
    with cache.scratch() as into:
        try:
            with reporter.task(title) as task:
                apt.download(wanted, into, task)
        except GoneError as error:
            if apt.fresh:
                raise _gone(lock, error) from error
            apt.update(reporter, force=True)
            _retry(apt, lock, wanted, into, reporter)
        return _keep(into, items, cache, lock)


def _retry(apt: Apt, lock: Lock, wanted: Sequence[str], into: Path, reporter: Reporter) -> None:
    try:
        with reporter.task("Downloading, with fresh package lists") as task:
            apt.download(wanted, into, task)
    except GoneError as error:
        raise _gone(lock, error) from error


def _gone(lock: Lock, error: GoneError) -> GoneError:
    image = lock.image or "IMAGE"
    return GoneError(
        str(error), hint=f"move the lock to the versions of today: realmos lock {image}"
    )


def _keep(
    into: Path, items: Sequence[Package | SourceFile], cache: Cache, lock: Lock
) -> dict[str, Path]:
    """Move downloaded files into the cache, each checked against the lock."""
    arrived = {_key_of_download(path): path for path in into.iterdir()}
    kept: dict[str, Path] = {}
    for item in items:
        path = arrived.get(item.key)
        if path is None:
            raise SourceError(
                f"{item.key} was not downloaded", hint=f"move the lock: realmos lock {lock.image}"
            )
        if path.is_symlink():  # from a mirror on this machine's own disk
            original = path.resolve()
            path.unlink()
            shutil.copyfile(original, path)
        kept[item.key] = cache.add_file(path, item.sha256)
    return kept


def _key_of_download(path: Path) -> str:
    return path.name.partition("_")[0] if path.suffix == ".deb" else path.name


def _sane(name: str, suite: str, size: str, sha256: str) -> bool:
    sound = "/" not in name and size.isdecimal() and _SUITE.fullmatch(suite)
    return bool(sound and _SHA256.fullmatch(sha256))


def _package(record: Mapping[str, str], suite: str) -> Package:
    return Package(
        name=record["Package"],
        version=record["Version"],
        architecture=record["Architecture"],
        suite=suite,
        size=int(record["Size"]),
        sha256=record["SHA256"],
    )


def _source_version(rows: Sequence[tuple[str, int, str]], name: str, suite: str, apt: Apt) -> str:
    """Return the version of the source package; file names leave its epoch out."""
    control = next((file for file, _, _ in rows if file.endswith(".dsc")), "")
    bare = control.removesuffix(".dsc").partition("_")[2]
    for (found, version), _ in sorted(apt.suites([name]).items()):
        if found == name and version.rpartition(":")[2] == bare:
            return version
    raise SourceError(f"{suite} has no source package {name}")
