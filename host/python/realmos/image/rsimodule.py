# SPDX-License-Identifier: BSD-3-Clause
"""The driver of guest/rsi, /dev/realm-rsi: a module for Debian's kernel, or part of one built here.

kbuild itself cannot be relied on: its programs want a newer C library than the build machine's, and
the compiler that built the kernel. guest/rsi/Makefile compiles against Debian's headers alone, and
`_check` compares what comes out with a module of the kernel's own.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import realmos_abi
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import Section, SymbolTableSection
from realmos_abi.__main__ import header

from realmos import tree
from realmos.cache import Cache, key_of
from realmos.errors import ConfigError, SourceError
from realmos.image.kernel import CONFIG, Kernel, is_headers_package, parse_config
from realmos.progress import Reporter
from realmos.source import Lock, fetch, find_cross_compiler, unpack
from realmos.source.make import run_make
from realmos.source.workspace import workspace

NAME = "realm_rsi"

_TABLE = "rsi_device"
_IN_KERNEL = Path("drivers/virt/coco")
_DIRECTORY = "realm-rsi"
_RECIPE = 1


def digest() -> str:
    """Return a hash of the driver's source, for use as a build's input."""
    return key_of({"source": tree.digest([_source()]), "header": header(realmos_abi.load(_TABLE))})


def add_to_kernel(source: Path) -> None:
    """Put the driver into the source tree of a kernel, to be built in.

    Raises:
        SourceError: the kernel has no place for it.
    """
    makefile = source / _IN_KERNEL / "Makefile"
    if not makefile.is_file():
        raise SourceError(f"the kernel's source has no {_IN_KERNEL}/Makefile")
    target = source / _IN_KERNEL / _DIRECTORY
    shutil.copytree(_source(), target)
    _write_header(target / "generated")
    with makefile.open("a", encoding="utf-8") as file:
        file.write(f"obj-y += {_DIRECTORY}/\n")


def build_module(kernel: Kernel, lock: Lock, cache: Cache, reporter: Reporter) -> Path:
    """Return the module for a kernel of Debian's, built if the cache does not hold it.

    Raises:
        ConfigError: the lock has no headers of this kernel, or it wants what is not built here.
        SourceError: the headers cannot be had.
        ToolError: the module does not compile.
    """
    headers = _headers(lock, kernel)
    compiler = find_cross_compiler()
    inputs = {
        "headers": headers.digest,
        "source": digest(),
        "kernel": kernel.sha256,
        "compiler": compiler.identity,
        "recipe": _RECIPE,
    }

    def make(out: Path) -> None:
        debs = fetch(headers, cache, reporter)
        with cache.scratch() as root, reporter.task("Compiling the kernel module"):
            for deb in debs.values():
                unpack(deb, root)
            common, flavour = _directories(root, kernel.release)
            links = {"source": _source(), "common": common, "flavour": flavour}
            with workspace(cache, **links) as work:
                _write_header(work / "generated")
                words = [
                    f"CC={compiler.prefix}gcc", f"LD={compiler.prefix}ld",
                    f"COMMON={work / 'common'}", f"FLAVOUR={work / 'flavour'}",
                ]  # fmt: skip
                hint = "`realmos doctor` checks the compiler"
                build = run_make(work, work / "source" / "Makefile", words, hint=hint)
                module = build / f"{NAME}.ko"
                _check(module, kernel, flavour / "Module.symvers")
                shutil.copyfile(module, out / module.name)

    return cache.build("rsi-module", inputs, make) / f"{NAME}.ko"


def _source() -> Path:
    return tree.root() / "guest" / "rsi"


def _write_header(generated: Path) -> None:
    """Write the one header of ours that the driver includes."""
    path = generated / "abi" / f"{_TABLE}.h"
    path.parent.mkdir(parents=True)
    path.write_text(header(realmos_abi.load(_TABLE)), "utf-8")


def _headers(lock: Lock, kernel: Kernel) -> Lock:
    """Return the packages of the kernel's headers.

    Raises:
        ConfigError: there are none, or those of another kernel.
    """
    headers = lock.select(lambda package: is_headers_package(package.name))
    binaries = {p.version for p in lock.packages if p.name.endswith(f"-{kernel.release}")}
    versions = {package.version for package in headers.packages}
    if len(headers.packages) == 0 or versions != binaries:
        what = "of another version than its kernel" if versions else "which its module is made with"
        raise ConfigError(
            f"the package lock has no headers of Linux {kernel.release}: {what}",
            hint=f"move the lock: realmos lock {lock.image}",
        )
    return headers


def _directories(root: Path, release: str) -> tuple[Path, Path]:
    """Return what the packages of headers hold: for all flavours of the kernel, and for this one.

    Raises:
        SourceError: one is absent.
    """
    flavour = root / "usr" / "src" / f"linux-headers-{release}"
    common = next(root.glob("usr/src/linux-headers-*-common"), None)
    if common is None or not flavour.is_dir():
        raise SourceError(f"the packages of headers do not hold those of Linux {release}")
    return common, flavour


@dataclass(frozen=True)
class _Facts:
    """What of a module the kernel checks, or trusts, when it loads it."""

    vermagic: str
    record_size: int
    record_pointers: tuple[int, ...]
    undefined: frozenset[str]


def _check(module: Path, kernel: Kernel, symbols: Path) -> None:
    """Hold a module against one of the kernel's own, and against what the kernel exports.

    Raises:
        ConfigError: it would not load, or would be misread.
    """
    if parse_config((kernel.path.parent / CONFIG).read_text("utf-8")).get("CONFIG_MODVERSIONS"):
        raise ConfigError(f"Linux {kernel.release} wants checksums of symbols, which {NAME} lacks")
    ours, own = _facts(module), _facts(_own_module(kernel))
    for what in ("vermagic", "record_size", "record_pointers"):
        if getattr(ours, what) != getattr(own, what):
            found, wanted = getattr(ours, what), getattr(own, what)
            raise ConfigError(f"{NAME} has {what} {found}, the kernel's own modules {wanted}")
    exported = {line.split("\t")[1] for line in symbols.read_text("utf-8").splitlines()}
    missing = ours.undefined - exported
    if missing:
        raise ConfigError(f"{NAME} needs what the kernel lacks: {', '.join(sorted(missing))}")


def _own_module(kernel: Kernel) -> Path:
    """Return a module of the kernel's own with all that is compared: an end as well as a start."""
    if kernel.modules is None:
        raise ConfigError(f"Linux {kernel.release} has no modules")
    for path in sorted(kernel.modules.glob("*.ko")):
        if len(_facts(path).record_pointers) > 1:
            return path
    raise ConfigError(f"Linux {kernel.release} is packed without a module to compare {NAME} with")


def _facts(path: Path) -> _Facts:
    """Read a module.

    Raises:
        SourceError: it is none.
    """
    try:
        with path.open("rb") as file:
            return _read_facts(ELFFile(file))
    except (ELFError, LookupError, TypeError) as error:
        raise SourceError(f"{path.name} is no kernel module: {error}") from error


def _read_facts(elf: ELFFile) -> _Facts:
    info = dict(
        text.decode("utf-8", "replace").partition("=")[::2]
        for text in _section(elf, ".modinfo").data().split(b"\0")
    )
    record = _section(elf, ".gnu.linkonce.this_module")
    pointers = _section(elf, ".rela.gnu.linkonce.this_module")
    table = _section(elf, ".symtab")
    if not isinstance(pointers, RelocationSection) or not isinstance(table, SymbolTableSection):
        raise TypeError("its sections are not what their names say")
    names = {s.name for s in table.iter_symbols() if s["st_shndx"] == "SHN_UNDEF" and s.name}
    offsets = sorted(int(entry["r_offset"]) for entry in pointers.iter_relocations())
    return _Facts(info["vermagic"], int(record["sh_size"]), tuple(offsets), frozenset(names))


def _section(elf: ELFFile, name: str) -> Section:
    section = elf.get_section_by_name(name)
    if section is None:
        raise LookupError(f"it has no section {name}")
    return section
