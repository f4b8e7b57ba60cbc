# SPDX-License-Identifier: BSD-3-Clause
"""The root file system: packages unpacked without root, cut down to what a realm uses.

A `Tree` is what the packages hold; `select` says which paths of it are shipped; `nodes` turns them
into initramfs nodes, Python modules as bytecode.
"""

import shutil
import stat
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from realmos.errors import ConfigError
from realmos.image import cpio
from realmos.image._libraries import closure
from realmos.image.recipe import RootFs
from realmos.source import unpack

_MERGED = ("bin", "lib", "sbin")
_MOUNT_POINTS = ("dev", "proc", "root", "run", "sys", "tmp")
_SOURCE, _BYTECODE = ".py", ".pyc"


def unpack_packages(debs: Iterable[Path], root: Path) -> None:
    """Unpack packages into one tree whose /bin, /lib and /sbin are those of /usr.

    Raises:
        ToolError: a package is broken.
    """
    root.mkdir()
    for deb in debs:
        unpack(deb, root)
    for name in _MERGED:
        _merge(root / name, root / "usr" / name)
        (root / name).symlink_to(f"usr/{name}")


def select(root: Path, rootfs: RootFs) -> list[str]:
    """Return the paths of the tree to ship, sorted: what the recipe asks for, and its libraries.

    Raises:
        ConfigError: a pattern to include matches nothing.
        SourceError: a shared library is missing.
    """
    available = [path for path in _walk(root) if not _matches(path, rootfs.exclude)]
    for pattern in rootfs.include:
        if not any(fnmatchcase(path, pattern) for path in available):
            raise ConfigError(f"the image's packages hold nothing like {pattern}")
    chosen = [path for path in available if _matches(path, rootfs.include)]
    regular = [path for path in chosen if not (root / path).is_symlink()]
    return sorted({*chosen, *closure(root, regular)})


def modules(root: Path, paths: Iterable[str]) -> dict[str, Path]:
    """Return the Python modules among paths of a tree: sources by path."""
    sources = (path for path in paths if path.endswith(_SOURCE))
    return {path: root / path for path in sources if not (root / path).is_symlink()}


def nodes(root: Path, paths: Iterable[str], bytecode: Mapping[str, bytes]) -> list[cpio.Node]:
    """Return the initramfs nodes of paths of a tree; modules come as bytecode."""
    found = []
    for path in paths:
        compiled = bytecode.get(path)
        if compiled is None:
            found.append(_node(root, path))
        else:
            found.append(cpio.file(bytecode_path(path), compiled))
    return found


def skeleton(rootfs: RootFs) -> list[cpio.Node]:
    """Return the nodes that no package holds: mount points, the merged /usr, links and files.

    Raises:
        ConfigError: a directory of extra files cannot be read.
    """
    found = [cpio.symlink(name, f"usr/{name}") for name in _MERGED]
    found += [cpio.directory(f"usr/{name}") for name in _MERGED]
    found += [cpio.directory(name, mode=_mount_mode(name)) for name in _MOUNT_POINTS]
    found.append(cpio.character_device("dev/console", 5, 1))
    found.append(cpio.character_device("dev/null", 1, 3, mode=0o666))
    found += [cpio.symlink(path, target) for path, target in rootfs.links]
    found += [_node(rootfs.files, path) for path in _walk(rootfs.files)]
    return found


def materialise(entries: Iterable[cpio.Node], into: Path) -> None:
    """Write the files and links among nodes below a directory."""
    for node in entries:
        path = into / node.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_ISLNK(node.mode):
            path.symlink_to(node.data.decode())
        elif stat.S_ISREG(node.mode):
            path.write_bytes(node.data)
            path.chmod(stat.S_IMODE(node.mode))


def bytecode_path(source: str) -> str:
    """Return where the bytecode of a module goes: where its source was."""
    return source.removesuffix(_SOURCE) + _BYTECODE


def package_sources(package: Path, below: str) -> dict[str, Path]:
    """Return the sources of a Python package by their path in the image, below a directory."""
    files = sorted(package.rglob(f"*{_SOURCE}"))
    return {f"{below}/{path.relative_to(package.parent).as_posix()}": path for path in files}


def _merge(old: Path, new: Path) -> None:
    """Move what is in the directory `old`, if there is one, to `new`."""
    new.mkdir(parents=True, exist_ok=True)
    if not old.is_dir():
        return
    for name in _walk(old):
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        (old / name).replace(new / name)
    shutil.rmtree(old)


def _walk(root: Path) -> list[str]:
    """Return the files and links of a tree, sorted; links to directories are not followed."""
    found: list[str] = []
    left = [root]
    while left:
        for path in left.pop().iterdir():
            if path.is_dir() and not path.is_symlink():
                left.append(path)
            else:
                found.append(path.relative_to(root).as_posix())
    return sorted(found)


def _matches(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _node(root: Path, name: str) -> cpio.Node:
    path = root / name
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        target = str(path.readlink())
        if name.endswith(_SOURCE) and target.endswith(_SOURCE):
            return cpio.symlink(bytecode_path(name), bytecode_path(target))
        return cpio.symlink(name, target)
    return cpio.file(name, path.read_bytes(), executable=bool(mode & stat.S_IXUSR))


def _mount_mode(name: str) -> int:
    return {"root": 0o700, "tmp": 0o1777}.get(name, 0o755)
