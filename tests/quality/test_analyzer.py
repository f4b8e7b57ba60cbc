# SPDX-License-Identifier: BSD-3-Clause
"""gcc's static analyzer finds nothing in the RMM: every path of every function of ours."""

import os
import subprocess
from pathlib import Path

import pytest

ANALYZER = "-fanalyzer"
# The analyzer sees what the optimiser leaves, which takes what is undefined as it likes.
OPTIMISE = "-O0"
# What it has to find, or its silence says nothing.
FAULTS = {
    "null-dereference": "int f(int a) { int *p = 0; if (a > 3) { p = &a; } return *p; }",
    "use-of-uninitialized-value": "int f(int a) { int b; if (a > 3) { b = 1; } return b; }",
}


@pytest.mark.fetch
def test_the_analyzer_finds_nothing_in_the_rmm(
    top: Path, generated: Path, cross_compile: str, mbedtls_path: Path, tmp_path: Path
) -> None:
    sources = [*(top / "rmm/src").rglob("*.c"), *(top / "rmm/lib/src").rglob("*.c")]
    names = [path.relative_to(top / "rmm").with_suffix(".o") for path in sorted(sources)]
    done = subprocess.run(
        ["make", f"-j{os.cpu_count() or 1}", "-k", "-f", top / "rmm/Makefile",
         f"BUILD_DIR={tmp_path}", f"GENERATED={generated}", f"CROSS_COMPILE={cross_compile}",
         f"MBEDTLS={mbedtls_path}", f"CC={cross_compile}gcc {ANALYZER}", f"OPTIMISE={OPTIMISE}",
         *(tmp_path / name for name in names)],
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("fault", FAULTS)
def test_the_analyzer_finds_what_it_is_there_for(
    fault: str, cross_compile: str, tmp_path: Path
) -> None:
    source = tmp_path / "fault.c"
    source.write_text(FAULTS[fault])
    done = subprocess.run(
        [f"{cross_compile}gcc", ANALYZER, OPTIMISE, "-Werror", "-c", source],
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert f"error=analyzer-{fault}" in done.stderr
