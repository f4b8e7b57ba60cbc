# SPDX-License-Identifier: BSD-3-Clause
"""Byte-compiling Python modules with the image's own interpreter.

Modules are shipped as bytecode alone, `module.pyc` where `module.py` was: an interpreter that finds
both reads both, and what the realm starts with is what gets measured, byte by byte.
"""

import itertools
from collections.abc import Mapping
from pathlib import Path

from realmos.errors import SourceError, ToolError
from realmos.image._target import Target
from realmos.progress import Reporter

SCRIPT = Path(__file__).with_name("_compile_in_target.py")
PYTHON = "usr/bin/python3"
_PROCESSES = 8


def compile_modules(
    target: Target,
    modules: Mapping[str, Path],
    work: Path,
    *,
    level: int,
    reporter: Reporter,
) -> dict[str, bytes]:
    """Return the .pyc of each module.

    Args:
        target: has the interpreter.
        modules: sources by their path in the image (without a leading slash).
        work: an empty directory for intermediate files.
        level: of optimisation, 0 to 2.
        reporter: progress.

    Raises:
        SourceError: a module does not compile.
    """
    order = sorted(modules, key=lambda name: (-modules[name].stat().st_size, name))
    results = {name: work / f"{number}.pyc" for number, name in enumerate(order)}
    jobs = work / "jobs"
    jobs.write_text("".join(f"/{n}\t{modules[n]}\t{results[n]}\n" for n in order), "utf-8")
    processes = min(_PROCESSES, len(order))
    with reporter.task("Compiling Python modules") as task:
        counter = itertools.count(1)

        def show(line: str) -> None:
            task.update(done=next(counter), total=len(order), note=line.rpartition("/")[2])

        arguments = ("-I", "-S", SCRIPT, str(level), jobs, str(processes))
        try:
            target.run(PYTHON, *arguments, on_line=show)
        except ToolError as error:
            raise SourceError(f"Python modules cannot be compiled: {error}") from error
    return {name: path.read_bytes() for name, path in results.items()}
