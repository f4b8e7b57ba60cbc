# SPDX-License-Identifier: BSD-3-Clause
"""The machine manifest that the monitor reads (ARCHITECTURE.md), as device-tree source."""

from realmos.machine._spec import MachineSpec, RealmSlot, all_blobs
from realmos.realm import Data, Plan


def manifest_source(spec: MachineSpec, *, probe_isolation: bool = False) -> str:
    """Return the manifest's device-tree source.

    Args:
        spec: the machine.
        probe_isolation: have the monitor attack realm 0 and report what happened.
    """
    lines = ["/dts-v1/;", "/ {", '\tcompatible = "realmos,machine-1";']
    if probe_isolation:
        lines.append("\tprobe-isolation;")
    for slot in spec.realms:
        lines += _realm(slot)
    return "\n".join([*lines, "};", ""])


def numbered_plan(spec: MachineSpec, slot: RealmSlot) -> bytes:
    """Return a realm's encoded plan, its blobs numbered as the machine numbers them."""
    number = {path: n for n, path in enumerate(all_blobs(spec))}
    operations = tuple(
        Data(op.ipa, op.size, number[slot.realm.blobs[op.blob]], op.offset, op.measure)
        if isinstance(op, Data)
        else op
        for op in slot.realm.plan.operations
    )
    return Plan(slot.realm.plan.params, operations).encode()


def _realm(slot: RealmSlot) -> list[str]:
    config = slot.realm.config
    rpv = slot.realm.rpv.hex(" ")
    transports = " ".join(str(number) for number in slot.transports)
    return [
        f"\trealm@{slot.number} {{",
        f'\t\trealm-name = "{config.name}";',
        f"\t\tvcpus = <{config.vcpus}>;",
        f"\t\tfirst-pe = <{slot.first_pe}>;",
        f"\t\tram-size = /bits/ 64 <{config.memory:#x}>;",
        f"\t\twindow-base = /bits/ 64 <{slot.window_base:#x}>;",
        f"\t\tplan = <{slot.number}>;",
        f"\t\trpv = [{rpv}];",
        f"\t\tvirtio = <{transports}>;",
        "\t};",
    ]
