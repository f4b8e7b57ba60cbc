# SPDX-License-Identifier: BSD-3-Clause
"""Building client programs of Trusted Applications from their own Makefiles, as TAs are built."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import StringTableSection

from realmos import process, tree
from realmos.cache import Cache
from realmos.errors import ConfigError, ToolError
from realmos.progress import Reporter
from realmos.source import find_cross_compiler
from realmos.source.toolchain import MAKE
from realmos.source.workspace import is_plain, workspace
from realmos.tee._diagnosis import CLIENT_FAILURES, diagnose
from realmos.tee.libteec import NAME, Libteec, build_architecture, build_libteec

CLIENT_LOG = "make-client.log"

_EXPORT = "TEEC_EXPORT"
_LINK = "libteec.so"
_DIRECTORY = "host"
_MACHINES = {"arm64": "EM_AARCH64", "amd64": "EM_X86_64"}


@dataclass(frozen=True)
class ClientSource:
    """A client to build.

    Attributes:
        directory: where its Makefile is, which is told by `TEEC_EXPORT` where the library is.
        architecture: `arm64`, or the build machine's.
    """

    directory: Path
    architecture: str

    @property
    def name(self) -> str:
        """What to call it: OP-TEE's examples have their clients in directories named `host`."""
        return f"{self.directory.resolve().parent.name}'s client"


def find_client_source(directory: Path) -> Path | None:
    """Return where the Makefile of a TA's client is: `host` in DIR or beside it; None if nowhere.

    Args:
        directory: the one that `find_source` takes.
    """
    for candidate in (directory / _DIRECTORY, directory.resolve().parent / _DIRECTORY):
        makefile = candidate / "Makefile"
        if makefile.is_file() and _EXPORT in makefile.read_text("utf-8", "replace"):
            return candidate
    return None


def build_client(
    source: ClientSource, *, out: Path, cache: Cache, reporter: Reporter
) -> tuple[Path, ...]:
    """Build a client, linked with realmos's libteec; return the programs that were made.

    All of it is compiled each time: a Makefile knows nothing of the architecture that was built
    before.

    Args:
        source: what to build.
        out: directory for the programs.
        cache: for the library, and for directories that make can cope with.
        reporter: progress.

    Raises:
        ConfigError: the sources or the Makefile cannot work, or make no client.
        ToolError: make or a compiler is absent.
    """
    MAKE.require()
    library = build_libteec(cache, reporter, architecture=source.architecture)
    native = source.architecture == build_architecture()
    prefix = "" if native else find_cross_compiler().prefix
    out.mkdir(parents=True, exist_ok=True)
    out = out.resolve()
    with workspace(cache) as work:
        _export(library, work / "export")
        objects = out if is_plain(out) else work / "objects"
        objects.mkdir(exist_ok=True)
        variables = {
            "CROSS_COMPILE": prefix, "CC": f"{prefix}gcc", "CXX": f"{prefix}g++",
            "O": objects, _EXPORT: work / "export",
        }  # fmt: skip
        words = [f"{name}={value}" for name, value in variables.items()]
        log = out / CLIENT_LOG
        with reporter.task(f"Building {source.name} ({source.architecture})"):
            _run([*words, f"-j{os.cpu_count() or 1}"], source, log)
        made = [
            path
            for place in dict.fromkeys((objects, source.directory))
            for path in sorted(place.iterdir())
            if _is_client(path, source.architecture)
        ]
        if not made:
            raise ConfigError(
                f"{source.name}: make ended well, and left no {source.architecture} program that "
                f"is linked with {NAME} in {source.directory} or its O",
                hint=f"the Makefile compiles with $(CC), and links with -L$({_EXPORT})/lib -lteec",
            )
        return tuple(_kept(path, out) for path in made)


def _run(words: list[str], source: ClientSource, log: Path) -> None:
    lines: list[str] = []
    argv = ["make", "--no-print-directory", "-B", "-C", str(source.directory), *words]
    try:
        process.run(argv, log=log, on_line=lines.append)
    except ToolError as error:
        raise diagnose(lines, source.name, str(log), CLIENT_FAILURES) from error


def _export(library: Libteec, path: Path) -> None:
    """Lay headers and library out as OP-TEE's own build exports them."""
    (path / "lib").mkdir(parents=True)
    (path / "include").symlink_to(tree.root() / "host" / "libteec" / "include")
    (path / "lib" / _LINK).symlink_to(library.path)
    (path / "lib" / NAME).symlink_to(library.path)


def _is_client(path: Path, architecture: str) -> bool:
    """Tell whether a file is a program of an architecture that calls the library."""
    if not path.is_file() or path.is_symlink():
        return False
    try:
        with path.open("rb") as file:
            elf = ELFFile(file)
            dynamic, strings = map(elf.get_section_by_name, (".dynamic", ".dynstr"))
            return (
                elf.header.e_machine == _MACHINES[architecture]
                and elf.get_section_by_name(".interp") is not None
                and isinstance(dynamic, DynamicSection)
                and isinstance(strings, StringTableSection)
                and NAME
                in {strings.get_string(tag["d_val"]) for tag in dynamic.iter_tags("DT_NEEDED")}
            )
    except ELFError:
        return False


def _kept(path: Path, out: Path) -> Path:
    return path if path.parent == out else Path(shutil.copy(path, out / path.name))
