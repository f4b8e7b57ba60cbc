# SPDX-License-Identifier: BSD-3-Clause
"""QEMU's command line, as a pure function of the machine's specification."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import realmos_abi
from realmos.errors import ConfigError
from realmos.machine import MachineSpec, argv, check_fit, place_realms, plain_argv
from realmos.machine._manifest import manifest_source, numbered_plan
from realmos.machine._spec import all_blobs
from realmos.realm import Activate, Data, Plan, Realm, RealmConfig, RealmParams

GIB = 1 << 30


def realm(blobs: tuple[str, ...] = ("kernel",), **config: object) -> Realm:
    paths = tuple(Path("/images") / name for name in blobs)
    loads = tuple(Data(0x40000000 + n * 4096, 4096, n) for n in range(len(blobs)))
    plan = Plan(RealmParams(), (*loads, Activate()))
    made = RealmConfig(**config)  # type: ignore[arg-type] # names are checked by the class
    rpv = (made.rpv or b"").ljust(64, b"\0")
    return Realm(made, "linux", paths, plan, b"rim", 0x40000000, rpv=rpv)


def spec(*realms: Realm) -> MachineSpec:
    return MachineSpec(
        qemu=("qemu-system-aarch64",),
        flash=Path("/flash.bin"),
        realms=place_realms(realms or (realm(),)),
        logs=Path("/logs"),
        sockets=Path("/run"),
    )


def pairs(words: list[str]) -> set[tuple[str, str]]:
    return set(itertools.pairwise(words))


def test_more_vcpus_than_pes_are_refused() -> None:
    with pytest.raises(ConfigError, match="9 vCPUs in all"):
        place_realms((realm(vcpus=8), realm(vcpus=1)))


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ((3072,), "one realm of 3072 MiB: the machine has 3003 MiB"),
        ((2048, 1024), "2 realms of 2048 \\+ 1024 MiB: the machine has 3003 MiB"),
    ],
)
def test_more_memory_than_the_machine_tracks_is_refused(sizes: tuple[int, ...], told: str) -> None:
    configs = [RealmConfig(memory=size << 20) for size in sizes]
    with pytest.raises(ConfigError, match=told) as caught:
        check_fit(configs)
    assert "--memory" in caught.value.hint
    with pytest.raises(ConfigError, match=told):
        place_realms(tuple(realm(memory=size << 20) for size in sizes))


def test_all_that_the_machine_tracks_can_be_used() -> None:
    check_fit([RealmConfig(memory=3002 << 20)])
    check_fit([RealmConfig(memory=1500 << 20)] * 2)


def test_realms_get_consecutive_pes_windows_above_four_gib_and_their_own_transports() -> None:
    slots = place_realms((realm(vcpus=2), realm(memory=GIB), realm()))
    assert [slot.first_pe for slot in slots] == [0, 2, 3]
    assert [slot.window_base for slot in slots] == [
        4 * GIB, 4 * GIB + GIB // 2, 5 * GIB + GIB // 2,
    ]  # fmt: skip
    assert [slot.transports for slot in slots] == [(0,), (1,), (2,)]


def test_the_command_line_of_one_default_realm() -> None:
    words = argv(spec())
    assert words[0] == "qemu-system-aarch64"
    assert {
        ("-cpu", "max,x-rme=on,sve=off,sme=off,lpa2=off,pauth-impdef=on"),
        ("-smp", "1"),
        ("-m", "3584M"),
        ("-bios", "/flash.bin"),
        ("-fw_cfg", "name=opt/realmos/manifest,file=/logs/manifest.dtb"),
        ("-fw_cfg", "name=opt/realmos/plan0,file=/logs/plan0.bin"),
        ("-fw_cfg", "name=opt/realmos/blob0,file=/images/kernel"),
    } <= pairs(words)
    assert "-gdb" not in words
    assert "-incoming" not in words


def test_a_comma_in_a_path_is_doubled_for_qemu() -> None:
    odd = replace(spec(realm(("a,b",))), logs=Path("/l,o,gs"), sockets=Path("/r,un"))
    plain = plain_argv(odd, kernel=Path("/k,1"), initrd=Path("/i,1"), cmdline="a=1,2")
    for words in (argv(odd), plain):
        assert {
            ("-chardev", "file,id=uart,path=/r,,un/uart.pipe"),
            ("-chardev", "file,id=console0,path=/r,,un/realm0.pipe"),
            ("-chardev", "socket,id=agent0,path=/r,,un/agent0,server=on,wait=off"),
            ("-qmp", "unix:/r,,un/qmp,server=on,wait=off"),
        } <= pairs(words)
    assert {
        ("-fw_cfg", "name=opt/realmos/manifest,file=/l,,o,,gs/manifest.dtb"),
        ("-fw_cfg", "name=opt/realmos/blob0,file=/images/a,,b"),
    } <= pairs(argv(odd))
    # These are no lists, and taken as they are.
    assert {("-kernel", "/k,1"), ("-initrd", "/i,1"), ("-append", "a=1,2")} <= pairs(plain)


def test_two_realms_of_one_image_share_its_blobs() -> None:
    made = spec(realm(("kernel", "one.dtb")), realm(("kernel", "two.dtb")))
    assert [path.name for path in all_blobs(made)] == ["kernel", "one.dtb", "two.dtb"]
    plan = numbered_plan(made, made.realms[1])
    abi = realmos_abi.load("plan")
    size = abi.structs["PlanOp"].size
    first, second = (
        abi.structs["PlanOp"].unpack(plan[abi.structs["PlanHeader"].size + n * size :])
        for n in range(2)
    )
    assert (first["blob"], second["blob"]) == (0, 2)


def test_the_manifest_describes_every_realm() -> None:
    text = manifest_source(spec(realm(rpv=b"\x01\x02"), realm(vcpus=2)))
    assert "realm@0 {" in text
    assert "rpv = [01 02 00" in text
    assert "window-base = /bits/ 64 <0x120000000>;" in text
    assert "probe-isolation" not in text
    assert "probe-isolation;" in manifest_source(spec(), probe_isolation=True)


def test_clock_counts_instructions_when_asked() -> None:
    assert ("-accel", "tcg,thread=multi") in pairs(argv(spec()))
    counting = pairs(argv(replace(spec(), counting=True)))
    assert {("-accel", "tcg"), ("-icount", "shift=0,sleep=off")} <= counting
