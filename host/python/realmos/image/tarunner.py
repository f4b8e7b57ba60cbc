# SPDX-License-Identifier: BSD-3-Clause
"""Building of the runner, the program that holds a Trusted Application, for arm64."""

import shutil
from pathlib import Path

from realmos import tree
from realmos.cache import Cache
from realmos.progress import Reporter
from realmos.source import find_cross_compiler
from realmos.source.program import made_program

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
            made_program(
                NAME,
                source,
                cache,
                compiler=f"{compiler.prefix}gcc",
                hint="`realmos doctor` checks the compiler and the static C library",
            ) as program,
        ):
            shutil.copy(program, out / NAME)

    return cache.build(NAME, inputs, make) / NAME
