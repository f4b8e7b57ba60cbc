# SPDX-License-Identifier: BSD-3-Clause
"""Which shared libraries a program loads, so that nothing else of its packages need be kept."""

from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import StringTableSection
from elftools.elf.segments import InterpSegment

from realmos.errors import SourceError


def loader_and_libraries(program: Path, directory: Path) -> tuple[Path, list[Path]]:
    """Return the dynamic loader, and all libraries that `program` loads, directly or not.

    Args:
        program: an ELF program.
        directory: the one directory that its libraries are in.

    Raises:
        SourceError: a library is not there, or a file is no ELF.
    """
    interpreter, pending = _needs(program)
    loader = _find(directory, Path(interpreter).name, program)
    found: dict[str, Path] = {}
    while pending:
        name = pending.pop()
        if name in found or name == loader.name:
            continue
        found[name] = _find(directory, name, program)
        pending += _needs(found[name])[1]
    return loader, [found[name] for name in sorted(found)]


def _find(directory: Path, name: str, program: Path) -> Path:
    path = directory / name
    if not path.is_file():
        raise SourceError(f"{program.name} needs {name}, which its packages do not hold")
    return path


def _needs(path: Path) -> tuple[str, list[str]]:
    """Return the interpreter (empty for a library) and the direct dependencies of an ELF file."""
    interpreter = ""
    names: list[str] = []
    try:
        with path.open("rb") as file:
            elf = ELFFile(file)
            for segment in elf.iter_segments():
                if isinstance(segment, InterpSegment):
                    interpreter = segment.get_interp_name()
            section, strings = map(elf.get_section_by_name, (".dynamic", ".dynstr"))
            if isinstance(section, DynamicSection) and isinstance(strings, StringTableSection):
                tags = section.iter_tags("DT_NEEDED")
                names = [strings.get_string(tag["d_val"]) for tag in tags]
    except ELFError as error:
        raise SourceError(f"{path.name} is not an ELF file: {error}") from error
    return interpreter, names
