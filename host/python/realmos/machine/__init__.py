# SPDX-License-Identifier: BSD-3-Clause
"""The emulated machine: its specification, QEMU's command line, its life, its consoles."""

from realmos.machine._layers import BootWatch, Layer, layer_of, stopped_in, tag_lines
from realmos.machine._machine import Machine
from realmos.machine._peer import PeerKernel, peer_argv, peer_consoles
from realmos.machine._qmp import Qmp
from realmos.machine._run_dir import RunDir, facts, last_run, log_lines, state_dir
from realmos.machine._snapshot import Snapshot, SnapshotStore, identity, load, restored_spec
from realmos.machine._spec import (
    MachineSpec,
    RealmSlot,
    agent_socket,
    argv,
    check_fit,
    firmware_argv,
    place_realms,
    plain_argv,
    realm_log,
    uart_log,
)
from realmos.machine._symbols import Symboliser

__all__ = [
    "BootWatch",
    "Layer",
    "Machine",
    "MachineSpec",
    "PeerKernel",
    "Qmp",
    "RealmSlot",
    "RunDir",
    "Snapshot",
    "SnapshotStore",
    "Symboliser",
    "agent_socket",
    "argv",
    "check_fit",
    "facts",
    "firmware_argv",
    "identity",
    "last_run",
    "layer_of",
    "load",
    "log_lines",
    "peer_argv",
    "peer_consoles",
    "place_realms",
    "plain_argv",
    "realm_log",
    "restored_spec",
    "state_dir",
    "stopped_in",
    "tag_lines",
    "uart_log",
]
