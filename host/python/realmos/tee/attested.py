# SPDX-License-Identifier: BSD-3-Clause
"""A TEE in a realm that serves nobody before its token has shown which TAs and which core it is."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from realmos_agent.tee.storage import Backend

from realmos.agent import AgentClient, Sink
from realmos.progress import Reporter
from realmos.realm import Workload, encoded_events
from realmos.tee.realm import RealmCore

Shown_co = TypeVar("Shown_co", covariant=True)


class Attesting(Protocol[Shown_co]):
    """A session with a realm that shows what it was given, as `realmos.session.Session` does."""

    @property
    def agent(self) -> AgentClient:
        """The realm's agent."""

    def attest(self, *, events: Sequence[bytes]) -> Shown_co:
        """Return what the realm shows.

        Raises:
            AttestationError: it is not that it was given these events and nothing else.
        """


@contextmanager
def realm_tee(
    session: Attesting[Shown_co],
    workload: Workload,
    path: Path,
    *,
    log: Sink,
    reporter: Reporter,
    store: Backend | None = None,
    connects: bool = False,
    plugins: Callable[[bytes], bytes] | None = None,
) -> Iterator[Shown_co]:
    """Make a realm a TEE, and serve clients at a socket; yield what the realm has shown before.

    Args:
        session: whose realm has done nothing yet.
        workload: of `tee_workload`.
        path: of the socket.
        log: where the core's lines for people go.
        reporter: progress.
        store: where the core's objects are; None if it was not told to keep them.
        connects: whether TAs may connect to the network, from here.
        plugins: calls a plugin of tee-supplicant; None if there are none.

    Raises:
        RealmosError: the realm is another one, or is given something else; or as `RealmCore`.
    """
    with RealmCore(session.agent, workload, log) as core:
        shown = session.attest(events=encoded_events(workload))
        with core.serve(path, reporter, store=store, connects=connects, plugins=plugins):
            yield shown
