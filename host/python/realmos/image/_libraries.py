# SPDX-License-Identifier: BSD-3-Clause
"""Which shared libraries programs need: the closure over ELF's DT_NEEDED and PT_INTERP."""

import os
from collections.abc import Iterable
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment

from realmos.errors import SourceError

_ELF_MAGIC = b"\x7fELF"
_DIRECTORIES = ("usr/lib/aarch64-linux-gnu", "usr/lib")


def closure(root: Path, paths: Iterable[str]) -> set[str]:
    """Return the libraries that files of a tree need, directly or not, and the links to them.

    Args:
        root: the tree, /usr merged.
        paths: files in it; those that are no ELF files need nothing.

    Raises:
        SourceError: a library is not in the tree, or a file is broken.
    """
    found: set[str] = set()
    left = list(paths)
    while left:
        path = left.pop()
        for name in _needed(root / path):
            for library in _locate(root, name, path):
                if library not in found:
                    found.add(library)
                    left.append(library)
    return found


def _needed(path: Path) -> list[str]:
    """Return the names of libraries, and the absolute path of the dynamic loader."""
    with path.open("rb") as file:
        if file.read(len(_ELF_MAGIC)) != _ELF_MAGIC:
            return []
        try:
            elf = ELFFile(file)
            interpreters = (s for s in elf.iter_segments() if isinstance(s, InterpSegment))
            names = [segment.get_interp_name() for segment in interpreters]
            for section in elf.iter_sections():
                if isinstance(section, DynamicSection):
                    names += [str(vars(tag)["needed"]) for tag in section.iter_tags("DT_NEEDED")]
        except ELFError as error:
            raise SourceError(f"{path.name} is not a whole ELF file: {error}") from error
    return names


def _locate(root: Path, name: str, wanted_by: str) -> list[str]:
    """Return the library's path in the tree, and that of each link on the way to it."""
    absolute = [f"usr{name}"] if name.startswith("/lib/") else [name.lstrip("/")]
    candidates = absolute if "/" in name else [f"{folder}/{name}" for folder in _DIRECTORIES]
    for candidate in candidates:
        path = root / candidate
        if not path.exists():
            continue
        chain = [candidate]
        while path.is_symlink():
            path = Path(os.path.normpath(path.parent / path.readlink()))
            chain.append(str(path.relative_to(root)))
        return chain
    raise SourceError(
        f"{wanted_by} needs {name}, which is in none of the image's packages",
        hint="add the package to packages.toml, or exclude the file in image.toml",
    )
