# SPDX-License-Identifier: BSD-3-Clause
"""Our libteec.so.2, the library that OP-TEE's client programs call, built from host/libteec."""

import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from realmos import tree
from realmos.cache import Cache, sha256_file
from realmos.errors import ToolError
from realmos.progress import Reporter
from realmos.source.program import made_program
from realmos.source.toolchain import Tool, compiler_tools

NAME = "libteec.so.2"
SOCKET_VARIABLE = "REALMOS_TEE_SOCKET"
"""The environment variable that tells the library where the hub listens."""

_NATIVE = Tool("gcc", "gcc", (12,))
_SAME = {"aarch64": "arm64", "x86_64": "amd64"}
_ELF_MAGIC, _MACHINE_OFFSET = b"\x7fELF", 18
_MACHINES = {b"\xb7\x00": "arm64", b"\x3e\x00": "amd64"}


@dataclass(frozen=True)
class Libteec:
    """The library of one architecture: put `directory` in LD_LIBRARY_PATH."""

    path: Path
    sha256: str
    architecture: str

    @property
    def directory(self) -> Path:
        """The directory that holds it, and nothing else that programs load."""
        return self.path.parent


def build_architecture() -> str:
    """Return the build machine's architecture, as Debian names it."""
    return _SAME.get(platform.machine(), platform.machine())


def build_libteec(cache: Cache, reporter: Reporter, *, architecture: str = "") -> Libteec:
    """Return the client library, built if the cache does not hold it.

    Args:
        cache: where it is kept.
        reporter: progress.
        architecture: `arm64`, or the build machine's, as when absent.

    Raises:
        ToolError: make or the compiler is absent, or fails.
    """
    wanted = architecture or build_architecture()
    path = build_for(wanted, "libteec", name=NAME, what=NAME, cache=cache, reporter=reporter)
    return Libteec(path, sha256_file(path), wanted)


def build_for(
    architecture: str, directory: str, *, name: str, what: str, cache: Cache, reporter: Reporter
) -> Path:
    """Return what a Makefile in host/ makes, built if the cache does not hold it.

    Args:
        architecture: for which, as Debian names it.
        directory: of the Makefile, in host/.
        name: of the file.
        what: it is, for people.
        cache: where it is kept.
        reporter: progress.

    Raises:
        ToolError: make or the compiler is absent, or fails.
    """
    compiler, identity = _compiler_for(architecture, name)
    sources = tree.root() / "host" / directory
    inputs = {
        "sources": tree.digest([sources, tree.abi_package()]),
        "compiler": identity,
        "architecture": architecture,
    }

    def make(out: Path) -> None:
        with (
            reporter.task(f"Building {what} ({architecture})"),
            made_program(
                name,
                sources,
                cache,
                compiler=compiler,
                hint="see the log; `realmos doctor` checks the compiler",
                log=cache.path / "logs" / f"{directory}-{architecture}.log",
            ) as made,
        ):
            shutil.copy(made, out / name)

    return cache.build(directory, inputs, make) / name


def architecture_of(program: Path) -> str:
    """Return the architecture of an ELF file, as Debian names it; "" if it is none.

    Raises:
        OSError: it cannot be read.
    """
    with program.open("rb") as file:
        start = file.read(_MACHINE_OFFSET + 2)
    if not start.startswith(_ELF_MAGIC):
        return ""
    return _MACHINES.get(start[_MACHINE_OFFSET:], "of another architecture")


def _compiler_for(architecture: str, what: str) -> tuple[str, str]:
    """Return the compiler for an architecture, and its and its linker's versions.

    Args:
        architecture: as Debian names it.
        what: is to be built.

    Raises:
        ToolError: there is none, or it is too old.
    """
    if architecture == "arm64":
        compiler, linker = compiler_tools()
    elif architecture == build_architecture():
        compiler, linker = _NATIVE, Tool("ld", "binutils")
    else:
        raise ToolError(
            f"{what} is not built for {architecture}",
            hint=f"it is for arm64 and for the build machine, {build_architecture()}",
        )
    compiler.require()
    return compiler.program, f"{compiler.identity()}; {linker.identity()}"
