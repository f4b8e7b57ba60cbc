# SPDX-License-Identifier: BSD-3-Clause
"""Building of the runner, the program that holds a Trusted Application, for arm64."""

import shutil
from pathlib import Path

from realmos_abi.__main__ import main as write_headers

from realmos import process, tree
from realmos.cache import Cache
from realmos.progress import Reporter
from realmos.source import find_cross_compiler
from realmos.source.toolchain import MAKE
from realmos.source.workspace import workspace

NAME = "ta-runner"


def build_runner(cache: Cache, reporter: Reporter) -> Path:
    """Return the runner, a static program, built if the cache does not hold it.

    Raises:
        ToolError: there is no compiler for arm64, or the program does not compile.
    """
    compiler = find_cross_compiler()
    source = tree.root() / "guest" / "optee" / "runner"
    inputs = {
        "source": tree.digest([source, tree.abi_package()]),
        "compiler": compiler.identity,
    }

    def make(out: Path) -> None:
        with (
            reporter.task("Compiling the runner of Trusted Applications"),
            workspace(cache, tree=source) as work,
        ):
            write_headers(work / "generated")
            process.run(
                [
                    MAKE.program, "-f", work / "tree" / "Makefile", f"CC={compiler.prefix}gcc",
                    f"BUILD_DIR={work / 'build'}", f"GENERATED={work / 'generated'}",
                ],
                cwd=work,
                env=process.base_env(SOURCE_DATE_EPOCH="0"),
                hint="`realmos doctor` checks the compiler and the static C library",
            )  # fmt: skip
            shutil.copy(work / "build" / NAME, out / NAME)

    return cache.build(NAME, inputs, make) / NAME
