# SPDX-License-Identifier: BSD-3-Clause
"""Placing an image: inside the realm's memory, apart, aligned; too little memory is said early."""

from pathlib import Path

import pytest
import realmos_abi
from realmos.errors import ConfigError
from realmos.image import Image, Initramfs, Kernel, load, minimum_memory, place
from realmos.source import Lock

RAM = realmos_abi.load("platform")["REALM_RAM_BASE"]
MIB = 1 << 20


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return make(tmp_path)


def make(
    tmp_path: Path, *, text_offset: int = 0, kernel: int = 42 * MIB + 1, unpacked: int = 40 * MIB
) -> Image:
    paths = (tmp_path / "Image", tmp_path / "initramfs")
    for path in paths:
        path.write_bytes(b"x" * 5000)
    return Image(
        recipe=load("linux"),
        kernel=Kernel(paths[0], "", 5000, kernel, text_offset, "7.3", "test", None),
        initrd=Initramfs(paths[1], "", 5000, unpacked),
        lock=Lock(),
    )


def test_loads_ascend_and_lie_apart_inside_memory(image: Image, tmp_path: Path) -> None:
    memory = 512 * MIB
    found = place(image, memory=memory, vcpus=2, out=tmp_path)
    end = RAM
    for load_ in found.loads:
        assert load_.ipa % 4096 == 0
        assert load_.ipa >= end
        end = load_.ipa + load_.path.stat().st_size
    assert end <= RAM + memory
    assert found.loads[1].ipa >= RAM + image.kernel.image_size


def test_kernel_and_device_tree_are_where_linux_wants_them(image: Image, tmp_path: Path) -> None:
    found = place(image, memory=512 * MIB, vcpus=1, out=tmp_path)
    assert found.entry == found.loads[0].ipa == RAM
    assert found.dtb_ipa == found.loads[1].ipa
    assert found.dtb_ipa % (2 * MIB) == 0


def test_text_offset_of_older_kernels_counts(tmp_path: Path) -> None:
    found = place(make(tmp_path, text_offset=0x80000), memory=512 * MIB, vcpus=1, out=tmp_path)
    assert found.entry == RAM + 0x80000


def test_text_offset_inside_a_granule_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no multiple of 4 KiB"):
        place(make(tmp_path, text_offset=0x100), memory=512 * MIB, vcpus=1, out=tmp_path)


def test_device_tree_names_the_initramfs_to_the_byte(image: Image, tmp_path: Path) -> None:
    found = place(image, memory=512 * MIB, vcpus=1, out=tmp_path)
    source = (tmp_path / "realm.dts").read_text("utf-8")
    start = found.loads[2].ipa
    assert f"linux,initrd-start = <0x0 {start:#x}>" in source
    assert f"linux,initrd-end = <0x0 {start + 5000:#x}>" in source


def test_places_do_not_depend_on_memory_or_vcpus(image: Image, tmp_path: Path) -> None:
    small = place(image, memory=256 * MIB, vcpus=1, out=tmp_path)
    large = place(image, memory=2048 * MIB, vcpus=8, out=tmp_path)
    assert [each.ipa for each in small.loads] == [each.ipa for each in large.loads]


def test_image_that_does_not_fit_says_how_much_it_needs(image: Image, tmp_path: Path) -> None:
    needed = minimum_memory(image)
    place(image, memory=needed, vcpus=1, out=tmp_path)
    with pytest.raises(ConfigError, match="image linux does not fit a realm of 64 MiB") as caught:
        place(image, memory=64 * MIB, vcpus=1, out=tmp_path)
    assert f"--memory {needed // MIB}M" in caught.value.hint
    with pytest.raises(ConfigError, match="does not fit"):
        place(image, memory=needed - 1, vcpus=1, out=tmp_path)


def test_large_root_file_system_needs_twice_its_size(tmp_path: Path) -> None:
    image = make(tmp_path, unpacked=400 * MIB)
    assert minimum_memory(image) > 800 * MIB + image.kernel.image_size


def test_additions_to_the_command_line_reach_the_device_tree(image: Image, tmp_path: Path) -> None:
    found = place(image, memory=512 * MIB, vcpus=1, out=tmp_path, extra_cmdline="loglevel=7")
    assert found.cmdline.endswith(" loglevel=7")
    assert f'bootargs = "{found.cmdline}"' in (tmp_path / "realm.dts").read_text("utf-8")
