# SPDX-License-Identifier: BSD-3-Clause
"""The peer's command line and its Linux: what must be as OP-TEE, QEMU and the realm have it."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from realmos.cache import Cache
from realmos.firmware import PEER_KERNEL
from realmos.image import Image, Recipe, load
from realmos.image.recipe import DebianKernel
from realmos.machine import MachineSpec, PeerKernel, peer_argv, peer_consoles, place_realms
from realmos.peer import _linux
from realmos.progress import Reporter, Silent
from realmos.realm import Activate, Plan, Realm, RealmConfig, RealmParams

MIB = 1 << 20


class EnoughError(Exception):
    """Ends a build that a test has seen enough of."""


@pytest.fixture
def spec() -> MachineSpec:
    plan = Plan(RealmParams(), (Activate(),))
    config = RealmConfig(memory=512 * MIB)
    realm = Realm(config, "linux", (), plan, b"rim", 0x40000000)
    return MachineSpec(
        qemu=("qemu-system-aarch64",),
        flash=Path("/flash.bin"),
        realms=place_realms((realm,)),
        logs=Path("/logs"),
        sockets=Path("/r,un"),
    )


@pytest.fixture
def kernel(tmp_path: Path) -> PeerKernel:
    initrd = tmp_path / "initrd"
    initrd.write_bytes(bytes(0x1234))
    return PeerKernel(Path("/Ima,ge"), PEER_KERNEL, initrd, "console=hvc0")


def test_kernel_and_initramfs_lie_where_firmware_and_kernel_look(
    spec: MachineSpec, kernel: PeerKernel
) -> None:
    words = peer_argv(spec, kernel, counting=False)
    assert {
        ("-device", "loader,file=/Ima,,ge,addr=0x44000000,force-raw=on"),
        ("-device", f"loader,file={kernel.initrd},addr=0x50000000,force-raw=on"),
        ("-append", "initrd=0x50000000,0x1234 console=hvc0"),
        ("-bios", "/flash.bin"),
        ("-m", "512M"),
    } <= set(itertools.pairwise(words))


def test_peer_has_no_vectors_that_op_tee_cannot_do_with(
    spec: MachineSpec, kernel: PeerKernel
) -> None:
    words = peer_argv(spec, kernel, counting=False)
    features = words[words.index("-cpu") + 1].split(",")
    assert {"max", "sve=off", "sme=off"} <= set(features)
    assert "secure=on" in words[words.index("-M") + 1]


def test_peer_that_counts_has_a_nanosecond_for_each_instruction(
    spec: MachineSpec, kernel: PeerKernel
) -> None:
    counting = peer_argv(spec, kernel, counting=True)
    assert counting[counting.index("-icount") + 1] == "shift=0,sleep=off"
    assert "-icount" not in peer_argv(spec, kernel, counting=False)


def test_both_worlds_have_a_console_with_a_bounded_log(
    spec: MachineSpec, kernel: PeerKernel
) -> None:
    words = peer_argv(spec, kernel, counting=False)
    serials = [second for first, second in itertools.pairwise(words) if first == "-serial"]
    assert serials == ["chardev:uart", "chardev:secure"]
    assert "file,id=secure,path=/r,,un/secure.pipe" in words
    assert peer_consoles(spec) == {Path("/r,un/secure.pipe"): Path("/logs/secure.log")}


def test_the_linux_is_the_realms_with_op_tees_driver_and_without_the_rmms(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Recipe] = []

    def build(recipe: Recipe, cache: Cache, reporter: Reporter) -> Image:
        del cache, reporter
        asked.append(recipe)
        raise EnoughError

    monkeypatch.setattr(_linux, "build_recipe", build)
    with pytest.raises(EnoughError):
        _linux.build_linux(Cache(tmp_path), Silent())
    plain = load("linux")
    (recipe,) = asked
    assert isinstance(plain.kernel, DebianKernel)
    assert isinstance(recipe.kernel, DebianKernel)
    assert recipe == replace(plain, kernel=recipe.kernel)
    ours, its = plain.kernel.modules, recipe.kernel.modules
    assert its == (*ours, "tee", "ffa-core", "optee")
    assert not recipe.kernel.rsi_device
    assert recipe.kernel.lazy_modules == ("configfs",)
