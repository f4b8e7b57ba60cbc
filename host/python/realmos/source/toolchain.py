# SPDX-License-Identifier: BSD-3-Clause
"""The programs of the build machine that builds need: one small class each, its version checked."""

import re
from dataclasses import dataclass
from pathlib import Path

from realmos import process
from realmos.errors import ToolError
from realmos.source import _mirror


@dataclass(frozen=True)
class Tool:
    """A program that the build machine must have.

    Attributes:
        program: its name on PATH.
        package: the Debian package that has it.
        minimum: the oldest version that will do; empty when any will.
        version_option: what makes it print its version; empty when it has none.
    """

    program: str
    package: str
    minimum: tuple[int, ...] = ()
    version_option: str = "--version"

    @property
    def fix(self) -> str:
        """The command that installs it."""
        return f"apt-get install {self.package}"

    def find(self) -> Path | None:
        """Return its path, or None."""
        return process.which(self.program)

    def identity(self) -> str:
        """Return the first line that it prints about its version.

        Raises:
            ToolError: it is absent, or does not start.
        """
        if not self.version_option:
            return self.program
        text = process.run([self.program, self.version_option], hint=self.fix)
        return text.splitlines()[0] if text else ""

    def version(self) -> str:
        """Return its version number.

        Raises:
            ToolError: it is absent, or prints none.
        """
        line = self.identity()
        numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)+", line)
        if not numbers:
            raise ToolError(f"{self.program} prints no version: {line!r}", hint=self.fix)
        return str(numbers[-1])

    def require(self) -> str:
        """Return its version number, which is new enough.

        Raises:
            ToolError: it is absent or too old.
        """
        found = self.version()
        if tuple(map(int, found.split("."))) < self.minimum:
            needed = ".".join(map(str, self.minimum))
            raise ToolError(f"{self.program} {found} is too old: {needed} is needed", hint=self.fix)
        return found


MAKE = Tool("make", "make", (4, 2))
DPKG_DEB = Tool("dpkg-deb", "dpkg", (1, 20))
APT_GET = Tool("apt-get", "apt", (2, 0))
SETPRIV = Tool("setpriv", "util-linux")
DTC = Tool("dtc", "device-tree-compiler", (1, 4))
GDB = Tool("gdb-multiarch", "gdb-multiarch", (9,))


@dataclass(frozen=True)
class CrossCompiler:
    """The compiler for arm64 code, with its binutils.

    Attributes:
        prefix: what precedes `gcc`; empty on an arm64 build machine.
        identity: versions of compiler and linker, for use as a build's input.
        version: the compiler's version number.
    """

    prefix: str
    identity: str
    version: str


def compiler_tools() -> tuple[Tool, Tool]:
    """Return compiler and linker for arm64 code on this build machine."""
    if _mirror.build_architecture() == "arm64":
        return Tool("gcc", "gcc", (12,)), Tool("ld", "binutils")
    prefix = "aarch64-linux-gnu-"
    return (
        Tool(f"{prefix}gcc", "gcc-aarch64-linux-gnu", (12,)),
        Tool(f"{prefix}ld", "binutils-aarch64-linux-gnu"),
    )


def find_cross_compiler() -> CrossCompiler:
    """Return the compiler for arm64 code.

    Raises:
        ToolError: it is absent or too old.
    """
    gcc, linker = compiler_tools()
    version = gcc.require()
    identity = f"{gcc.identity()}; {linker.identity()}"
    return CrossCompiler(gcc.program.removesuffix("gcc"), identity, version)


def static_libc() -> Path | None:
    """Return the C library for static arm64 programs, or None; PID 1 of a realm needs it."""
    gcc, _ = compiler_tools()
    if gcc.find() is None:
        return None
    path = Path(process.run([gcc.program, "-print-file-name=libc.a"]).strip())
    return path if path.is_absolute() and path.is_file() else None
