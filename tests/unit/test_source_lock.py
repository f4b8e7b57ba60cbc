# SPDX-License-Identifier: BSD-3-Clause
"""Package locks as text: what is refused, and that what is written is read."""

from dataclasses import replace
from pathlib import Path

import pytest
from realmos.errors import ConfigError
from realmos.source.lock import Lock, Package, SourceFile, merge, read, write

SHA = "ab" * 32
DEB = Package("libc6", "1:2.41-12+deb13u4", "arm64", "trixie", 2483572, SHA)
ALL = Package("tzdata", "2026c-0", "all", "trixie-backports", 264156, SHA)
SRC = SourceFile("tool", "4.2-1", "tool_4.2.orig.tar.xz", "trixie", 12, SHA)
GOOD = f"deb libc6 1 arm64 trixie 12 {SHA}"


def lock_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "linux" / "packages.lock"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    "line",
    [
        "deb libc6 1 arm64 trixie 12",
        f"deb libc6 1 arm64 trixie 12 {SHA} extra",
        f"deb libc6 1 arm64 trixie -1 {SHA}",
        f"deb libc6 1 arm64 trixie 12 {SHA[:-1]}",
        f"deb libc6 1 arm64 trixie 12 {SHA.upper()}",
        f"deb ../libc6 1 arm64 trixie 12 {SHA}",
        f"src tool 1 ../../x trixie 12 {SHA}",
        f"deb libc6 1 arm64 ../sid 12 {SHA}",
        f"rpm libc6 1 arm64 trixie 12 {SHA}",
    ],
)
def test_malformed_line_is_refused_by_number(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match="line 2") as caught:
        read(lock_file(tmp_path, f"# a comment\n{line}\n"))
    assert "realmos lock linux" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        f"deb b 1 arm64 trixie 12 {SHA}\ndeb a 1 arm64 trixie 12 {SHA}\n",
        f"deb a 1 arm64 trixie 12 {SHA}\ndeb a 2 arm64 trixie 12 {SHA}\n",
    ],
)
def test_unsorted_or_repeated_packages_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="not sorted, or names a package twice"):
        read(lock_file(tmp_path, text))


def test_packages_of_two_architectures_are_refused(tmp_path: Path) -> None:
    text = f"{GOOD}\ndeb zlib1g 1 amd64 trixie 12 {SHA}\n"
    with pytest.raises(ConfigError, match="amd64 and arm64"):
        read(lock_file(tmp_path, text))


def test_absent_lock_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no package lock") as caught:
        read(tmp_path / "small" / "packages.lock")
    assert caught.value.hint == "realmos lock small"


def test_package_that_is_not_locked_is_named() -> None:
    with pytest.raises(ConfigError, match="package nosuch is not in the lock of image linux"):
        Lock((DEB,), image="linux").version("nosuch")


def test_lock_of_one_source_package_does_not_depend_on_the_others() -> None:
    other = replace(SRC, name="other", file="other_1.orig.tar.xz")
    lock = Lock((DEB,), (SRC, other), "firmware")
    assert lock.source(SRC.name) == Lock(sources=(SRC,), image="firmware")
    assert lock.source(SRC.name).digest == Lock(sources=(SRC,)).digest
    with pytest.raises(ConfigError, match="source package nosuch is not in the lock of image"):
        lock.source("nosuch")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    made = Lock((DEB, ALL), (SRC,), "linux")
    path = tmp_path / "linux" / "packages.lock"
    write(made, path)
    assert read(path) == made


def test_version_is_that_of_a_binary_or_source_package() -> None:
    made = Lock((DEB,), (SRC,))
    assert (made.version("libc6"), made.version("tool")) == ("1:2.41-12+deb13u4", "4.2-1")


def test_architecture_is_not_all() -> None:
    assert Lock((ALL, DEB)).architecture == "arm64"
    assert not Lock((ALL,)).architecture


def test_digest_follows_every_hash_but_not_the_image() -> None:
    made = Lock((DEB,), (SRC,), "linux")
    assert replace(made, image="small").digest == made.digest
    assert replace(made, packages=(replace(DEB, sha256="cd" * 32),)).digest != made.digest
    assert replace(made, sources=(replace(SRC, sha256="cd" * 32),)).digest != made.digest


def test_merged_locks_keep_the_first_version_and_are_sorted() -> None:
    other = replace(DEB, version="9")
    made = merge(Lock((ALL, DEB)), Lock((other,), (SRC,), "linux"))
    assert made == Lock((DEB, ALL), (SRC,), "linux")


def test_selection_leaves_sources_alone() -> None:
    made = Lock((DEB, ALL), (SRC,), "linux")
    assert made.select(lambda p: p.architecture == "all") == Lock((ALL,), (SRC,), "linux")
