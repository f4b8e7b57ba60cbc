# SPDX-License-Identifier: BSD-3-Clause
"""Building of the runner, the program that holds a Trusted Application, for arm64.

It is linked with OpenSSL's static libcrypto, which the lock of `images/runner` names.
"""

import shutil
from pathlib import Path

from realmos import tree
from realmos.cache import Cache
from realmos.errors import SourceError
from realmos.progress import Reporter
from realmos.source import fetch, find_cross_compiler, lock_file, read, unpack
from realmos.source.program import made_program

NAME = "ta-runner"
IMAGE = "runner"
"""The name of the lock, for `realmos lock`."""

_PACKAGE = "libssl-dev"
_TRIPLET = "aarch64-linux-gnu"


def build_runner(cache: Cache, reporter: Reporter) -> Path:
    """Return the runner, a static program, built if the cache does not hold it.

    Raises:
        ToolError: there is no compiler for arm64, or the program does not compile.
        SourceError: OpenSSL's package cannot be had.
        ConfigError: its lock is absent or malformed.
    """
    compiler = find_cross_compiler()
    lock = read(lock_file(IMAGE))
    source = tree.root() / "guest" / "optee" / "runner"
    inputs = {
        "source": tree.digest([source, tree.abi_package()]),
        "compiler": compiler.identity,
        "libcrypto": lock.digest,
    }

    def make(out: Path) -> None:
        libcrypto = find_libcrypto(cache, reporter)
        with (
            reporter.task("Compiling the runner of Trusted Applications"),
            made_program(
                NAME,
                source,
                cache,
                compiler=f"{compiler.prefix}gcc",
                hint="`realmos doctor` checks the compiler and the static C library",
                variables={"LIBCRYPTO": libcrypto},
            ) as program,
        ):
            shutil.copy(program, out / NAME)

    return cache.build(NAME, inputs, make) / NAME


def find_libcrypto(cache: Cache, reporter: Reporter) -> Path:
    """Return a directory with libcrypto.a and OpenSSL's headers, downloaded if need be.

    Raises:
        SourceError: OpenSSL's package cannot be had.
        ConfigError: its lock is absent or malformed.
    """
    lock = read(lock_file(IMAGE))

    def make(out: Path) -> None:
        with cache.scratch() as root:
            unpack(fetch(lock, cache, reporter)[_PACKAGE], root)
            library = root / "usr" / "lib" / _TRIPLET / "libcrypto.a"
            if not library.is_file():
                raise SourceError(
                    f"package {_PACKAGE} does not hold libcrypto.a for {_TRIPLET}",
                    hint="this version of realmos and the lock do not fit: "
                    f"undo `realmos lock {IMAGE}`",
                )
            shutil.copyfile(library, out / library.name)
            for headers in ("include/openssl", f"include/{_TRIPLET}/openssl"):
                shutil.copytree(
                    root / "usr" / headers, out / "include" / "openssl", dirs_exist_ok=True
                )

    return cache.build("libcrypto", {"lock": lock.digest}, make)
