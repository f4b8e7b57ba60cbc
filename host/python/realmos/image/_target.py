# SPDX-License-Identifier: BSD-3-Clause
"""Running the image's own programs on the build machine, out of an unpacked tree, without root."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from realmos import process
from realmos.cache import Cache
from realmos.errors import SourceError
from realmos.progress import Reporter
from realmos.source import qemu_user


@dataclass(frozen=True)
class Target:
    """A tree of arm64 programs, and what runs them here.

    Attributes:
        root: the tree, /usr merged.
        emulator: command prefix of qemu-user; empty on an arm64 build machine.
    """

    root: Path
    emulator: tuple[str, ...]

    def run(
        self,
        program: str,
        *arguments: str | Path,
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        """Run a program of the tree to its end and return what it printed.

        Args:
            program: its path in the tree.
            arguments: paths among them are the build machine's.
            on_line: called with each line as it comes.

        Raises:
            ToolError: it fails.
        """
        argv = [*self._prefix(), self.root / program, *arguments]
        return process.run(argv, env=process.base_env(PYTHONHASHSEED="0"), on_line=on_line)

    def _prefix(self) -> Sequence[str | Path]:
        if self.emulator:
            return (*self.emulator, "-L", self.root)
        # The tree's own loader, so that the build machine's libraries do not count.
        libraries = self.root / "usr" / "lib" / "aarch64-linux-gnu"
        return (self.root / "usr/lib/ld-linux-aarch64.so.1", "--library-path", libraries)


def find_target(root: Path, cache: Cache, reporter: Reporter) -> Target:
    """Return the target of a tree.

    Raises:
        SourceError: the tree has no dynamic loader, or qemu-user cannot be had.
    """
    if not (root / "usr" / "lib" / "ld-linux-aarch64.so.1").exists():
        raise SourceError("the image's packages hold no arm64 C library")
    return Target(root, qemu_user(cache, reporter))
