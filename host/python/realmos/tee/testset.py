# SPDX-License-Identifier: BSD-3-Clause
"""OP-TEE's own tests: Debian's arm64 xtest with its libraries, and the TAs that it calls."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from realmos.cache import Cache
from realmos.errors import SourceError
from realmos.progress import Reporter
from realmos.source import Lock, fetch, lock_file, qemu_user, read, unpack
from realmos.tee.devkit import CLIENT_PACKAGE, IMAGE, PACKAGE, find_dev_kit

TEST_PACKAGE = "optee-test-qemu"

_XTEST = "usr/bin/xtest"
_APPLICATIONS = "usr/lib/optee_armtz"
_LIBRARIES = "usr/lib/aarch64-linux-gnu"
_LOADER = "usr/lib/ld-linux-aarch64.so.1"
_PLUGINS = "usr/lib/tee-supplicant"
# The loader is a link to where the libraries are, and so must be moved before them.
_KEPT = (_XTEST, _APPLICATIONS, _PLUGINS, _LOADER, _LIBRARIES)


@dataclass(frozen=True)
class OpteeTests:
    """OP-TEE's tests, and a place for other arm64 clients to run in.

    Attributes:
        root: a tree of arm64 programs and libraries, /usr merged; libteec.so.2 is Debian's.
        applications: every `.ta`: those that xtest calls, and those that come with OP-TEE.
        plugins: of tee-supplicant, that xtest's TAs call.
        emulator: command prefix that runs an arm64 program here; empty on an arm64 machine.
    """

    root: Path
    applications: tuple[Path, ...]
    plugins: tuple[Path, ...]
    emulator: tuple[str, ...]

    @property
    def xtest(self) -> Path:
        """The test program."""
        return self.root / _XTEST

    def argv(
        self, program: Path, *arguments: str, libraries: Path | None = None, name: str = ""
    ) -> list[str]:
        """Return the command line that runs an arm64 client with the libraries of the tree.

        Args:
            program: xtest, or another.
            arguments: its words.
            libraries: a directory with libraries that come before the tree's.
            name: what an emulated client is told that it was called as.
        """
        if self.emulator:
            path = ["-E", f"LD_LIBRARY_PATH={libraries}"] if libraries is not None else []
            told = ["-0", name] if name else []
            return [*self.emulator, *told, "-L", str(self.root), *path, str(program), *arguments]
        # The tree's own loader, so that the build machine's libraries do not count.
        places = [] if libraries is None else [libraries]
        path = ["--library-path", ":".join(map(str, [*places, self.root / _LIBRARIES]))]
        return [str(self.root / _LOADER), *path, str(program), *arguments]


def find_optee_tests(cache: Cache, reporter: Reporter) -> OpteeTests:
    """Return OP-TEE's tests, downloaded and unpacked if the cache does not hold them.

    Raises:
        SourceError: they cannot be had.
        ConfigError: their lock is absent or malformed.
    """
    lock = _lock()

    def make(out: Path) -> None:
        debs = fetch(lock, cache, reporter)
        with cache.scratch() as root, reporter.task("Unpacking OP-TEE's tests"):
            for path in debs.values():
                unpack(path, root)
            for name in _KEPT:
                if not (root / name).exists():
                    raise SourceError(f"OP-TEE's test packages do not hold {name}")
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).rename(out / name)
            shutil.rmtree(out / _LIBRARIES / "gconv", ignore_errors=True)
            (out / "lib").symlink_to("usr/lib")

    root = cache.build("tee-tests", {"lock": lock.digest, "kept": _KEPT, "layout": 1}, make)
    own = sorted((root / _APPLICATIONS).glob("*.ta"))
    kit = find_dev_kit(cache, reporter)
    return OpteeTests(
        root,
        (*own, *kit.trusted_applications),
        tuple(sorted((root / _PLUGINS).glob("plugins/*.plugin"))),
        qemu_user(cache, reporter),
    )


def _lock() -> Lock:
    """Return the lock of xtest and the libraries it loads."""
    lock = read(lock_file(IMAGE))
    lock.version(TEST_PACKAGE)
    return lock.select(lambda package: package.name not in {PACKAGE, CLIENT_PACKAGE})
