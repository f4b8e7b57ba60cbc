# SPDX-License-Identifier: BSD-3-Clause
"""The initramfs writer: exact bytes, an order of its own, and no path that leaves the root."""

import io
import stat
from collections.abc import Sequence
from itertools import permutations

import pytest
from realmos.errors import ConfigError
from realmos.image import cpio


def archive(nodes: Sequence[cpio.Node]) -> bytes:
    out = io.BytesIO()
    size = cpio.write(nodes, out)
    assert size == len(out.getvalue())
    return out.getvalue()


def read(data: bytes) -> list[tuple[str, dict[str, int], bytes]]:
    """Read an archive back, as the kernel does."""
    names = ["ino", "mode", "uid", "gid", "nlink", "mtime", "filesize"]
    names += ["devmajor", "devminor", "rdevmajor", "rdevminor", "namesize", "check"]
    entries: list[tuple[str, dict[str, int], bytes]] = []
    at = 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(len(names))]
        header = dict(zip(names, fields, strict=True))
        name = data[at + 110 : at + 110 + header["namesize"]]
        assert name[-1:] == b"\0"
        at = -(-(at + 110 + header["namesize"]) // 4) * 4
        body = data[at : at + header["filesize"]]
        at = -(-(at + header["filesize"]) // 4) * 4
        if name == b"TRAILER!!!\0":
            assert at == len(data)
            return entries
        entries.append((name[:-1].decode(), header, body))


def test_one_file_has_exactly_these_bytes() -> None:
    assert archive([cpio.file("ab", b"hello")]) == (
        b"07070100000001000081A400000000000000000000000100000000"
        b"000000050000000000000000000000000000000000000003" + b"00000000ab\0\0\0\0hello\0\0\0"
        b"070701000000000000000000000000000000000000000100000000"
        b"00000000000000000000000000000000000000000000000B"
        b"00000000TRAILER!!!\0\0\0\0"
    )


def test_every_order_of_nodes_gives_the_same_archive() -> None:
    nodes = [
        cpio.file("a/b/c", b"1"),
        cpio.directory("a", mode=0o700),
        cpio.symlink("a-link", "a/b"),
        cpio.character_device("dev/console", 5, 1),
    ]
    assert len({archive(order) for order in permutations(nodes)}) == 1


def test_parents_come_first_and_missing_ones_are_added() -> None:
    found = read(archive([cpio.file("a/b/c", b"x"), cpio.file("a.b", b"y")]))
    assert [name for name, _, _ in found] == ["a", "a/b", "a/b/c", "a.b"]
    assert all(stat.S_ISDIR(header["mode"]) for name, header, _ in found if name in {"a", "a/b"})


def test_nothing_of_the_build_machine_is_recorded() -> None:
    found = read(archive([cpio.file("a", b"x", executable=True), cpio.symlink("b", "a")]))
    assert [header["ino"] for _, header, _ in found] == [1, 2]
    for _, header, _ in found:
        assert (header["uid"], header["gid"], header["mtime"]) == (0, 0, 0)
        assert (header["devmajor"], header["devminor"], header["check"]) == (0, 0, 0)


def test_types_permissions_and_devices_survive() -> None:
    nodes = [
        cpio.directory("tmp", mode=0o1777),
        cpio.file("run", b"#!", executable=True),
        cpio.symlink("link", "run"),
        cpio.character_device("null", 1, 3, mode=0o666),
    ]
    found = {name: (header, body) for name, header, body in read(archive(nodes))}
    assert found["tmp"][0]["mode"] == stat.S_IFDIR | 0o1777
    assert found["run"][0]["mode"] == stat.S_IFREG | 0o755
    assert found["link"] == (found["link"][0], b"run")
    assert stat.S_ISLNK(found["link"][0]["mode"])
    assert (found["null"][0]["rdevmajor"], found["null"][0]["rdevminor"]) == (1, 3)


@pytest.mark.parametrize("path", ["/etc", "../x", "a/../b", "a//b", "./a", "a/", "", "."])
def test_path_that_is_not_plain_is_refused(path: str) -> None:
    with pytest.raises(ConfigError, match="cannot hold the path"):
        archive([cpio.file(path, b"")])


def test_path_given_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="a is in the initramfs twice"):
        archive([cpio.file("a", b""), cpio.symlink("a", "b")])
