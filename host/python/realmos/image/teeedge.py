# SPDX-License-Identifier: BSD-3-Clause
"""Building of the edge of the TEE core, a library of its process: see guest/optee/edge."""

import shutil
from pathlib import Path

from realmos import tree
from realmos.cache import Cache
from realmos.progress import Reporter
from realmos.source.program import made_program
from realmos.source.toolchain import Tool, compiler_tools

NAME = "tee-edge.so"

_NATIVE = (Tool("gcc", "gcc", (12,)), Tool("ld", "binutils"))


def build_edge(cache: Cache, reporter: Reporter, *, native: bool = False) -> Path:
    """Return the library, built if the cache does not hold it.

    Args:
        cache: where it is kept.
        reporter: progress.
        native: it is for a core on the build machine, and not in a realm.

    Raises:
        ToolError: there is no compiler for it, or it does not compile.
    """
    compiler, linker = _NATIVE if native else compiler_tools()
    compiler.require()
    source = tree.root() / "guest" / "optee" / "edge"
    inputs = {
        "source": tree.digest([source, tree.abi_package()]),
        "compiler": f"{compiler.identity()}; {linker.identity()}",
    }

    def make(out: Path) -> None:
        with (
            reporter.task("Compiling the edge of the TEE core"),
            made_program(
                NAME,
                source,
                cache,
                compiler=compiler.program,
                hint="`realmos doctor` checks the compiler",
            ) as library,
        ):
            shutil.copy(library, out / NAME)

    return cache.build("tee-edge", inputs, make) / NAME
