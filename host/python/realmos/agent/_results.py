# SPDX-License-Identifier: BSD-3-Clause
"""What the client's calls return."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Greeting:
    """How the agent introduced itself.

    Args:
        agent: the agent's version.
        nonce: random bytes that no other agent, and no other copy of a reseeded one, has.
        work_dir: a directory in the realm that lasts as long as the session.
        marks: moments of the realm's start, in seconds since its kernel started.
    """

    agent: str
    nonce: bytes
    work_dir: str
    marks: Mapping[str, float]


@dataclass(frozen=True)
class Attestation:
    """What a realm says about itself, for a verifier.

    Args:
        token: the CCA attestation token.
        log: the events that REM 1 took, as `realmos_agent.protocol.measurement` reads them.
    """

    token: bytes
    log: bytes


@dataclass(frozen=True)
class RunResult:
    """How a workload ended.

    Args:
        status: its exit status; 128 + N when signal N ended it, as shells have it.
        signal: the signal that ended it, or None.
        oom: the realm's kernel killed it for want of memory.
        timed_out: it was killed because its time was up.
        stdout: what it wrote to standard output, unless that went elsewhere.
        stderr: the same for standard error.
        truncated: more was written than the capture limit; only the beginning is here.
    """

    status: int
    signal: int | None = None
    oom: bool = False
    timed_out: bool = False
    stdout: bytes = b""
    stderr: bytes = b""
    truncated: bool = False


@dataclass(frozen=True)
class RealmReport:
    """What the agent says about its realm.

    Args:
        kernel: the kernel's release.
        machine: the processor architecture.
        rsi: the RSI version the kernel says it uses; empty outside a realm.
        python: the interpreter's version.
        agent: the agent's version.
        cpus: number of processors.
        memory_total: bytes of memory.
        memory_available: bytes that workloads could still have.
        uptime: seconds since the kernel started.
    """

    kernel: str
    machine: str
    rsi: str
    python: str
    agent: str
    cpus: int
    memory_total: int
    memory_available: int
    uptime: float
