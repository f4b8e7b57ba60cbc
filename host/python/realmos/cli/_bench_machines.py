# SPDX-License-Identifier: BSD-3-Clause
"""The three machines that are timed, each from QEMU's start to its agent's first answer."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from realmos import session as sessions
from realmos.agent import AgentClient
from realmos.cache import Cache
from realmos.cli._bench_figures import COLD, PLAIN, RESTORED
from realmos.errors import MachineError
from realmos.machine import Machine, RunDir, agent_socket, plain_argv
from realmos.progress import Reporter
from realmos.session import Prepared, Session

_SOCKET_SECONDS = 30.0


def check_restored(session: Session) -> None:
    """See to it that what is timed is a machine that came from a snapshot.

    Raises:
        MachineError: it was booted, so the figure would be another's.
    """
    if not session.restored:
        raise MachineError(
            f"the machine was booted instead of restored: {session.booted_because}",
            hint="try again: the boot left a snapshot",
        )


@dataclass(frozen=True)
class Machines:
    """One machine, to be booted, restored, or taken without RME.

    Args:
        prepared: everything built.
        cache: has, or gets, the machine's snapshot.
        reporter: progress.
    """

    prepared: Prepared
    cache: Cache
    reporter: Reporter

    def kinds(self) -> dict[str, Callable[[], float]]:
        """Return what is measured, by kind."""
        return {COLD: self.cold, PLAIN: self.plain, RESTORED: self.restored}

    def leave_snapshot(self) -> None:
        """See to it that there is a snapshot for `restored`."""
        with sessions.running(self.prepared.options, self.cache, self.reporter):
            pass

    def cold(self) -> float:
        """Return the seconds of a boot."""
        options = replace(self.prepared.options, cold=True)
        with sessions.running(options, self.cache, self.reporter) as session:
            return session.seconds_to_answer

    def restored(self) -> float:
        """Return the seconds of a machine that did come from a snapshot.

        Raises:
            MachineError: it was booted, so the figure would be another's.
        """
        with sessions.running(self.prepared.options, self.cache, self.reporter) as session:
            check_restored(session)
            return session.seconds_to_answer

    def plain(self) -> float:
        """Return the seconds of the same kernel, initramfs, CPUs and devices without RME."""
        prepared = self.prepared
        directory = RunDir.create()
        spec = prepared.spec(directory)
        image, extra = prepared.image, prepared.options.realms[0].cmdline
        command = plain_argv(
            spec,
            kernel=image.kernel.path,
            initrd=image.initrd.path,
            cmdline=image.plain_cmdline(extra),
        )
        patience = prepared.options.boot_timeout
        try:
            with self.reporter.task("Booting without RME"), Machine(spec, command=command) as run:
                path = agent_socket(spec, 0)
                run.wait_until(path.exists, what="QEMU's socket", timeout=_SOCKET_SECONDS)
                with AgentClient(path, timeout=patience, watch=run.poll):
                    return time.monotonic() - run.started
        finally:
            directory.remove_sockets()
