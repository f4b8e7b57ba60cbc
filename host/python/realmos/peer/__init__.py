# SPDX-License-Identifier: BSD-3-Clause
"""The peer: real OP-TEE in TrustZone, on the same QEMU, to measure ours beside it."""

from realmos.peer._machine import Peer, find_peer, running
from realmos.peer._measure import PeerFigures, measure_peer

__all__ = ["Peer", "PeerFigures", "find_peer", "measure_peer", "running"]
