# SPDX-License-Identifier: BSD-3-Clause
"""The root file system, made from a tiny set of packages: what is shipped, and always the same."""

import io
import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from realmos import process
from realmos.errors import ConfigError, SourceError
from realmos.image import cpio, rootfs
from realmos.image.recipe import RootFs

LIBRARIES = "usr/lib/aarch64-linux-gnu"


@pytest.fixture
def recipe(tmp_path: Path) -> RootFs:
    files = tmp_path / "files"
    (files / "etc").mkdir(parents=True)
    (files / "etc" / "hosts").write_text("127.0.0.1 localhost\n", "utf-8")
    return RootFs(
        include=("usr/bin/*", "usr/lib/python3/*"),
        exclude=("*/test/*",),
        links=(("usr/bin/sh", "tool"),),
        files=files,
        optimize=0,
    )


def package(path: Path, name: str, files: Mapping[str, bytes | str]) -> Path:
    """Build a package of files (bytes) and symbolic links (str)."""
    root = path / name
    for file, content in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            (root / file).symlink_to(content)
        else:
            (root / file).write_bytes(content)
            (root / file).chmod(0o755 if "/bin/" in file else 0o644)
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: n\nDescription: d\n", "utf-8"
    )
    deb = path / f"{name}.deb"
    process.run(["dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, deb])
    return deb


def compile_elf(
    path: Path, prefix: str, name: str, *needs: Path, options: tuple[str, ...] = ()
) -> Path:
    """Compile an empty library or program that needs other libraries."""
    source = path / f"{name}.c"
    source.write_text("int f(void);\nint f(void) { return 0; }\n", "utf-8")
    out = path / name
    flags = options or ("-shared", f"-Wl,-soname,{name}")
    words = ["-nostdlib", "-fPIC", "-Wl,--no-as-needed", *flags]
    process.run([f"{prefix}gcc", *words, "-o", out, source, *needs])
    return out


@pytest.fixture
def elves(tmp_path: Path, cross_compile: str) -> dict[str, bytes]:
    """A program that needs liba, which needs libb; its loader; and a library that nobody needs."""
    path = tmp_path / "elf"
    path.mkdir()
    second = compile_elf(path, cross_compile, "libb.so.1")
    first = compile_elf(path, cross_compile, "liba.so.1", second)
    loader = ("-Wl,--dynamic-linker,/lib/ld-linux-aarch64.so.1", "-Wl,-e,f", "-pie")
    compile_elf(path, cross_compile, "tool", first, options=loader)
    return {name: (path / name).read_bytes() for name in ("libb.so.1", "liba.so.1", "tool")}


@pytest.fixture
def debs(tmp_path: Path, elves: dict[str, bytes]) -> list[Path]:
    path = tmp_path / "debs"
    path.mkdir()
    return [
        package(
            path,
            "libraries",
            {
                f"{LIBRARIES}/liba.so.1": "liba.so.1.2.3",
                f"{LIBRARIES}/liba.so.1.2.3": elves["liba.so.1"],
                f"{LIBRARIES}/libb.so.1": elves["libb.so.1"],
                f"{LIBRARIES}/libunused.so.1": elves["libb.so.1"],
                f"{LIBRARIES}/ld-linux-aarch64.so.1": elves["libb.so.1"],
                "usr/lib/ld-linux-aarch64.so.1": "aarch64-linux-gnu/ld-linux-aarch64.so.1",
            },
        ),
        package(
            path,
            "programs",
            {
                "usr/bin/tool": elves["tool"],
                "usr/share/doc/tool/copyright": b"text",
                "usr/lib/python3/a.py": b"x = 1\n",
                "usr/lib/python3/alias.py": "a.py",
                "usr/lib/python3/test/t.py": b"",
            },
        ),
        package(path, "old", {"lib/old.conf": b"c", "bin/oldtool": b"#!/bin/sh\n"}),
    ]


@pytest.fixture
def root(tmp_path: Path, debs: list[Path]) -> Path:
    path = tmp_path / "root"
    rootfs.unpack_packages(debs, path)
    return path


def test_packages_that_know_no_merged_usr_land_in_usr(root: Path) -> None:
    assert (root / "usr/lib/old.conf").read_bytes() == b"c"
    assert (root / "usr/bin/oldtool").is_file()
    assert {name: (root / name).readlink() for name in ("bin", "lib", "sbin")} == {
        "bin": Path("usr/bin"),
        "lib": Path("usr/lib"),
        "sbin": Path("usr/sbin"),
    }


def test_what_is_asked_for_is_shipped_with_its_libraries_alone(root: Path, recipe: RootFs) -> None:
    assert rootfs.select(root, recipe) == [
        "usr/bin/oldtool",
        "usr/bin/tool",
        f"{LIBRARIES}/ld-linux-aarch64.so.1",
        f"{LIBRARIES}/liba.so.1",
        f"{LIBRARIES}/liba.so.1.2.3",
        f"{LIBRARIES}/libb.so.1",
        "usr/lib/ld-linux-aarch64.so.1",
        "usr/lib/python3/a.py",
        "usr/lib/python3/alias.py",
    ]


def test_library_in_no_package_is_named_with_who_needs_it(root: Path, recipe: RootFs) -> None:
    (root / LIBRARIES / "libb.so.1").unlink()
    with pytest.raises(SourceError, match=r"liba\.so\.1\S* needs libb\.so\.1"):
        rootfs.select(root, recipe)


def test_broken_program_is_refused(root: Path, recipe: RootFs) -> None:
    tool = root / "usr/bin/tool"
    tool.write_bytes(tool.read_bytes()[:70])
    with pytest.raises(SourceError, match="tool is not a whole ELF file"):
        rootfs.select(root, recipe)


def test_pattern_that_matches_nothing_is_refused(root: Path, recipe: RootFs) -> None:
    wrong = replace(recipe, include=("usr/bin/nosuch",))
    with pytest.raises(ConfigError, match="nothing like usr/bin/nosuch"):
        rootfs.select(root, wrong)


def test_modules_are_shipped_as_bytecode_where_their_sources_were(
    root: Path, recipe: RootFs
) -> None:
    paths = rootfs.select(root, recipe)
    modules = rootfs.modules(root, paths)
    assert modules == {"usr/lib/python3/a.py": root / "usr/lib/python3/a.py"}
    found = {node.path: node for node in rootfs.nodes(root, paths, dict.fromkeys(modules, b"pyc"))}
    assert found["usr/lib/python3/a.pyc"].data == b"pyc"
    assert found["usr/lib/python3/alias.pyc"].data == b"a.pyc"
    assert not [path for path in found if path.endswith(".py")]
    assert stat.S_IMODE(found["usr/bin/tool"].mode) == 0o755


def test_skeleton_has_mount_points_links_and_files(recipe: RootFs) -> None:
    found = {node.path: node for node in rootfs.skeleton(recipe)}
    assert {"dev", "proc", "sys", "tmp", "run", "root", "dev/console", "dev/null"} <= set(found)
    assert found["lib"].data == b"usr/lib"
    assert found["usr/bin/sh"].data == b"tool"
    assert found["etc/hosts"].data == b"127.0.0.1 localhost\n"
    assert stat.S_IMODE(found["tmp"].mode) == 0o1777


def test_build_machine_leaves_no_trace(tmp_path: Path, debs: list[Path], recipe: RootFs) -> None:
    def build(name: str, umask: int, packages: list[Path]) -> bytes:
        before = os.umask(umask)
        try:
            root = tmp_path / name
            rootfs.unpack_packages(packages, root)
            os.utime(root / "usr/bin/tool", (1, 1))
            paths = rootfs.select(root, recipe)
            nodes = [*rootfs.skeleton(recipe), *rootfs.nodes(root, paths, {})]
            out = io.BytesIO()
            cpio.write(nodes, out)
            return out.getvalue()
        finally:
            os.umask(before)

    first = build("one", 0o022, debs)
    second = build("another", 0o077, debs[::-1])
    assert first == second


def test_materialised_tree_is_what_the_nodes_say(tmp_path: Path) -> None:
    nodes = [cpio.file("bin/x", b"1", executable=True), cpio.symlink("bin/y", "x")]
    rootfs.materialise(nodes, tmp_path)
    assert (tmp_path / "bin/y").read_bytes() == b"1"
    assert os.access(tmp_path / "bin/x", os.X_OK)


def test_package_of_ours_lands_below_its_place(tmp_path: Path) -> None:
    package_ = tmp_path / "mine"
    (package_ / "sub" / "__pycache__").mkdir(parents=True)
    for name in ("__init__.py", "sub/__init__.py", "py.typed", "sub/__pycache__/x.pyc"):
        (package_ / name).write_text("", "utf-8")
    found = rootfs.package_sources(package_, "usr/lib/ours")
    assert sorted(found) == ["usr/lib/ours/mine/__init__.py", "usr/lib/ours/mine/sub/__init__.py"]
