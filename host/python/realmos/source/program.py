# SPDX-License-Identifier: BSD-3-Clause
"""Building of our C programs and libraries that run on Linux, each by the Makefile beside it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from realmos_abi.__main__ import main as write_headers

from realmos.cache import Cache
from realmos.source.make import run_make
from realmos.source.workspace import workspace


@contextmanager
def made_program(
    name: str,
    source: Path,
    cache: Cache,
    *,
    compiler: str,
    hint: str,
    log: Path | None = None,
    variables: Mapping[str, Path] | None = None,
) -> Iterator[Path]:
    """Yield what a Makefile of ours makes, with the ABI tables as headers; it is gone afterwards.

    Args:
        name: of the file that is made.
        source: the directory of the Makefile, which is told CC, BUILD_DIR and GENERATED.
        cache: where the work is done.
        compiler: what CC is.
        hint: what to do when it fails.
        log: file that receives what was printed.
        variables: what else the Makefile is told.

    Raises:
        ToolError: make is absent, or fails.
    """
    with workspace(cache, **{source.name: source}) as work:
        write_headers(work / "generated")
        told = {"CC": compiler, **(variables or {})}
        words = [f"{key}={value}" for key, value in told.items()]
        build = run_make(work, work / source.name / "Makefile", words, hint=hint, log=log)
        yield build / name
