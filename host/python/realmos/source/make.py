# SPDX-License-Identifier: BSD-3-Clause
"""make, as our own Makefiles want it: outside the source, and with the headers of the ABI."""

from collections.abc import Sequence
from pathlib import Path

from realmos import process
from realmos.source.toolchain import MAKE


def run_make(
    work: Path, makefile: Path, words: Sequence[str], *, hint: str, log: Path | None = None
) -> Path:
    """Make what a Makefile of ours makes by itself; return the directory that it is in.

    Args:
        work: a workspace whose `generated` holds the headers as abi/*.h.
        makefile: which one.
        words: what else make is told.
        hint: what to do when it fails.
        log: file that receives what was printed.

    Raises:
        ToolError: make is absent or too old, or fails.
    """
    MAKE.require()
    build = work / "build"
    process.run(
        [
            MAKE.program, "-f", makefile, f"BUILD_DIR={build}",
            f"GENERATED={work / 'generated'}", *words,
        ],
        cwd=work,
        env=process.base_env(SOURCE_DATE_EPOCH="0"),
        log=log,
        hint=hint,
    )  # fmt: skip
    return build
