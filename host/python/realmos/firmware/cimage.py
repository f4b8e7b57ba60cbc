# SPDX-License-Identifier: BSD-3-Clause
"""Our own bare-metal images, the RMM and the monitor, built by their Makefiles out of tree."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from realmos_abi.__main__ import main as write_headers

from realmos import tree
from realmos.cache import Cache
from realmos.errors import FirmwareError
from realmos.firmware._component import Component, from_build
from realmos.progress import Reporter
from realmos.source.make import run_make
from realmos.source.toolchain import CrossCompiler
from realmos.source.workspace import workspace


def build_rmm(
    cache: Cache, reporter: Reporter, compiler: CrossCompiler, mbedtls: Path
) -> Component:
    """Return our RMM, built if the cache does not hold it.

    Args:
        cache: where it is kept.
        reporter: progress.
        compiler: what it is built with.
        mbedtls: directory with mbedTLS's `include` and `library`.

    Raises:
        ToolError: make or the compiler fails.
    """
    recipe = _Recipe("rmm", "rmm", Path("rmm/Makefile"))
    sources = ("rmm/Makefile", "rmm/rmm.ld.S", "rmm/lib", "rmm/mbedtls", "rmm/src")
    links = {"mbedtls": mbedtls}
    return _build(recipe, sources, links, cache=cache, reporter=reporter, compiler=compiler)


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
    recipe = _Recipe("monitor", "bl33", Path("host/monitor/Makefile"))
    sources = ("host/monitor", "rmm/lib")
    links = {"libfdt": libfdt}
    return _build(recipe, sources, links, cache=cache, reporter=reporter, compiler=compiler)


def build_bench(cache: Cache, reporter: Reporter, compiler: CrossCompiler) -> Component:
    """Return the normal-world program that counts what an RMM's operations cost.

    Args:
        cache: where it is kept.
        reporter: progress.
        compiler: what it is built with.

    Raises:
        ToolError: make or the compiler fails.
    """
    recipe = _Recipe("bench", "bl33", Path("host/bench/Makefile"))
    sources = ("host/bench", "host/rig", "rmm/lib")
    return _build(recipe, sources, {}, cache=cache, reporter=reporter, compiler=compiler)


@dataclass(frozen=True)
class _Recipe:
    """An image's name, the component of the flash that it is, and its Makefile from the root."""

    image: str
    component: str
    makefile: Path


def _build(
    recipe: _Recipe,
    sources: Sequence[str],
    links: Mapping[str, Path],
    *,
    cache: Cache,
    reporter: Reporter,
    compiler: CrossCompiler,
) -> Component:
    image, root = recipe.image, tree.root()
    inputs = [*(root / name for name in sources), *links.values(), tree.abi_package()]
    digest = tree.digest(inputs)

    def make(out: Path) -> None:
        with workspace(cache, tree=root, **links) as work, reporter.task(f"Building the {image}"):
            write_headers(work / "generated")
            build = _make(work, recipe, compiler, cache.path / "logs" / f"{image}.log")
            for suffix in (".bin", ".elf"):
                made = build / f"{image}{suffix}"
                if not made.is_file():
                    raise FirmwareError(f"{recipe.makefile} did not make {made.name}")
                shutil.copy(made, out / made.name)

    home = cache.build(image, {"sources": digest, "compiler": compiler.identity}, make)
    return from_build(
        recipe.component,
        home / f"{image}.bin",
        version=digest[:12],
        origin=f"our {image}, built from {recipe.makefile.parent}/",
        elf=home / f"{image}.elf",
    )


def _make(work: Path, recipe: _Recipe, compiler: CrossCompiler, log: Path) -> Path:
    words = [
        f"-j{os.cpu_count() or 1}",
        f"CROSS_COMPILE={compiler.prefix}",
        f"MBEDTLS={work / 'mbedtls'}",
        f"LIBFDT_SRC={work / 'libfdt' / 'src'}",
        f"LIBFDT_INCLUDE={work / 'libfdt' / 'include'}",
    ]
    hint = "see the log; `realmos doctor` checks the compiler"
    return run_make(work, work / "tree" / recipe.makefile, words, hint=hint, log=log)
