# SPDX-License-Identifier: BSD-3-Clause
"""The runners of a core: how they are started, confined, and kept apart from each other."""

import threading
from itertools import count

from realmos_agent.tee.budget import Budget, Share, limits
from realmos_agent.tee.parts import RunnerError
from realmos_agent.tee.runner import COPIES, START_SECONDS, RunnerProcess
from realmos_agent.tee.runner_start import launch
from realmos_agent.tee.spares import Spares

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from realmos_agent.tee.housekeeper import Housekeeper

_WEAK = "--weak"  # the runner goes on without the protections that its kernel does not offer
_FIRST_USER = 0x7000_0000
SPARES = 2  # a TA, and one that it calls
_NICE = 5
"""Runners yield to the core, so that it has its turn however many TAs run in circles."""


class Runners:
    """Starts runners.

    Args:
        program: the runner.
        qemu_user: a program that runs it on another kind of processor, or "". No TA is confined
            there as it should be, and each runner that this kernel confines worse is refused.
        memory: the most address space of one, in bytes.
        log: takes a line of text.
        shared: what those take their memory from that wait for a TA. None waits where processors
            are emulated: what one costs is not worth what its start saves there.
        housekeeper: starts these.

    Attributes:
        argv: how one is started.
    """

    def __init__(
        self,
        program: str,
        qemu_user: str,
        memory: int,
        log: "Callable[[str], None]",
        *,
        shared: Budget,
        housekeeper: "Housekeeper",
    ) -> None:
        self.argv: tuple[str, ...] = (program, "--memory", str(memory))
        if qemu_user:
            self.argv = (qemu_user, *self.argv, _WEAK)
        else:
            self.argv = (*self.argv, "--nice", str(_NICE))
        self._emulated = bool(qemu_user)
        self._log = log
        self._lock = threading.Lock()
        self._starting: set[RunnerProcess] = set()
        self._closed = False
        self._told = self._told_large = False
        # Each instance is another user to the kernel, as far as users can be had.
        self._users = count(_FIRST_USER)
        self._limits = limits()
        self._large = Budget(self._limits.calls)
        self._spares = Spares(self._launch, 0 if qemu_user else SPARES, shared, housekeeper)

    def start(
        self, argv: tuple[str, ...] | None = None, seconds: float | None = START_SECONDS
    ) -> RunnerProcess:
        """Return one that can be used, which may have been started before.

        Args:
            argv: how to start it, if not as the others.
            seconds: how long it may take; None for no end.

        Raises:
            RunnerError: it does not start, or is not confined as it must be; or these were closed.
        """
        runner = (self._spares.take() if argv is None else None) or self._launch(argv)
        with self._lock:
            closed = self._closed
            if not closed:
                self._starting.add(runner)
        if closed:
            runner.close()
            raise RunnerError("the core ends, and starts no TA any more")
        try:
            runner.greet(seconds)
            if runner.missing:
                self._judge(", ".join(runner.missing))
        except RunnerError:
            runner.close()
            raise
        finally:
            with self._lock:
                self._starting.discard(runner)
        self.prepare()
        return runner

    def prepare(self) -> None:
        """Have some started soon, of which the next TAs will be; this does not wait for it."""
        self._spares.fill()

    def close(self) -> None:
        """End those that have no TA yet, and start none any more.

        One that waits for gdb does not see by itself that its core has ended.
        """
        self._spares.close()
        with self._lock:
            self._closed = True
            starting = tuple(self._starting)
        for runner in starting:
            runner.close()

    def _launch(self, argv: tuple[str, ...] | None = None) -> RunnerProcess:
        words = (*(argv or self.argv), "--user", str(next(self._users)))
        return launch(words, large=Share(self._large, self._limits.call, self._tell_large))

    def _tell_large(self, size: int) -> None:
        """Tell people, once, why a system call fails."""
        with self._lock:
            told, self._told_large = self._told_large, True
        if not told:
            self._log(
                f"a system call is refused (OUT_OF_MEMORY): it has {size // COPIES} bytes, and "
                f"{self._limits.call // COPIES} is the most here; the realm needs more memory "
                "(--memory), or the TA smaller pieces"
            )

    def _judge(self, missing: str) -> None:
        if not self._emulated:
            raise RunnerError(
                f"a runner without protection: no {missing}; the kernel must offer all that "
                "docs/ta-runner.md names"
            )
        with self._lock:
            told, self._told = self._told, True
        if not told:
            self._log(
                "WARNING: emulated TAs (realmos ta run --local) are not confined as in a realm: "
                f"no {missing}"
            )
