# SPDX-License-Identifier: BSD-3-Clause
"""Our own bare-metal images, the RMM and the monitor, built by their Makefiles out of tree."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from realmos_abi.__main__ import main as write_headers

from realmos import process, tree
from realmos.cache import Cache
from realmos.errors import FirmwareError
from realmos.firmware._component import Component, from_build
from realmos.progress import Reporter
from realmos.source.toolchain import MAKE, CrossCompiler


def build_rmm(cache: Cache, reporter: Reporter, compiler: CrossCompiler) -> Component:
    """Return our RMM, built if the cache does not hold it.

    Raises:
        ToolError: make or the compiler fails.
    """
    root = tree.root() / "rmm"
    sources = [root / name for name in ("Makefile", "rmm.ld.S", "lib", "src")]
    return _build(
        "rmm",
        sources,
        component="rmm",
        variables={},
        cache=cache,
        reporter=reporter,
        compiler=compiler,
    )


def build_monitor(
    cache: Cache, reporter: Reporter, compiler: CrossCompiler, libfdt: Path
) -> Component:
    """Return the monitor, built if the cache does not hold it.

    Args:
        cache: where it is kept.
        reporter: progress.
        compiler: what it is built with.
        libfdt: directory with libfdt's `src` and `include`.

    Raises:
        ToolError: make or the compiler fails.
    """
    root = tree.root()
    sources = [root / "host" / "monitor", root / "rmm" / "lib", libfdt]
    variables = {"LIBFDT_SRC": libfdt / "src", "LIBFDT_INCLUDE": libfdt / "include"}
    return _build(
        "monitor",
        sources,
        component="bl33",
        variables=variables,
        cache=cache,
        reporter=reporter,
        compiler=compiler,
    )


def _build(
    image: str,
    sources: list[Path],
    *,
    component: str,
    variables: Mapping[str, Path],
    cache: Cache,
    reporter: Reporter,
    compiler: CrossCompiler,
) -> Component:
    """Build one image; the first of its sources is its Makefile, or the directory that holds it."""
    makefile = sources[0] if sources[0].is_file() else sources[0] / "Makefile"
    digest = tree.digest([*sources, tree.abi_package()])

    def make(out: Path) -> None:
        MAKE.require()
        with cache.scratch() as work, reporter.task(f"Building the {image}"):
            write_headers(work / "generated")
            _make(makefile, work, variables, compiler, cache.path / "logs" / f"{image}.log")
            for suffix in (".bin", ".elf"):
                made = work / "build" / f"{image}{suffix}"
                if not made.is_file():
                    raise FirmwareError(f"{makefile} did not make {made.name}")
                shutil.copy(made, out / made.name)

    home = cache.build(image, {"sources": digest, "compiler": compiler.identity}, make)
    return from_build(
        component,
        home / f"{image}.bin",
        version=digest[:12],
        origin=f"our {image}, built from {makefile.parent.name}/",
        elf=home / f"{image}.elf",
    )


def _make(
    makefile: Path, work: Path, variables: Mapping[str, Path], compiler: CrossCompiler, log: Path
) -> None:
    process.run(
        [
            "make", f"-j{os.cpu_count() or 1}", "-f", makefile,
            f"BUILD_DIR={work / 'build'}", f"GENERATED={work / 'generated'}",
            f"CROSS_COMPILE={compiler.prefix}",
            *(f"{name}={path}" for name, path in variables.items()),
        ],
        cwd=work,
        env=process.base_env(SOURCE_DATE_EPOCH="0"),
        log=log,
        hint="see the log; `realmos doctor` checks the compiler",
    )  # fmt: skip
