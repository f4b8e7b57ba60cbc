# SPDX-License-Identifier: BSD-3-Clause
"""The driver of /dev/realm-rsi: what would not load in the kernel is refused when it is built."""

from dataclasses import replace
from pathlib import Path

import pytest
from realmos import process
from realmos.cache import Cache
from realmos.errors import ConfigError, SourceError
from realmos.image import Kernel, rsimodule
from realmos.progress import Silent
from realmos.source import Lock, Package

RELEASE = "7.3-cloud-arm64"
MAGIC = f"{RELEASE} SMP"


class Modules:
    """Makes what looks like kernel modules, and the kernel that they are for."""

    def __init__(self, path: Path, compiler: str) -> None:
        self._compiler = compiler
        self.path = path
        self.symbols = path / "Module.symvers"
        self.symbols.write_text("0x0\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n", "utf-8")
        (path / "config").write_text("CONFIG_MODULES=y\n", "utf-8")
        self.kernel = Kernel(path / "Image", "", 0, 0, 0, RELEASE, "test", path / "modules")
        (path / "modules").mkdir()
        self.make("modules/own.ko")

    def make(
        self, name: str, *, magic: str = MAGIC, size: int = 64, exit_at: int = 16, needs: str = ""
    ) -> Path:
        pointers = {8: "init_module", exit_at: "cleanup_module"} if exit_at else {8: "init_module"}
        lines = [
            '.section .modinfo,"a"',
            f'.asciz "vermagic={magic}"',
            '.section .gnu.linkonce.this_module,"aw"',
            *(f".quad {pointers.get(offset, 0)}" for offset in range(0, size, 8)),
            ".text",
            ".globl init_module, cleanup_module",
            "init_module: cleanup_module:",
            f"bl {needs}" if needs else "ret",
            "",
        ]
        source = self.path / "module.S"
        source.write_text("\n".join(lines), "utf-8")
        process.run([self._compiler, "-c", "-o", self.path / name, source])
        return self.path / name

    def check(self, module: Path) -> None:
        rsimodule._check(module, self.kernel, self.symbols)  # noqa: SLF001


@pytest.fixture
def modules(tmp_path: Path, cross_compile: str) -> Modules:
    return Modules(tmp_path, f"{cross_compile}gcc")


def test_a_module_like_the_kernels_own_is_taken(modules: Modules) -> None:
    modules.check(modules.make("ours.ko", needs="printk"))


@pytest.mark.parametrize(
    ("differs", "why"),
    [
        ({"magic": "7.4 SMP"}, "vermagic"),
        ({"size": 128}, "record_size"),
        ({"exit_at": 24}, "record_pointers"),
        ({"needs": "no_such_symbol"}, "no_such_symbol"),
    ],
)
def test_a_module_that_the_kernel_would_not_take_is_refused(
    modules: Modules, differs: dict[str, str], why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        modules.check(modules.make("ours.ko", **differs))  # type: ignore[arg-type] # by name


def test_a_kernel_that_wants_checksums_of_symbols_is_refused(modules: Modules) -> None:
    (modules.path / "config").write_text("CONFIG_MODVERSIONS=y\n", "utf-8")
    with pytest.raises(ConfigError, match="checksums of symbols"):
        modules.check(modules.make("ours.ko"))


def test_without_a_module_to_compare_with_there_is_no_check(modules: Modules) -> None:
    modules.make("modules/own.ko", exit_at=0)
    with pytest.raises(ConfigError, match="without a module to compare"):
        modules.check(modules.make("ours.ko"))
    modules.kernel = replace(modules.kernel, modules=None)
    with pytest.raises(ConfigError, match="has no modules"):
        modules.check(modules.make("ours.ko"))


def test_what_is_no_module_is_refused(modules: Modules) -> None:
    (modules.path / "text.ko").write_text("no ELF", "utf-8")
    with pytest.raises(SourceError, match=r"text\.ko is no kernel module"):
        modules.check(modules.path / "text.ko")
    process.run([modules._compiler, "-c", "-x", "c", "-o", modules.path / "a.ko", "/dev/null"])  # noqa: SLF001
    with pytest.raises(SourceError, match=r"a\.ko is no kernel module: it has no section"):
        modules.check(modules.path / "a.ko")


def package(name: str, version: str) -> Package:
    return Package(name, version, "arm64", "trixie", 1, "0" * 64)


@pytest.mark.parametrize("headers", [[], [package(f"linux-headers-{RELEASE}", "7.3-2")]])
def test_a_lock_without_the_kernels_own_headers_is_refused(
    modules: Modules, headers: list[Package]
) -> None:
    lock = Lock((package(f"linux-binary-{RELEASE}", "7.3-1"), *headers), image="linux")
    with pytest.raises(ConfigError, match=r"no headers of Linux 7\.3-cloud-arm64") as caught:
        rsimodule.build_module(modules.kernel, lock, Cache(modules.path / "cache"), Silent())
    assert caught.value.hint == "move the lock: realmos lock linux"


def test_the_driver_is_added_to_a_kernels_source(tmp_path: Path) -> None:
    makefile = tmp_path / "drivers/virt/coco/Makefile"
    makefile.parent.mkdir(parents=True)
    makefile.write_text("obj-y += other/\n", "utf-8")
    rsimodule.add_to_kernel(tmp_path)
    assert makefile.read_text("utf-8") == "obj-y += other/\nobj-y += realm-rsi/\n"
    driver = makefile.parent / "realm-rsi"
    assert "realm_rsi.o" in (driver / "Kbuild").read_text("utf-8")
    assert "RSI_DEVICE_CLAIM" in (driver / "generated/abi/rsi_device.h").read_text("utf-8")


def test_a_kernel_without_a_place_for_the_driver_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no drivers/virt/coco/Makefile"):
        rsimodule.add_to_kernel(tmp_path)
