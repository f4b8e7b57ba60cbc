# SPDX-License-Identifier: BSD-3-Clause
"""Which QEMU is used, and what is kept of one that is fetched."""

import shutil
from pathlib import Path

import pytest
from realmos import process
from realmos.cache import Cache
from realmos.errors import SourceError, ToolError
from realmos.progress import Silent
from realmos.source import _libraries, _mirror, deb, qemu
from realmos.source.lock import Lock, Package, read
from realmos.source.toolchain import find_cross_compiler

PACKAGES = tuple(
    Package(name, version, "amd64", "trixie", 1, "ab" * 32)
    for name, version in (
        ("libc6", "2.41"),
        ("qemu-system-arm", "1:10.0.13+ds-0+deb13u1"),
        ("qemu-user", "1:10.0.13+ds-0+deb13u1"),
    )
)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(path: Path, text: str) -> None:
    file = path / qemu.PROGRAM
    file.write_text(f"#!/bin/sh\necho '{text}'\n", "utf-8")
    file.chmod(0o755)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the packages of a lock unpack to: a program, its libraries, and much else."""
    root = tmp_path / "root"
    library = root / "usr" / "lib" / qemu.TRIPLETS["amd64"]
    (root / "usr" / "bin").mkdir(parents=True)
    library.mkdir(parents=True)
    link(library / "libinner.so.1", "int inner;")
    link(library / "libouter.so.1", "extern int inner; int *outer = &inner;", "libinner.so.1")
    link(library / "libother.so.1", "int other;")
    (library / "ld-linux-test.so.2").write_bytes(b"loader")
    link(
        root / "usr" / "bin" / qemu.PROGRAM,
        "extern int *outer; int **_start = &outer;",
        "libouter.so.1",
        directory=library,
    )
    (root / "usr" / "bin" / "qemu-pr-helper").write_bytes(b"unneeded")
    monkeypatch.setattr(qemu, "read_lock", lambda: Lock(PACKAGES, image="qemu"))
    monkeypatch.setattr(_mirror, "build_architecture", lambda: "amd64")
    monkeypatch.setattr(qemu, "fetch", lambda lock, *_: {p.name: root for p in lock.packages})
    monkeypatch.setattr(deb, "unpack", merge)
    return root


def merge(source: Path, into: Path) -> None:
    shutil.copytree(source, into, dirs_exist_ok=True)


def link(out: Path, source: str, *needed: str, directory: Path | None = None) -> None:
    """Compile a shared library, or with a directory of libraries a program."""
    text = out.parent / f"{out.name}.c"
    text.write_text(source, "utf-8")
    kind = ["-pie", "-Wl,-dynamic-linker,/lib/ld-linux-test.so.2"] if directory else ["-shared"]
    folder = directory or out.parent
    libraries = [str(folder / name) for name in needed]
    process.run(
        [
            f"{find_cross_compiler().prefix}gcc", "-nostdlib", "-fPIC", *kind,
            "-Wl,--allow-shlib-undefined", "-Wl,--no-as-needed",
            *([] if directory else [f"-Wl,-soname,{out.name}"]),
            "-o", out, text, *libraries,
        ]
    )  # fmt: skip
    text.unlink()


def test_qemu_that_prints_no_version_is_refused(path: Path, cache: Cache) -> None:
    program(path, "segmentation fault")
    with pytest.raises(ToolError, match="does not print a version"):
        qemu.find_qemu(cache, Silent())


@pytest.mark.parametrize(
    ("version", "enough"),
    [("7.2.19", False), ("9.1.99", False), ("9.2.0", True), ("10.0.2", True), ("11.1", True)],
)
def test_versions_are_compared_as_numbers(path: Path, version: str, *, enough: bool) -> None:
    program(path, f"QEMU emulator version {version} (Debian 1:{version}+dfsg-1)")
    own = qemu.installed()
    assert own is not None
    assert own.version == version
    assert qemu.is_new_enough(own) == enough


def test_own_qemu_is_used_when_new_enough(path: Path, cache: Cache) -> None:
    program(path, "QEMU emulator version 10.0.2")
    found = qemu.find_qemu(cache, Silent())
    assert found.argv_prefix == (str(path / qemu.PROGRAM),)
    assert found.origin.startswith("installed")


def test_library_that_no_package_holds_is_named(packages: Path, tmp_path: Path) -> None:
    library = packages / "usr" / "lib" / qemu.TRIPLETS["amd64"]
    (library / "libinner.so.1").unlink()
    with pytest.raises(SourceError, match=r"needs libinner\.so\.1"):
        _libraries.loader_and_libraries(packages / "usr" / "bin" / qemu.PROGRAM, library)
    with pytest.raises(SourceError, match="not an ELF file"):
        _libraries.loader_and_libraries(packages / "usr" / "bin" / "qemu-pr-helper", tmp_path)


def test_package_without_the_program_is_refused(
    packages: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    (packages / "usr" / "bin" / qemu.PROGRAM).unlink()
    monkeypatch.setattr(qemu, "installed", lambda: None)
    with pytest.raises(SourceError, match="does not hold qemu-system-aarch64"):
        qemu.find_qemu(cache, Silent())


def test_qemu_too_old_is_replaced_by_one_cut_down_to_what_it_loads(
    packages: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert packages.is_dir()
    old = qemu.Qemu(("qemu",), "7.2.1", "installed")
    monkeypatch.setattr(qemu, "installed", lambda: old)
    assert qemu.cached(cache) is None
    found = qemu.find_qemu(cache, Silent())
    home = Path(found.argv_prefix[-1])
    assert {file.name for file in home.iterdir() if not file.name.startswith(".")} == {
        "ld-linux-test.so.2", "libinner.so.1", "libouter.so.1", qemu.PROGRAM,
    }  # fmt: skip
    assert found.argv_prefix[0] == str(home / "ld-linux-test.so.2")
    assert found.version == "10.0.13"
    assert qemu.cached(cache) == found


def test_user_mode_emulator_is_the_only_file_of_its_package_that_is_kept(
    packages: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert packages.is_dir()
    monkeypatch.setattr(deb, "extract", lambda _deb, member, to: to.write_text(member, "utf-8"))
    (prefix,) = qemu.qemu_user(cache, Silent())
    assert Path(prefix).read_text("utf-8") == "usr/bin/qemu-aarch64"


def test_arm64_machine_needs_no_user_mode_emulator(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_mirror, "build_architecture", lambda: "arm64")
    assert qemu.qemu_user(cache, Silent()) == ()


@pytest.mark.parametrize("architecture", qemu.ARCHITECTURES)
def test_locks_of_both_kinds_of_build_machine_are_here(architecture: str) -> None:
    lock = read(qemu.lock_path(architecture))
    assert lock.architecture == architecture
    assert lock.image == "qemu"
    assert lock.version(qemu.PACKAGE)


@pytest.mark.exhaustive
def test_fetched_qemu_runs(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu, "installed", lambda: None)
    found = qemu.find_qemu(cache, Silent())
    text = process.run([*found.argv_prefix, "-M", "virt", "-cpu", "help"])
    assert "max" in text
    assert f"version {found.version}" in process.run([*found.argv_prefix, "--version"])
    user = qemu.qemu_user(cache, Silent())
    assert "qemu-aarch64" in process.run([*user, "--version"])
