# SPDX-License-Identifier: BSD-3-Clause
"""Unpacking: archives that would leave the directory are refused, good ones come out whole."""

import io
import tarfile
from pathlib import Path

import pytest
from realmos import process
from realmos.errors import SourceError, ToolError
from realmos.source.deb import extract, unpack, unpack_tar


def archive(path: Path, *members: tuple[str, bytes | str]) -> Path:
    """Make a tar of files (bytes) and symbolic links (str)."""
    with tarfile.open(path, "w:xz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def package(tmp_path: Path) -> Path:
    root = tmp_path / "package"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        "Package: p\nVersion: 1\nArchitecture: all\nMaintainer: n\nDescription: d\n", "utf-8"
    )
    (root / "usr" / "bin").mkdir(parents=True)
    (root / "usr" / "bin" / "tool").write_bytes(b"#!/bin/sh\n")
    (root / "usr" / "bin" / "tool").chmod(0o755)
    (root / "usr" / "bin" / "link").symlink_to("tool")
    deb = tmp_path / "p.deb"
    process.run(["dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, deb])
    return deb


@pytest.mark.parametrize(
    "member",
    [
        ("../out", b"x"),
        ("top/../../out", b"x"),
        ("/out", b"x"),
        ("top/link", "/etc/passwd"),
    ],
)
def test_member_that_leaves_the_directory_is_refused(
    tmp_path: Path, member: tuple[str, bytes | str]
) -> None:
    path = archive(tmp_path / "a.tar.xz", ("top/good", b"x"), member)
    with pytest.raises(SourceError, match="leaves the directory"):
        unpack_tar(path, tmp_path / "work" / "into")
    assert not (tmp_path / "work" / "out").exists()


def test_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar.xz", ("top/file", bytes(100_000)))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(SourceError, match=r"a\.tar\.xz cannot be unpacked"):
        unpack_tar(path, tmp_path / "into")


def test_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.xz"
    path.write_bytes(b"not an archive")
    with pytest.raises(SourceError, match="cannot be unpacked"):
        unpack_tar(path, tmp_path / "into")


def test_archive_with_two_tops_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar.xz", ("one/file", b"x"), ("two/file", b"x"))
    with pytest.raises(SourceError, match="2 top directories"):
        unpack_tar(path, tmp_path / "into")


def test_archive_is_unpacked_with_its_links(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar.xz", ("top/file", b"x"), ("top/link", "file"))
    top = unpack_tar(path, tmp_path / "into")
    assert top == tmp_path / "into" / "top"
    assert (top / "link").read_bytes() == b"x"


def test_broken_package_is_refused(tmp_path: Path, package: Path) -> None:
    package.write_bytes(package.read_bytes()[:-120])
    with pytest.raises(ToolError):
        unpack(package, tmp_path / "into")
    with pytest.raises(SourceError, match=r"p\.deb"):
        extract(package, "usr/bin/nosuch", tmp_path / "file")


def test_extraction_from_something_else_than_a_package_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.deb"
    path.write_bytes(b"PK\3\4" + bytes(200))
    with pytest.raises(SourceError, match="not an ar archive"):
        extract(path, "usr/bin/tool", tmp_path / "file")


@pytest.mark.parametrize("member", ["usr/bin/nosuch", "usr/bin", "usr/bin/link"])
def test_extraction_of_what_is_no_file_is_refused(
    tmp_path: Path, package: Path, member: str
) -> None:
    with pytest.raises(SourceError, match="does not hold"):
        extract(package, member, tmp_path / "file")


def test_package_is_unpacked(tmp_path: Path, package: Path) -> None:
    unpack(package, tmp_path / "into")
    assert (tmp_path / "into" / "usr" / "bin" / "link").read_bytes() == b"#!/bin/sh\n"


def test_one_file_is_extracted_with_its_mode(tmp_path: Path, package: Path) -> None:
    extract(package, "usr/bin/tool", tmp_path / "tool")
    assert (tmp_path / "tool").read_bytes() == b"#!/bin/sh\n"
    assert (tmp_path / "tool").stat().st_mode & 0o777 == 0o755
