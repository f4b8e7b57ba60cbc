# SPDX-License-Identifier: BSD-3-Clause
"""The peer: real OP-TEE in TrustZone, on the same QEMU, to measure ours beside it."""

from realmos.peer._machine import Peer, find_peer, running

__all__ = ["Peer", "find_peer", "running"]
