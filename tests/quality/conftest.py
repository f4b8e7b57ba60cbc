# SPDX-License-Identifier: BSD-3-Clause
"""The files of the project and its RMM, as the checks of this folder see them."""

import os
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def files(top: Path) -> list[Path]:
    """Every file that is tracked, or new and not ignored, sorted."""
    listing = subprocess.run(
        # A checkout that belongs to another user, as in a container, is read all the same.
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"],
        cwd=top, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    found = [top / name for name in listing.split("\0") if name]
    return sorted(path for path in found if path.is_file())


@pytest.fixture(scope="session")
def texts(files: list[Path]) -> dict[Path, str]:
    """The text of every file; bytes that are not UTF-8 fail here, as no such file belongs in."""
    return {path: path.read_text("utf-8") for path in files}


@pytest.fixture(scope="session")
def rmm_build(
    top: Path, generated: Path, cross_compile: str, mbedtls_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:  # fmt: skip
    """A folder in which the RMM was built, with gcc's graph of calls beside each object."""
    out = tmp_path_factory.mktemp("rmm")
    subprocess.run(
        ["make", f"-j{os.cpu_count() or 1}", "-f", top / "rmm/Makefile", f"BUILD_DIR={out}",
         f"GENERATED={generated}", f"CROSS_COMPILE={cross_compile}", f"MBEDTLS={mbedtls_path}",
         f"CC={cross_compile}gcc -fcallgraph-info=su"],
        cwd=out, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return out
