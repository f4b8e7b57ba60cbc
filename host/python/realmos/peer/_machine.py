# SPDX-License-Identifier: BSD-3-Clause
"""The peer's machine: everything built, and its life time."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from realmos.agent import AgentClient
from realmos.cache import Cache
from realmos.firmware import PEER_KERNEL, OpteeFlash, build_optee_flash
from realmos.image import Image
from realmos.machine import (
    Machine,
    MachineSpec,
    PeerKernel,
    RunDir,
    agent_socket,
    peer_argv,
    peer_consoles,
    place_realms,
)
from realmos.peer._linux import build_linux, find_programs
from realmos.progress import Reporter
from realmos.realm import RealmConfig, build_realm
from realmos.source import find_qemu

_SOCKET_SECONDS = 60.0


@dataclass(frozen=True)
class Peer:
    """OP-TEE on the QEMU that realms run on, and the Linux that they run, too.

    Attributes:
        flash: its firmware.
        image: its Linux.
        programs: what that lacks, by path.
        qemu: argv prefix.
    """

    flash: OpteeFlash
    image: Image
    programs: dict[str, Path]
    qemu: tuple[str, ...]


def find_peer(cache: Cache, reporter: Reporter) -> Peer:
    """Return the peer, building what the cache does not hold.

    Raises:
        SourceError: something cannot be had.
        ToolError: a program that builds need is absent or fails.
    """
    return Peer(
        build_optee_flash(cache, reporter),
        build_linux(cache, reporter),
        find_programs(cache, reporter),
        find_qemu(cache, reporter).argv_prefix,
    )


@contextmanager
def running(
    peer: Peer,
    reporter: Reporter,
    *,
    counting: bool,
    timeout: float,
    config: RealmConfig | None = None,
) -> Iterator[AgentClient]:
    """Boot the peer, and yield a session with the agent in its Linux.

    Args:
        peer: what to run.
        reporter: progress.
        counting: have the machine's clock count instructions: each is a nanosecond.
        timeout: seconds that the boot may take.
        config: memory and vCPUs; a realm's defaults when absent.

    Raises:
        BootError: it does not boot, or stops.
    """
    directory = RunDir.create()
    with contextlib.ExitStack() as stack:
        stack.callback(directory.remove_sockets)
        realm = build_realm(peer.image, config or RealmConfig(), out=directory.logs)
        spec = MachineSpec(
            qemu=peer.qemu,
            flash=peer.flash.path,
            realms=place_realms((realm,)),
            logs=directory.logs,
            sockets=directory.sockets,
        )
        kernel = PeerKernel(
            peer.image.kernel.path,
            PEER_KERNEL,
            peer.image.initrd.path,
            peer.image.plain_cmdline(realm.config.cmdline),
        )
        command = peer_argv(spec, kernel, counting=counting)
        with reporter.task("Booting OP-TEE and Linux"):
            machine = stack.enter_context(
                Machine(spec, command=command, consoles=peer_consoles(spec))
            )
            path = agent_socket(spec, 0)
            machine.wait_until(path.exists, what="QEMU's socket", timeout=_SOCKET_SECONDS)
            agent = stack.enter_context(AgentClient(path, timeout=timeout, watch=machine.poll))
        for remote, source in peer.programs.items():
            agent.put(source, remote)
        yield agent
