# SPDX-License-Identifier: BSD-3-Clause
"""A TEE core in a realm: a program that its agent runs, its input and output joined to the hub.

What the realm is given, TAs and key, and the core's command line are a workload like any other: REM
1 takes them, and is predicted from them.
"""

import contextlib
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from realmos_agent.tee.storage import Backend

from realmos.agent import AgentClient, RunHandle, Sink
from realmos.errors import PeerError
from realmos.image import EDGE
from realmos.progress import Reporter
from realmos.realm import Workload
from realmos.tee.client import Context
from realmos.tee.hub import SOCKETS, Hub
from realmos.tee.plugins import PLUGINS
from realmos.tee.storage import Keeping

HOME: Final = "/run/tee"
"""Where a realm's core finds what it is given."""
CORE_OPTIONS: Final = ("--ta-dir", HOME, "--edge", f"/{EDGE}")
"""What every core in a realm is told."""

_SCRIPT = b"from realmos_agent.tee.__main__ import main\n\nmain()\n"
_NAME = "tee"
_KEY = f"{HOME}/key.pem"
_MODE = 0o644
_TICK_S = 0.25
_END_S = 10.0
_SAID_MAX = 4096


def tee_workload(
    applications: dict[UUID, Path],
    key: Path | None,
    copies: Path,
    keeping: Keeping | None = None,
    *,
    sockets: bool = False,
    plugins: bool = False,
) -> Workload:
    """Return what a realm is given so that it is a TEE with these TAs.

    The core is a script for the agent's own interpreter: a second or two sooner than another one.

    Args:
        applications: the TAs, by UUID.
        key: PEM file of the key that signs them; None for OP-TEE's development key.
        copies: a directory for copies of the files. They are what is measured and sent, whatever
            becomes of the files, and all with the same permissions, which are measured, too.
        keeping: how objects are kept; None if they end with the core.
        sockets: whether TAs may connect to the network; its hub has to serve that.
        plugins: whether its hub has plugins of tee-supplicant.
    """
    argv = [_NAME, *CORE_OPTIONS]
    names = {copies / f"{uuid}.ta": path for uuid, path in sorted(applications.items())}
    if key is not None:
        names[copies / "key.pem"] = key
        argv += ["--ta-key", _KEY]
    if keeping is not None:
        argv += keeping.words
    if sockets:
        argv += SOCKETS
    if plugins:
        argv += PLUGINS
    for copy, path in names.items():
        shutil.copyfile(path, copy)
        copy.chmod(_MODE)
    put = tuple((copy, f"{HOME}/{copy.name}") for copy in names)
    return Workload(tuple(argv), _SCRIPT, put=put)


class _Incoming:
    """What the hub has for the core."""

    def __init__(self, stream: socket.socket) -> None:
        self.fd: int | None = stream.fileno()

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none when the hub has gone."""
        assert self.fd is not None
        try:
            return os.read(self.fd, size)
        except ConnectionResetError:  # it left something unread
            return b""


class RealmCore:
    """A core that runs in a realm.

    Its agent is this object's, until it was told to `serve`, and again when that is over: in
    between a thread serves the connection.

    Args:
        agent: of the realm.
        workload: of `tee_workload`.
        log: where the core's lines for people go.

    Raises:
        RealmosError: the realm does not take it.
    """

    def __init__(self, agent: AgentClient, workload: Workload, log: Sink) -> None:
        self._agent = agent
        self._log = log
        self._said = b""
        self._ours, self._hubs = socket.socketpair()
        try:
            for path, remote in workload.put:
                agent.put(path, remote)
            self._handle: RunHandle = agent.start(
                workload.argv,
                script=workload.script,
                stdin=_Incoming(self._ours),
                stdout=self._pass_on,
                stderr=self._tell,
            )
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its streams; it ends with the session at the latest."""
        self._ours.close()
        self._hubs.close()

    @contextmanager
    def serve(
        self,
        path: Path,
        reporter: Reporter,
        *,
        store: Backend | None = None,
        connects: bool = False,
        plugins: Callable[[bytes], bytes] | None = None,
    ) -> Iterator[Hub]:
        """Serve clients at a socket; at the end, unless that is an error, wait for the core's.

        Args:
            path: of the socket.
            reporter: told when the core has ended before.
            store: where the core's objects are; None if it was not told to keep them.
            connects: whether TAs may connect to the network, from here.
            plugins: calls a plugin of tee-supplicant; None if there are none.

        Raises:
            RealmosError: the core has ended before it served anybody; or the connection to the
                realm broke off, or the realm has stopped.
        """
        stop, failures = threading.Event(), list[Exception]()
        began, ends = threading.Event(), list[str]()

        def pump() -> None:
            try:
                while not self._handle.over and not stop.is_set():
                    self._agent.pump(_TICK_S)
            except Exception as error:  # noqa: BLE001 -- raised by who waits for this thread
                failures.append(error)
            finally:
                with contextlib.suppress(OSError):  # the hub was first
                    self._ours.shutdown(socket.SHUT_RDWR)  # its descriptor may yet be polled

        def complain(why: str) -> None:
            ends.append(why)
            if began.is_set():
                reporter.warn(f"the TEE has ended: {why}")

        thread = threading.Thread(target=pump, name="tee realm", daemon=True)
        try:
            with Hub(
                path, self._hubs, on_end=complain, store=store, connects=connects, plugins=plugins
            ) as hub:
                thread.start()
                with Context(path) as context:
                    context.reach()
                if not ends:
                    began.set()
                    yield hub
            thread.join(_END_S)  # the core's input has ended, and so does it
        finally:
            stop.set()
            if thread.ident is not None:
                thread.join(_END_S)
        failures += filter(None, [self._handle.error])
        if not began.is_set():
            failures.append(self._not_begun())
        if failures:
            raise failures[0]

    def _not_begun(self) -> PeerError:
        *_, last = [b"it said nothing", *self._said.splitlines()]
        return PeerError(
            f"the TEE has ended before it served anybody: {last.decode('utf-8', 'replace')}",
            hint="what it said before is above; `realmos logs` shows what the realm's kernel said",
        )

    def _tell(self, data: bytes) -> None:
        self._said = (self._said + data)[-_SAID_MAX:]
        if callable(self._log):
            self._log(data)
        elif self._log is not None:
            self._log.write(data)

    def _pass_on(self, data: bytes) -> None:
        """Give the hub what the core says, when it is still there; nobody misses it when not."""
        with contextlib.suppress(OSError):
            self._ours.sendall(data)
