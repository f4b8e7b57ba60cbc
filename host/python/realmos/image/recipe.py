# SPDX-License-Identifier: BSD-3-Clause
"""Image recipes: `images/<name>/image.toml`, read strictly into frozen dataclasses.

A recipe that `extends` another takes from it, whole, every table that it does not have itself.
"""

from dataclasses import dataclass
from pathlib import Path

from realmos import tree
from realmos.errors import ConfigError
from realmos.image._fields import Fields, read_toml

FILE_NAME = "image.toml"

_MIB = 1 << 20
_LEVELS = (0, 1, 2)


@dataclass(frozen=True)
class DebianKernel:
    """A kernel that Debian built: the lock's packages `linux-binary-*` and the like.

    Attributes:
        modules: loaded by PID 1 before anything else, in this order.
        lazy_modules: loaded, in this order, when a program first uses attestation.
        rsi_device: the module of guest/rsi is built, and is the last of the lazy ones.
    """

    modules: tuple[str, ...]
    lazy_modules: tuple[str, ...]
    rsi_device: bool = False


@dataclass(frozen=True)
class SourceKernel:
    """A kernel built here, without modules, from the lock's package `linux-source-*`.

    Attributes:
        fragment: the configuration, on top of `allnoconfig`.
        steps: about how many lines make prints; for the progress bar.
        unused: directories of the source whose C files are not needed.
        rsi_device: the driver of guest/rsi is built in.
    """

    fragment: Path
    steps: int
    unused: tuple[str, ...]
    rsi_device: bool = False


@dataclass(frozen=True)
class RootFs:
    """The root file system: part of what is in the lock's packages that are no kernel.

    Attributes:
        include: patterns of paths to ship; `*` matches `/` too.
        exclude: patterns of paths not to ship after all.
        links: symbolic links to add: (path, target).
        files: directory of files to add as they are.
        optimize: level of byte-compilation, 0 to 2.
    """

    include: tuple[str, ...]
    exclude: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    files: Path
    optimize: int


@dataclass(frozen=True)
class Boot:
    """How the realm starts.

    Attributes:
        device_tree: template of the device tree.
        cmdline: template of the kernel's command line.
        swiotlb: bytes of memory shared with the monitor for bounce buffers.
        headroom: bytes of memory to be free once the initramfs is unpacked.
    """

    device_tree: Path
    cmdline: Path
    swiotlb: int
    headroom: int


@dataclass(frozen=True)
class Recipe:
    """One image: its name, directory, and what it is made of."""

    name: str
    directory: Path
    description: str
    kernel: DebianKernel | SourceKernel
    root: RootFs
    boot: Boot


def names() -> list[str]:
    """Return the names of the recipes that come with realmos."""
    return sorted(path.parent.name for path in tree.images().glob(f"*/{FILE_NAME}"))


def load(name: str) -> Recipe:
    """Read a recipe.

    Args:
        name: one of `names()`, or the path of a directory that holds an image.toml.

    Raises:
        ConfigError: there is none of that name, or it is malformed.
    """
    directory = Path(name) if "/" in name else tree.images() / name
    path = directory / FILE_NAME
    if not path.is_file():
        hint = f"images: {', '.join(names())}; or the path of a directory with an {FILE_NAME}"
        raise ConfigError(f"there is no image {name}", hint=hint)
    return _parse(path)


def _parse(path: Path) -> Recipe:
    top = Fields(path, "", read_toml(path))
    description = top.text("description")
    base = top.text("extends", "-")
    own = {table: top.table(table) for table in ("kernel", "root", "boot") if top.has(table)}
    top.close()
    tables = own if base == "-" else _base_tables(path, base) | own
    missing = {"kernel", "root", "boot"} - set(tables)
    if missing:
        raise top.error(f"table [{min(missing)}] is missing")
    return Recipe(
        name=path.resolve().parent.name,
        directory=path.parent,
        description=description,
        kernel=_kernel(tables["kernel"]),
        root=_root(tables["root"]),
        boot=_boot(tables["boot"]),
    )


def _base_tables(path: Path, base: str) -> dict[str, Fields]:
    base_path = path.parent.parent / base / FILE_NAME
    if not base_path.is_file():
        base_path = tree.images() / base / FILE_NAME
    values = read_toml(base_path)
    if "extends" in values:
        raise ConfigError(f"{path} extends {base}, which itself extends another image")
    top = Fields(base_path, "", values)
    return {table: top.table(table) for table in ("kernel", "root", "boot") if top.has(table)}


def _kernel(fields: Fields) -> DebianKernel | SourceKernel:
    origin = fields.text("origin")
    kernel: DebianKernel | SourceKernel
    if origin == "debian":
        kernel = DebianKernel(
            modules=fields.texts("modules", ()),
            lazy_modules=fields.texts("lazy_modules", ()),
            rsi_device=fields.flag("rsi_device"),
        )
    elif origin == "source":
        kernel = SourceKernel(
            fragment=fields.path("fragment"),
            steps=fields.number("steps"),
            unused=fields.texts("unused", ()),
            rsi_device=fields.flag("rsi_device"),
        )
    else:
        raise fields.error(f"origin must be debian or source, not {origin}")
    fields.close()
    return kernel


def _root(fields: Fields) -> RootFs:
    root = RootFs(
        include=fields.texts("include"),
        exclude=fields.texts("exclude", ()),
        links=fields.pairs("links"),
        files=fields.path("files"),
        optimize=fields.number("optimize", 0),
    )
    fields.close()
    if root.optimize not in _LEVELS:
        raise fields.error(f"optimize must be one of {', '.join(map(str, _LEVELS))}")
    return root


def _boot(fields: Fields) -> Boot:
    boot = Boot(
        device_tree=fields.path("device_tree"),
        cmdline=fields.path("cmdline"),
        swiotlb=fields.number("swiotlb_mib") * _MIB,
        headroom=fields.number("headroom_mib") * _MIB,
    )
    fields.close()
    return boot
