# SPDX-License-Identifier: BSD-3-Clause
"""Writing initramfs archives (cpio, "newc"), the same bytes for the same nodes.

Owner 0, no times, inode numbers by order, parents before children: nothing of the build machine
gets into the archive.
"""

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from realmos.errors import ConfigError

_MAGIC = b"070701"
_TRAILER = "TRAILER!!!"
_ALIGNMENT = 4
_SIZE_LIMIT = 1 << 32


@dataclass(frozen=True)
class Node:
    """One file, directory, link or device.

    Args:
        path: relative to the root, without `.` or `..`.
        mode: type and permissions, as in `st_mode`.
        data: a file's bytes or a symbolic link's target.
        device: major and minor number of a device node.
    """

    path: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def directory(path: str, *, mode: int = 0o755) -> Node:
    """Return a directory."""
    return Node(path, stat.S_IFDIR | mode)


def file(path: str, data: bytes, *, executable: bool = False) -> Node:
    """Return a regular file that everyone may read."""
    return Node(path, stat.S_IFREG | (0o755 if executable else 0o644), data)


def symlink(path: str, target: str) -> Node:
    """Return a symbolic link."""
    return Node(path, stat.S_IFLNK | 0o777, target.encode())


def character_device(path: str, major: int, minor: int, *, mode: int = 0o600) -> Node:
    """Return a character device node."""
    return Node(path, stat.S_IFCHR | mode, device=(major, minor))


def write(nodes: Iterable[Node], out: BinaryIO) -> int:
    """Write an archive and return its size in bytes; missing parent directories are added.

    Raises:
        ConfigError: a path leaves the root or occurs twice, or a file has 4 GiB or more.
    """
    size = 0
    for number, node in enumerate(_ordered(nodes), 1):
        size += _write_entry(out, node, number)
    return size + _write_entry(out, Node(_TRAILER, 0), 0)


def _ordered(nodes: Iterable[Node]) -> list[Node]:
    found: dict[str, Node] = {}
    for node in nodes:
        _check(node, found)
        found[node.path] = node
    for path in list(found):
        for parent in PurePosixPath(path).parents[:-1]:
            found.setdefault(str(parent), directory(str(parent)))
    return sorted(found.values(), key=lambda node: PurePosixPath(node.path).parts)


def _check(node: Node, found: Mapping[str, Node]) -> None:
    parts = PurePosixPath(node.path).parts
    if not parts or parts[0] == "/" or ".." in parts or str(PurePosixPath(*parts)) != node.path:
        raise ConfigError(f"an initramfs cannot hold the path {node.path!r}")
    if node.path in found:
        raise ConfigError(f"{node.path} is in the initramfs twice")
    if len(node.data) >= _SIZE_LIMIT:
        raise ConfigError(f"{node.path} is too large for an initramfs")


def _write_entry(out: BinaryIO, node: Node, number: int) -> int:
    name = node.path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(node.mode) else 1
    fields = (number, node.mode, 0, 0, links, 0, len(node.data), 0, 0, *node.device, len(name), 0)
    header = _MAGIC + b"".join(b"%08X" % field for field in fields) + name
    body = _padded(header) + _padded(node.data)
    return out.write(body)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)
