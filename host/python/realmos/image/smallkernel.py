# SPDX-License-Identifier: BSD-3-Clause
"""A kernel of our own configuration, built from Debian's source package.

Everything is built in and there are no modules. The same source, configuration and compiler give
the same bytes: user, host and time that a kernel normally records are fixed.
"""

import itertools
import os
import re
import shutil
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from realmos import process
from realmos.cache import Cache, sha256_file
from realmos.errors import ConfigError, SourceError, ToolError
from realmos.image import rsimodule
from realmos.image.kernel import (
    CONFIG,
    IMAGE,
    Kernel,
    check_realm_support,
    describe,
    is_kernel_package,
    parse_config,
)
from realmos.image.recipe import SourceKernel
from realmos.progress import Reporter
from realmos.source import CrossCompiler, Lock, fetch, find_cross_compiler
from realmos.source.deb import extract
from realmos.source.toolchain import MAKE, Tool
from realmos.source.workspace import workspace

_TOOLS = (
    Tool("bc", "bc"),
    Tool("bison", "bison"),
    Tool("flex", "flex"),
    Tool("gcc", "gcc"),
    Tool("perl", "perl"),
)
_PINNED = {
    "KBUILD_BUILD_USER": "realmos",
    "KBUILD_BUILD_HOST": "realmos",
    "KBUILD_BUILD_TIMESTAMP": "Thu Jan  1 00:00:00 UTC 1970",
    "KBUILD_BUILD_VERSION": "1",
    "SOURCE_DATE_EPOCH": "0",
}
_CODE = (".c", ".h", ".S", ".dts", ".dtsi", ".rst", ".json", ".txt", ".yaml")
_RECIPE = 1


def build_from_source(recipe: SourceKernel, lock: Lock, cache: Cache, reporter: Reporter) -> Kernel:
    """Return the kernel of the lock's source package, built if the cache does not hold it.

    Raises:
        ConfigError: the fragment asks for what the kernel does not know, or not for a realm's.
        SourceError: the source cannot be had.
        ToolError: a program is absent, or the build fails.
    """
    packages = lock.select(lambda package: is_kernel_package(package.name))
    if len(packages.packages) != 1:
        raise ConfigError(
            "the package lock has no kernel source", hint=f"realmos lock {lock.image}"
        )
    package = packages.packages[0]
    compiler = find_cross_compiler()
    inputs: dict[str, object] = {
        "lock": packages.digest,
        "fragment": sha256_file(recipe.fragment),
        "compiler": compiler.identity,
        "recipe": _RECIPE,
    }
    if recipe.rsi_device:
        inputs["rsi"] = rsimodule.digest()

    def make(out: Path) -> None:
        require_tools()
        deb = fetch(packages, cache, reporter)[package.name]
        with workspace(cache) as work:
            source = _unpack(deb, package.name, recipe.unused, work, reporter)
            if recipe.rsi_device:
                rsimodule.add_to_kernel(source)
            _Build(source, work / "objects", compiler, cache.path / "logs").run(
                recipe, out, reporter
            )

    home = cache.build("kernel-source", inputs, make)
    return describe(home, f"built from Debian package {package.name} {package.version}", None)


def require_tools() -> None:
    """Check that every program is there that a kernel's build needs.

    Raises:
        ToolError: some are not; names the packages of all of them.
    """
    MAKE.require()
    absent = [tool for tool in _TOOLS if tool.find() is None]
    if absent:
        raise ToolError(
            f"building a kernel needs {', '.join(tool.program for tool in absent)}",
            hint=f"apt-get install {' '.join(tool.package for tool in absent)}",
        )


class _Build:
    """One kernel build, out of its source tree."""

    def __init__(self, source: Path, objects: Path, compiler: CrossCompiler, logs: Path) -> None:
        self._source = source
        self._objects = objects
        self._compiler = compiler
        self._logs = logs

    def run(self, recipe: SourceKernel, out: Path, reporter: Reporter) -> None:
        """Configure and build; put the kernel, its configuration and release into `out`."""
        with reporter.task("Configuring the kernel"):
            config = self._configure(recipe.fragment)
        check_realm_support(parse_config(config.read_text("utf-8")), str(recipe.fragment))
        with reporter.task("Building the kernel") as task:
            counter = itertools.count(1)

            def show(line: str) -> None:
                done = min(next(counter), recipe.steps)
                task.update(done=done, total=recipe.steps, note=_step(line))

            self._make("Image", log="kernel", on_line=show)
        release = (self._objects / "include/config/kernel.release").read_text("utf-8")
        shutil.move(self._objects / "arch/arm64/boot/Image", out / IMAGE)
        shutil.move(config, out / CONFIG)
        (out / "release").write_text(release.strip(), "utf-8")

    def _configure(self, fragment: Path) -> Path:
        """Make the configuration and check that it holds all of the fragment."""
        self._objects.mkdir()
        path = self._objects / ".config"
        self._make("allnoconfig", f"KCONFIG_ALLCONFIG={fragment}", log="kernel-config")
        found = parse_config(path.read_text("utf-8"))
        lost = [
            f"{name}={value}"
            for name, value in parse_config(fragment.read_text("utf-8")).items()
            if found.get(name, "n") != value
        ]
        if lost:
            raise ConfigError(f"{fragment}: this kernel does not take {', '.join(lost)}")
        return path

    def _make(
        self, *arguments: str, log: str, on_line: Callable[[str], None] | None = None
    ) -> None:
        argv: list[str | Path] = [
            MAKE.program, "-C", self._source, f"-j{os.cpu_count() or 1}", f"O={self._objects}",
            "ARCH=arm64", f"CROSS_COMPILE={self._compiler.prefix}", *arguments,
        ]  # fmt: skip
        process.run(
            argv,
            env=process.base_env(**_PINNED),
            log=self._logs / f"{log}.log",
            on_line=on_line,
            hint="see the log",
        )


def _unpack(deb: Path, name: str, unused: Sequence[str], work: Path, reporter: Reporter) -> Path:
    """Unpack the kernel's source out of Debian's package, without the code that is not needed."""
    archive = work / "linux.tar.xz"
    with reporter.task("Unpacking the kernel's source") as task:
        extract(deb, f"usr/src/{name}.tar.xz", archive)
        skipped = re.compile("|".join(rf"[^/]+/{re.escape(path)}/" for path in unused) or r"(?!)")
        try:
            with tarfile.open(archive) as tar:
                tar.extraction_filter = getattr(tarfile, "data_filter", None)
                for done, member in enumerate(tar):
                    if not (skipped.match(member.name) and member.name.endswith(_CODE)):
                        tar.extract(member, work)
                    if done % 1000 == 0:
                        task.update(done=done, note=member.name.rpartition("/")[0])
        except (tarfile.TarError, OSError, EOFError) as error:
            raise SourceError(f"{archive.name} cannot be unpacked: {error}") from error
        archive.unlink()
    source = work / name
    if not (source / "Kconfig").is_file():
        raise SourceError(f"{deb.name} does not hold the source of {name}")
    return source


def _step(line: str) -> str:
    """Return what make is doing, from a line such as `  CC      kernel/fork.o`."""
    words = line.split()
    return words[-1] if len(words) == 2 else ""
