# SPDX-License-Identifier: BSD-3-Clause
"""The wheel holds what it must, and builds the same images as a checkout."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

# Folders and files that a wheel needs to build firmware and images, and ships below realmos/_tree.
TREE = (
    "rmm/lib",
    "rmm/mbedtls",
    "rmm/src",
    "rmm/Makefile",
    "rmm/rmm.ld.S",
    "host/monitor",
    "host/bench",
    "host/libteec",
    "host/plugins",
    "host/rig",
    "guest/init",
    "guest/optee/runner",
    "guest/rsi",
    "images",
)

# Where the name of a distribution is not that of its package.
PACKAGES = {"pyelftools": "elftools", "qemu.qmp": "qemu"}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory, top: Path) -> Path:
    """A wheel made from this tree, unpacked: what an installation of it holds."""
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, top],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.fail(done.stdout + done.stderr, pytrace=False)
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(out / "site")
    return out / "site"


def test_wheel_top_level_is_our_packages(unpacked: Path) -> None:
    names = {path.name.partition("-")[0] + path.suffix for path in unpacked.iterdir()}
    assert names == {"realmos", "realmos_agent", "realmos_abi", "realmos.dist-info"}


def test_wheel_holds_every_file_of_the_tree(unpacked: Path, files: list[Path], top: Path) -> None:
    wanted = [path for path in files if any(path.is_relative_to(top / part) for part in TREE)]
    assert wanted
    for path in wanted:
        shipped = unpacked / "realmos" / "_tree" / path.relative_to(top)
        assert shipped.is_file(), path
        assert shipped.read_bytes() == path.read_bytes(), path


def test_wheel_holds_every_module(unpacked: Path, files: list[Path], top: Path) -> None:
    for folder in ("host/python", "guest/python", "rmm/abi"):
        for path in files:
            if path.is_relative_to(top / folder):
                shipped = unpacked / path.relative_to(top / folder)
                assert shipped.is_file(), path


def test_installed_wheel_uses_its_own_tree(unpacked: Path, tmp_path: Path) -> None:
    code = "import realmos, realmos.tree as t; print(realmos.__version__); print(t.root())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(unpacked)},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    version, root = done.stdout.splitlines()
    assert Path(root) == unpacked / "realmos" / "_tree"
    assert version == "0.1.0"


@pytest.mark.fetch
def test_wheel_builds_the_same_rmm_as_the_checkout(
    unpacked: Path, generated: Path, cross_compile: str, mbedtls_path: Path, tmp_path: Path
) -> None:
    top = Path(__file__).resolve().parents[2]
    images = []
    for name, tree in (("wheel", unpacked / "realmos" / "_tree"), ("checkout", top)):
        out = tmp_path / name
        done = subprocess.run(
            ["make", "-s", "-C", tree / "rmm", f"BUILD_DIR={out}", f"GENERATED={generated}",
             f"CROSS_COMPILE={cross_compile}", f"MBEDTLS={mbedtls_path}"],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode != 0:
            pytest.fail(done.stdout + done.stderr, pytrace=False)
        images.append((out / "rmm.bin").read_bytes())
    assert images[0] == images[1]


def test_dependencies_are_what_is_imported(files: list[Path], top: Path) -> None:
    project = tomllib.loads((top / "pyproject.toml").read_text("utf-8"))["project"]
    names = [re.split(r"[<>=]", entry)[0] for entry in project["dependencies"]]
    imported = {
        name.partition(".")[0]
        for path in files
        if path.suffix == ".py" and path.is_relative_to(top / "host/python")
        if path.name != "pytest_plugin.py"  # pytest imports it, so pytest is there
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in imported_by(node)
    }
    ours = {"realmos", "realmos_agent", "realmos_abi"}
    assert imported - sys.stdlib_module_names - ours == {PACKAGES.get(n, n) for n in names}


def imported_by(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


@pytest.mark.exhaustive
def test_wheel_builds_the_same_firmware_on_an_empty_cache(unpacked: Path, tmp_path: Path) -> None:
    flashes = []
    for extra in ({}, {"PYTHONPATH": str(unpacked), "REALMOS_CACHE": str(tmp_path / "cache")}):
        done = subprocess.run(
            [sys.executable, "-m", "realmos.cli", "build", "firmware", "--json"],
            cwd=tmp_path, env={**os.environ, **extra}, check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode != 0:
            pytest.fail(done.stderr, pytrace=False)
        flashes.append(json.loads(done.stdout)["firmware"])
    assert flashes[0] == flashes[1]
