# SPDX-License-Identifier: BSD-3-Clause
"""TF-A, built from Debian's source package: BL1, BL2 and BL31 for QEMU's virt machine.

With RME they depend on neither the RMM nor the normal world's image. Debian's own patches touch
other platforms and the tools only, so the upstream archive of the package is what is built, with
the fixes of `images/firmware/fixes.toml`. Without RME, and as it is, TF-A starts OP-TEE: the peer.
"""

import os
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from realmos import process, tree
from realmos.cache import Cache
from realmos.errors import FirmwareError
from realmos.firmware._component import Component, from_build
from realmos.firmware._upstream import unpack_upstream
from realmos.progress import Reporter, Task
from realmos.source.lock import SourceFile, read
from realmos.source.recipe import lock_file
from realmos.source.toolchain import MAKE, CrossCompiler
from realmos.source.workspace import workspace

PACKAGE = "arm-trusted-firmware"

_STAGES = ("bl1", "bl2", "bl31")
_OPTIONS = (
    "PLAT=qemu",
    "ENABLE_RME=1",
    "QEMU_USE_GIC_DRIVER=QEMU_GICV3",
    "DEBUG=0",
    "LOG_LEVEL=20",  # errors and notices
    "CRASH_REPORTING=1",  # registers at an unhandled exception, in a release build too
    'BUILD_MESSAGE_TIMESTAMP="reproducible"',
)
_WITH_OPTEE = (
    *(option for option in _OPTIONS if option != "ENABLE_RME=1"),
    "SPD=opteed",
    "BL32_RAM_LOCATION=tdram",
    "ARM_LINUX_KERNEL_AS_BL33=1",
)


@dataclass(frozen=True)
class TrustedFirmware:
    """What comes of TF-A.

    Attributes:
        libfdt: TF-A's copy of libfdt, with directories `src` and `include`.
        sources: the source package's files.
    """

    bl1: Component
    bl2: Component
    bl31: Component
    libfdt: Path
    sources: tuple[SourceFile, ...]


@dataclass(frozen=True)
class Fix:
    """One change to TF-A's source."""

    file: str
    why: str
    before: str
    after: str

    def apply(self, root: Path) -> None:
        """Change the file below `root`.

        Raises:
            FirmwareError: the source is not the one that the fix was made for.
        """
        path = root / self.file
        text = path.read_text("utf-8") if path.is_file() else ""
        if text.count(self.before) != 1:
            raise FirmwareError(
                f"our fix to TF-A's {self.file} does not fit this version",
                hint="images/firmware/fixes.toml must follow the locked version of TF-A",
            )
        path.write_text(text.replace(self.before, self.after), "utf-8")


def fixes() -> list[Fix]:
    """Return our changes to TF-A's source."""
    text = (tree.images() / "firmware" / "fixes.toml").read_text("utf-8")
    return [Fix(**raw) for raw in tomllib.loads(text)["fix"]]


def build_tfa(
    cache: Cache, reporter: Reporter, compiler: CrossCompiler, *, stock: bool = False
) -> TrustedFirmware:
    """Return TF-A's images, built if the cache does not hold them.

    Args:
        cache: where everything built is kept.
        reporter: progress.
        compiler: the compiler for arm64.
        stock: leave our fixes out.

    Raises:
        SourceError: the source cannot be had.
        FirmwareError: our fixes do not fit it.
        ToolError: make or the compiler fails.
    """
    return _build(_OPTIONS, [] if stock else fixes(), cache, reporter, compiler)


def build_optee_tfa(
    cache: Cache, reporter: Reporter, compiler: CrossCompiler, *, kernel: int
) -> TrustedFirmware:
    """Return TF-A's images that start OP-TEE and Linux, built if the cache does not hold them.

    Args:
        cache: where everything built is kept.
        reporter: progress.
        compiler: the compiler for arm64.
        kernel: the address at which Linux lies when the machine starts.

    Raises:
        SourceError: the source cannot be had.
        ToolError: make or the compiler fails.
    """
    options = (*_WITH_OPTEE, f"PRELOADED_BL33_BASE={kernel:#x}")
    return _build(options, [], cache, reporter, compiler)


def _build(
    options: Sequence[str],
    changes: Sequence[Fix],
    cache: Cache,
    reporter: Reporter,
    compiler: CrossCompiler,
) -> TrustedFirmware:
    lock = read(lock_file("firmware")).source(PACKAGE)
    version = lock.version(PACKAGE)
    inputs = {
        "lock": lock.digest,
        "fixes": [repr(fix) for fix in changes],
        "compiler": compiler.identity,
        "options": options,
    }

    def make(out: Path) -> None:
        MAKE.require()
        with workspace(cache) as work:
            source = unpack_upstream(lock, work / "source", cache, reporter)
            for fix in changes:
                fix.apply(source)
            build, log = work / "build", cache.path / "logs" / "tf-a.log"
            words = [
                *options, f"CROSS_COMPILE={compiler.prefix}", f"BUILD_BASE={build}",
                f"BUILD_STRING={version}+realmos",
            ]  # fmt: skip
            with reporter.task("Building TF-A") as task:
                _make(source, words, task=task, log=log)
            _collect(source, build / "qemu" / "release", out)

    home = cache.build("tf-a", inputs, make)
    package = f"Debian source package {PACKAGE} {version} ({lock.sources[0].suite})"
    origin = f"{package}, {'with our fixes' if changes else 'as it is'}"

    def stage(name: str) -> Component:
        elf = home / f"{name}.elf"
        return from_build(name, elf.with_suffix(".bin"), version=version, origin=origin, elf=elf)

    return TrustedFirmware(
        bl1=stage("bl1"),
        bl2=stage("bl2"),
        bl31=stage("bl31"),
        libfdt=home / "libfdt",
        sources=lock.sources,
    )


def _make(source: Path, words: Sequence[str], *, task: Task, log: Path) -> None:
    steps = 0

    def on_line(line: str) -> None:
        nonlocal steps
        if line.startswith("  "):
            steps += 1
            task.update(done=steps, note=line.rsplit(maxsplit=1)[-1].rpartition("/")[2])

    process.run(
        ["make", f"-j{os.cpu_count() or 1}", *words, *_STAGES],
        cwd=source,
        env=process.base_env(SOURCE_DATE_EPOCH="0"),
        log=log,
        on_line=on_line,
        hint="see the log; `realmos doctor` checks the compiler",
    )


def _collect(source: Path, build: Path, out: Path) -> None:
    for name in _STAGES:
        shutil.copy(build / f"{name}.bin", out / f"{name}.bin")
        shutil.copy(build / name / f"{name}.elf", out / f"{name}.elf")
    shutil.copytree(source / "lib" / "libfdt", out / "libfdt" / "src")
    shutil.copytree(source / "include" / "lib" / "libfdt", out / "libfdt" / "include")
