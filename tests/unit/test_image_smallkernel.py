# SPDX-License-Identifier: BSD-3-Clause
"""Building a kernel from a source package, here of a kernel that is only a Makefile."""

import io
import struct
import tarfile
from pathlib import Path

import pytest
from realmos import process
from realmos.cache import Cache, sha256_file
from realmos.errors import ConfigError, SourceError, ToolError
from realmos.image import Kernel, smallkernel
from realmos.image.recipe import SourceKernel
from realmos.progress import Silent
from realmos.source import Lock, Package
from realmos.source.toolchain import Tool

NAME = "linux-source-7.3"
FRAGMENT = """\
CONFIG_ARM_CCA_GUEST=y
CONFIG_VIRTIO_MMIO=y
CONFIG_VIRTIO_CONSOLE=y
CONFIG_BLK_DEV_INITRD=y
"""
HEADER = struct.pack("<2I6Q2I", 0, 0, 0, 0x10000, 0xA, 0, 0, 0, 0x644D5241, 0)
# A make rule's lines begin with a tab. It knows every option but CONFIG_NOSUCH.
MAKEFILE = """\
allnoconfig:
\tgrep -v NOSUCH $(KCONFIG_ALLCONFIG) > $(O)/.config
Image:
\tmkdir -p $(O)/arch/arm64/boot $(O)/include/config
\techo '  CC      kernel/fork.o'
\tcp header.bin $(O)/arch/arm64/boot/Image
\techo "$(KBUILD_BUILD_USER)@$(KBUILD_BUILD_HOST) $(KBUILD_BUILD_TIMESTAMP)" \\
\t\t>> $(O)/arch/arm64/boot/Image
\techo 7.3.0-realm > $(O)/include/config/kernel.release
"""


class Source:
    """A fake source package, locked and in the cache."""

    def __init__(self, path: Path) -> None:
        self.cache = Cache(path / "cache")
        self.fragment = path / "kernel.config"
        self.fragment.write_text(FRAGMENT, "utf-8")
        self.files = {
            "Makefile": MAKEFILE.encode(),
            "Kconfig": b"",
            "header.bin": HEADER,
            "drivers/gpu/Kconfig": b"",
            "drivers/gpu/gpu.c": b"",
            "drivers/gpuother/other.c": b"",
        }
        self._path = path

    def lock(self) -> Lock:
        root = self._path / "package"
        (root / "usr" / "src").mkdir(parents=True)
        with tarfile.open(root / "usr" / "src" / f"{NAME}.tar.xz", "w:xz") as tar:
            for name, data in self.files.items():
                info = tarfile.TarInfo(f"{NAME}/{name}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        (root / "DEBIAN").mkdir()
        control = f"Package: {NAME}\nVersion: 7.3-1\nArchitecture: all\n"
        (root / "DEBIAN" / "control").write_text(
            f"{control}Maintainer: n\nDescription: d\n", "utf-8"
        )
        deb = self._path / "source.deb"
        process.run(["dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, deb])
        size, sha256 = deb.stat().st_size, sha256_file(deb)
        self.cache.add_file(deb, sha256)
        return Lock((Package(NAME, "7.3-1", "all", "trixie", size, sha256),), image="small")

    def build(self) -> Kernel:
        recipe = SourceKernel(self.fragment, steps=3, unused=("drivers/gpu",))
        return smallkernel.build_from_source(recipe, self.lock(), self.cache, Silent())


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setattr(smallkernel, "_TOOLS", ())
    return Source(tmp_path)


def test_kernel_is_built_and_described(source: Source) -> None:
    found = source.build()
    assert (found.release, found.image_size, found.modules) == ("7.3.0-realm", 0x10000, None)
    assert found.origin == "built from Debian package linux-source-7.3 7.3-1"
    assert (found.path.parent / "config").read_text("utf-8") == FRAGMENT


def test_who_built_it_where_and_when_is_fixed(source: Source) -> None:
    data = source.build().path.read_bytes()
    assert data == HEADER + b"realmos@realmos Thu Jan  1 00:00:00 UTC 1970\n"


def test_option_that_the_kernel_does_not_take_is_named(source: Source) -> None:
    source.fragment.write_text(f"{FRAGMENT}CONFIG_NOSUCH=y\n", "utf-8")
    with pytest.raises(ConfigError, match="does not take CONFIG_NOSUCH=y"):
        source.build()


def test_fragment_without_realm_support_is_refused(source: Source) -> None:
    source.fragment.write_text("CONFIG_VIRTIO_MMIO=y\n", "utf-8")
    with pytest.raises(ConfigError, match="a kernel without realm support"):
        source.build()


def test_failed_build_shows_why_and_keeps_nothing(source: Source) -> None:
    source.files["Makefile"] = MAKEFILE.replace("cp header.bin", "cp nosuch.bin").encode()
    with pytest.raises(ToolError, match="nosuch"):
        source.build()
    assert not [entry for entry in source.cache.entries() if entry.kind == "kernel-source"]


def test_package_without_a_kernel_is_refused(source: Source) -> None:
    del source.files["Kconfig"]
    with pytest.raises(SourceError, match="does not hold the source"):
        source.build()


def test_code_that_is_not_needed_is_not_unpacked(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.files["Makefile"] = (MAKEFILE + "\tfind drivers -type f | sort\n").encode()
    printed: list[str] = []
    run = process.run

    def spy(*arguments: object, **options: object) -> str:
        text = run(*arguments, **options)  # type: ignore[arg-type] # passed on as they came
        printed.extend(text.splitlines())
        return text

    monkeypatch.setattr(process, "run", spy)
    source.build()
    found = [line for line in printed if line.startswith("drivers/")]
    assert found == ["drivers/gpu/Kconfig", "drivers/gpuother/other.c"]


def test_all_programs_that_are_absent_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = (Tool("nosuch-flex", "flex"), Tool("make", "make"), Tool("nosuch-bc", "bc"))
    monkeypatch.setattr(smallkernel, "_TOOLS", absent)
    with pytest.raises(ToolError, match="needs nosuch-flex, nosuch-bc") as caught:
        smallkernel.require_tools()
    assert caught.value.hint == "apt-get install flex bc"


def test_lock_without_a_source_is_refused(tmp_path: Path) -> None:
    recipe = SourceKernel(tmp_path / "kernel.config", steps=1, unused=())
    with pytest.raises(ConfigError, match="has no kernel source"):
        smallkernel.build_from_source(recipe, Lock(image="small"), Cache(tmp_path), Silent())
