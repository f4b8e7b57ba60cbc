# SPDX-License-Identifier: BSD-3-Clause
"""The realm's device tree and command line, parsed back from the bytes that the realm gets."""

import struct
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import realmos_abi
from realmos.errors import ConfigError
from realmos.image import devicetree, recipe

PLATFORM = realmos_abi.load("platform")
BOOT = recipe.load("linux").boot
INITRD = (0x42A10000, 0x43ABCDEF)


@dataclass
class Node:
    """One node of a flattened device tree."""

    properties: dict[str, bytes] = field(default_factory=dict)
    children: dict[str, "Node"] = field(default_factory=dict)

    def cells(self, name: str) -> list[int]:
        data = self.properties[name]
        return list(struct.unpack(f">{len(data) // 4}I", data))

    def wide(self, name: str) -> list[int]:
        data = self.properties[name]
        return list(struct.unpack(f">{len(data) // 8}Q", data))

    def text(self, name: str) -> str:
        return self.properties[name].rstrip(b"\0").decode()


def parse(data: bytes) -> Node:
    """Read a flattened device tree (Devicetree Specification, chapter 5)."""
    magic, total, structure, strings = struct.unpack_from(">4I", data)
    assert (magic, total) == (0xD00DFEED, len(data))
    stack = [Node()]
    at = structure
    while True:
        (token,) = struct.unpack_from(">I", data, at)
        at += 4
        if token == 1:  # FDT_BEGIN_NODE
            end = data.index(b"\0", at)
            stack.append(stack[-1].children.setdefault(data[at:end].decode(), Node()))
            at = -(-(end + 1) // 4) * 4
        elif token == 2:  # FDT_END_NODE
            stack.pop()
        elif token == 3:  # FDT_PROP
            size, name = struct.unpack_from(">2I", data, at)
            key = data[strings + name : data.index(b"\0", strings + name)].decode()
            stack[-1].properties[key] = data[at + 8 : at + 8 + size]
            at = -(-(at + 8 + size) // 4) * 4
        else:
            assert token == 9  # FDT_END
            return stack[0].children[""]


def tree(
    tmp_path: Path, *, vcpus: int = 1, virtio_count: int = 1, bootargs: str = "console=hvc0"
) -> Node:
    source = devicetree.render_source(
        BOOT,
        memory=512 << 20,
        vcpus=vcpus,
        virtio_count=virtio_count,
        initrd=INITRD,
        bootargs=bootargs,
    )
    return parse(devicetree.compile_source(source, tmp_path / "realm.dtb").read_bytes())


def test_memory_starts_at_ram_and_has_the_size_asked_for(tmp_path: Path) -> None:
    node = tree(tmp_path).children["memory@40000000"]
    assert node.wide("reg") == [PLATFORM["REALM_RAM_BASE"], 512 << 20]
    assert node.text("device_type") == "memory"


def test_every_vcpu_has_its_recs_affinity_and_starts_through_psci(tmp_path: Path) -> None:
    cpus = tree(tmp_path, vcpus=8).children["cpus"]
    assert [cpu.cells("reg") for cpu in cpus.children.values()] == [[n] for n in range(8)]
    assert {cpu.text("enable-method") for cpu in cpus.children.values()} == {"psci"}


@pytest.mark.parametrize(
    ("index", "expected"), [(0, 0), (15, 0xF), (16, 0x100), (17, 0x101), (4095, 0xFF0F)]
)
def test_affinities_follow_the_order_of_recs(index: int, expected: int) -> None:
    assert devicetree.mpidr(index) == expected


def test_psci_calls_go_to_the_rmm(tmp_path: Path) -> None:
    psci = tree(tmp_path).children["psci"]
    assert psci.text("method") == "smc"
    assert psci.properties["compatible"] == b"arm,psci-1.0\0arm,psci-0.2\0"


@pytest.mark.parametrize("vcpus", [1, 3, 8])
def test_interrupt_controller_has_one_redistributor_for_each_vcpu(
    tmp_path: Path, vcpus: int
) -> None:
    root = tree(tmp_path, vcpus=vcpus)
    node = root.children["interrupt-controller@8000000"]
    stride = PLATFORM["REALM_GICR_STRIDE"]
    assert node.wide("reg") == [
        PLATFORM["REALM_GICD_BASE"],
        PLATFORM["REALM_GICD_SIZE"],
        PLATFORM["REALM_GICR_BASE"],
        vcpus * stride,
    ]
    assert node.wide("redistributor-stride") == [stride]
    assert node.cells("phandle") == root.cells("interrupt-parent")


def test_virtual_timer_is_private_interrupt_27(tmp_path: Path) -> None:
    cells = tree(tmp_path).children["timer"].cells("interrupts")
    triples = [tuple(cells[n : n + 3]) for n in range(0, len(cells), 3)]
    assert [16 + number for kind, number, _ in triples if kind == 1] == [29, 30, 27, 26]
    assert triples[2] == (1, 11, 4)


@pytest.mark.parametrize("count", [1, 8])
def test_virtio_windows_in_use_are_there_with_edge_interrupts(tmp_path: Path, count: int) -> None:
    root = tree(tmp_path, virtio_count=count)
    windows = [node for name, node in root.children.items() if name.startswith("virtio_mmio@")]
    stride = PLATFORM["REALM_VIRTIO_STRIDE"]
    for number, node in enumerate(windows):
        assert node.wide("reg") == [PLATFORM["REALM_VIRTIO_BASE"] + number * stride, stride]
        first = PLATFORM["REALM_VIRTIO_FIRST_INTID"]
        assert node.cells("interrupts") == [0, first + number - 32, 1]
        assert "dma-coherent" in node.properties
    assert len(windows) == count


def test_devices_lie_in_the_protected_half(tmp_path: Path) -> None:
    root = tree(tmp_path, vcpus=8, virtio_count=8)
    devices = [node for node in root.children.values() if "reg" in node.properties]
    assert len(devices) == 10
    for node in devices:
        pairs = node.wide("reg")
        for base, size in zip(pairs[::2], pairs[1::2], strict=True):
            assert base + size <= PLATFORM["REALM_SHARED_BIT"]


def test_chosen_holds_command_line_and_initramfs_and_no_seed(tmp_path: Path) -> None:
    text = 'console=hvc0 a="b c" d=\\n'
    chosen = tree(tmp_path, bootargs=text).children["chosen"]
    assert chosen.text("bootargs") == text
    assert (*chosen.wide("linux,initrd-start"), *chosen.wide("linux,initrd-end")) == INITRD
    assert set(chosen.properties) == {"bootargs", "linux,initrd-start", "linux,initrd-end"}


def test_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    tree(tmp_path, vcpus=4)
    tree(tmp_path / "other", vcpus=4)
    paths = (tmp_path / "realm.dtb", tmp_path / "other" / "realm.dtb")
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize(
    ("vcpus", "virtio_count", "message"),
    [
        (0, 1, "1 to 8 vCPUs, not 0"),
        (9, 1, "1 to 8 vCPUs, not 9"),
        (1, 9, "1 to 8 virtio windows, not 9"),
    ],
)
def test_more_than_the_layout_holds_is_refused(
    tmp_path: Path, vcpus: int, virtio_count: int, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        tree(tmp_path, vcpus=vcpus, virtio_count=virtio_count)


def test_source_that_is_no_device_tree_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not compile"):
        devicetree.compile_source("/dts-v1/; / { a = <1", tmp_path / "x.dtb")


def test_command_line_is_one_line_with_console_and_small_swiotlb() -> None:
    words = devicetree.render_cmdline(BOOT).split(" ")
    assert {"console=hvc0", "panic=-1", "cryptomgr.notests", "swiotlb=2048"} <= set(words)
    assert not [word for word in words if not word or word.startswith(("earlycon", "rodata"))]


def test_additions_come_last() -> None:
    line = devicetree.render_cmdline(BOOT, extra="loglevel=7 debug")
    assert line == devicetree.render_cmdline(BOOT) + " loglevel=7 debug"


def test_earlycon_is_at_the_shared_alias_of_the_uart() -> None:
    line = devicetree.render_cmdline(BOOT, earlycon=devicetree.UART)
    assert "earlycon=pl011,mmio32,0x109000000" in line.split(" ")
    assert line.index("quiet") < line.index("earlycon="), "it would show all that came before"


@pytest.mark.parametrize(
    ("extra", "message"),
    [("x" * 2048, "2047 fit"), ("a\nb", "cannot be printed"), ("a\0b", "cannot be printed")],
)
def test_command_line_that_linux_would_not_take_is_refused(extra: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        devicetree.render_cmdline(BOOT, extra=extra)


@pytest.mark.parametrize("text", ["{{ nosuch }}", "{% if %}", "{{ swiotlb_slots | nosuch }}"])
def test_broken_template_is_named(tmp_path: Path, text: str) -> None:
    template = tmp_path / "cmdline.j2"
    template.write_text(text, "utf-8")
    boot = replace(BOOT, cmdline=template)
    with pytest.raises(ConfigError, match=r"cmdline\.j2"):
        devicetree.render_cmdline(boot)
