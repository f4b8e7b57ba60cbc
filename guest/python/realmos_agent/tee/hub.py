# SPDX-License-Identifier: BSD-3-Clause
"""The hub: where client programs reach the TEE core (docs/tee-wire.md).

It listens on a unix socket, says of each client who it is, and passes frames between all of them
and the one stream to the core. One thread serves everybody and waits for nobody: what it holds is
bounded by not reading on, and a client that keeps everybody waiting is disconnected, however much
of its answers it takes meanwhile.
"""

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from realmos_agent.tee import blobs, client_numbers, numbers, wire
from realmos_agent.tee.client_identity import client_uuid, refusal_of
from realmos_agent.tee.holder import Holder
from realmos_agent.tee.hub_client import ANSWERS, Client, blamed
from realmos_agent.tee.listener import listen
from realmos_agent.tee.network import Network
from realmos_agent.tee.plugins import Callee
from realmos_agent.tee.storage import Backend
from realmos_agent.tee.stream import SMALL, Stream, StreamError

CLIENTS_MAX: Final = 200
"""Connections at once; more wait until one ends."""
REQUESTS_MAX: Final = 1024
"""Requests of one connection that wait for an answer; one more is answered BUSY."""
BUFFER_MAX: Final = 4 * client_numbers.LENGTH_MAX
"""Bytes held for the core, and as many for all clients, before a sender has to wait."""
STALL_S: Final = 30.0
"""Seconds for which a client may leave its answers while others wait for the room they take."""
FAREWELL_S: Final = 30.0
"""Seconds for which a core may close, at the end, what clients have left open."""

_READ: Final = selectors.EVENT_READ
_WRITE: Final = selectors.EVENT_WRITE
_TICK_S = 1.0
_JOIN_S = 10.0
_EVERYBODY = 0
_UNREAD = 4  # times what clients may have the hub hold for the core


class Hub:
    """Serves clients until it is closed, or, used as a context manager, left.

    Args:
        path: the socket to make; its directory is there, and private to the user.
        core: the stream to the core: this object's to close.
        on_end: called, by the hub's thread, with the reason when the core has ended.
        stall: see `STALL_S`.
        store: where blobs of the core's secure storage are; None to refuse them.
        connects: whether it makes connections for Trusted Applications.
        plugins: calls a plugin; None if there are none.

    Raises:
        SocketError: no socket can be made there.
    """

    def __init__(
        self,
        path: Path,
        core: socket.socket,
        *,
        on_end: Callable[[str], None] = lambda _reason: None,
        stall: float = STALL_S,
        store: Backend | None = None,
        connects: bool = False,
        plugins: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self.path = path
        self._listener = self._listen(path)
        more = {client_numbers.KIND_NET: connects, client_numbers.KIND_PLUGIN: plugins is not None}
        kinds = blobs.FROM_CORE | {kind for kind, served in more.items() if served}
        self._core: Stream | None = Stream(core, kinds)
        self._on_end = on_end
        self._stall = stall
        self._clients: dict[int, Client] = {}
        self._last = 0
        self._reserved = 0
        self._accepts_from = 0.0
        self._full_since: float | None = None
        self._opened = False
        self._parting = self._told = False
        self._parted = threading.Event()
        self._closing = False
        self._waker, self._woken = socket.socketpair()
        self._holder = Holder(store, self._wake)
        self._network = Network(self._wake)
        self._callee = None if plugins is None else Callee(plugins, self._wake)
        self._selector = selectors.DefaultSelector()
        self._watched: dict[socket.socket, int] = {}
        self._thread = threading.Thread(target=self._serve, name="tee hub", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.part()
        self.close()

    def part(self) -> None:
        """Disconnect clients, and wait while the core closes what they have left open."""
        self._parting = True
        self._wake()
        self._parted.wait(FAREWELL_S)

    def close(self) -> None:
        """Disconnect everybody, and remove the socket."""
        self._closing = True
        self._wake()
        self._thread.join(_JOIN_S)
        self._holder.close()
        self._network.close()
        if self._callee is not None:
            self._callee.close()
        self.path.unlink(missing_ok=True)

    def _listen(self, path: Path) -> socket.socket:
        return listen(path)

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # the thread has ended before
            self._waker.send(b"x")

    def _serve(self) -> None:
        try:
            self._serve_all()
        except Exception as error:  # noqa: BLE001 -- a fault of ours: somebody has to say so
            self._end_core(f"the hub failed: {error!r}")
        finally:
            self._parted.set()
            for client in self._clients.values():
                client.socket.close()
            if self._core is not None:
                self._core.socket.close()
            for each in (self._listener, self._waker, self._woken):
                each.close()
            self._selector.close()

    def _serve_all(self) -> None:
        while not self._closing:
            self._see_off()
            self._flush()
            self._watch()
            for key, _ in self._selector.select(_TICK_S):
                self._handle(key.fileobj)
            self._end_stalled()

    def _flush(self) -> None:
        for client in list(self._clients.values()):
            try:
                client.flush()
            except StreamError:
                self._disconnect(client)
        answers = [*self._holder.take_answers(), *self._network.take_answers()]
        if self._callee is not None:
            answers += self._callee.take_answers()
        for answer in answers:
            if self._core is not None:
                self._core.queue(answer)
        if self._core is not None:
            try:
                self._core.flush()
            except StreamError as error:
                self._end_core(str(error))
        if self._core is not None and self._core.queued > _UNREAD * BUFFER_MAX:
            self._end_core("it does not take the answers to what it asks")

    def _watch(self) -> None:
        """Tell the selector what to wait for: nothing that there is no room for."""
        wanted = {self._woken: _READ}
        crowded = self._core is not None and self._core.queued > BUFFER_MAX
        accepts = not crowded and time.monotonic() >= self._accepts_from
        accepts = accepts and not self._parting
        if accepts and len(self._clients) < CLIENTS_MAX:
            wanted[self._listener] = _READ
        if self._core is not None:
            reads = _READ if self._has_room_for_answers() else 0
            wanted[self._core.socket] = reads | (_WRITE if self._core.queued else 0)
        for client in self._clients.values():
            patient = not crowded and client.queued <= client_numbers.LENGTH_MAX
            reads = _READ if patient and self._reserve(client) else 0
            wanted[client.socket] = reads | (_WRITE if client.queued else 0)
        for each, events in wanted.items():
            if self._watched.get(each, 0) != events:
                self._unwatch(each)
                if events:
                    self._selector.register(each, events)
                    self._watched[each] = events
        for each in self._watched.keys() - wanted.keys():
            self._unwatch(each)

    def _unwatch(self, each: socket.socket) -> None:
        if self._watched.pop(each, 0):
            self._selector.unregister(each)

    def _has_room_for_answers(self) -> bool:
        return sum(client.queued for client in self._clients.values()) < BUFFER_MAX

    def _reserve(self, client: Client) -> bool:
        """Return whether there is room for the frame that a client is sending, and take it."""
        if client.incoming <= SMALL or client.reserved:
            return True
        held = self._reserved + (0 if self._core is None else self._core.queued)
        if held + client.incoming > BUFFER_MAX:
            return False
        client.reserved = client.incoming
        self._reserved += client.reserved
        return True

    def _release(self, client: Client) -> None:
        self._reserved -= client.reserved
        client.reserved = 0

    def _see_off(self) -> None:
        """Tell the core, once, that nobody is left, if that is to be."""
        if not self._parting or self._told:
            return
        self._told = True
        for client in list(self._clients.values()):
            self._disconnect(client)
        if self._core is None or not self._opened:
            self._parted.set()
        else:
            self._core.queue(wire.encode(wire.Gone(_EVERYBODY)))

    def _handle(self, which: object) -> None:
        if which is self._listener:
            self._accept()
        elif which is self._woken:
            self._woken.recv(SMALL)
        elif self._core is not None and which is self._core.socket:
            self._serve_core(self._core)
        else:
            for client in list(self._clients.values()):
                if client.socket is which:
                    self._serve_client(client)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # it is gone again, or there is no descriptor for it now
            self._accepts_from = time.monotonic() + _TICK_S
            return
        self._last += 1
        self._clients[self._last] = Client(connection, self._last)

    def _serve_client(self, client: Client) -> None:
        try:
            frame = client.receive()
            if frame is not None:
                self._release(client)
                self._take_request(client, frame)
        except StreamError:
            self._disconnect(client)

    def _disconnect(self, client: Client) -> None:
        self._release(client)
        self._unwatch(client.socket)
        client.socket.close()
        del self._clients[client.number]
        if self._core is not None:
            self._core.queue(wire.encode(wire.Gone(client.number)))

    def _take_request(self, client: Client, frame: wire.Frame) -> None:
        """Pass a client's frame on, or answer it.

        Raises:
            StreamError: it is not one that a client may send.
        """
        cancel = frame.kind == client_numbers.KIND_CANCEL
        if frame.client or (not cancel and frame.request in client.waiting):
            raise StreamError("a frame with another's number, or of a request that is under way")
        if self._core is None:
            self._refuse(client, frame, numbers.ERROR_COMMUNICATION)
            return
        if not cancel and len(client.waiting) >= REQUESTS_MAX:
            self._refuse(client, frame, numbers.ERROR_BUSY)
            return
        body: bytes | None = frame.body
        if frame.kind == client_numbers.KIND_OPEN:
            self._opened = True
            body = self._identify(client, frame)
        if body is None:
            return
        if not cancel:
            client.waiting[frame.request] = frame.kind
        passed = wire.Frame(frame.kind, client.number, frame.request, body)
        self._core.queue(passed.to_bytes())

    def _identify(self, client: Client, frame: wire.Frame) -> bytes | None:
        """Return an OPEN's body with who the client is, or None when it has been refused."""
        try:
            asked = wire.decode(frame)
        except wire.WireError:
            asked = None
        if not isinstance(asked, wire.Open) or asked.client_uuid != wire.NIL:
            self._refuse(client, frame, numbers.ERROR_BAD_PARAMETERS)
            return None
        uuid = client_uuid(client.credentials, asked.login, asked.group)
        if uuid is None:
            self._refuse(client, frame, refusal_of(asked.login))
            return None
        return wire.identified(frame.body, uuid)

    def _refuse(self, client: Client, frame: wire.Frame, result: int) -> None:
        answer = wire.refusal(frame, result)
        if answer is not None:
            client.queue(wire.encode(answer))

    def _serve_core(self, core: Stream) -> None:
        try:
            frame = core.receive()
            if frame is not None and frame.kind in blobs.REQUESTS:
                self._holder.ask(frame)
            elif frame is not None and frame.kind == client_numbers.KIND_NET:
                self._network.ask(frame)
            elif frame is not None and frame.kind == client_numbers.KIND_PLUGIN:
                assert self._callee is not None  # or the stream had refused it
                self._callee.ask(frame)
            elif frame is not None:
                self._take_answer(frame)
        except (StreamError, wire.WireError) as error:
            self._end_core(str(error))

    def _take_answer(self, frame: wire.Frame) -> None:
        """Pass the core's frame on to the client that waits for it.

        Raises:
            StreamError: nobody asked for it.
        """
        if frame.kind == client_numbers.KIND_GONE and self._told and not frame.client:
            self._parted.set()
            return
        client = self._clients.get(frame.client)
        if client is None and 0 < frame.client <= self._last:
            return  # it is gone
        asked = 0 if client is None else client.waiting.get(frame.request, 0)
        if client is None or ANSWERS.get(asked) != frame.kind:
            raise StreamError("it answered what nobody asked")
        del client.waiting[frame.request]
        client.queue(wire.Frame(frame.kind, 0, frame.request, frame.body).to_bytes())

    def _end_core(self, reason: str) -> None:
        """Tell everybody who waits that the core is dead."""
        core, self._core = self._core, None
        if core is None:
            return
        self._parted.set()
        self._unwatch(core.socket)
        core.socket.close()
        for client in self._clients.values():
            for request, kind in client.waiting.items():
                asked = wire.Frame(kind, 0, request, b"")
                self._refuse(client, asked, numbers.ERROR_TARGET_DEAD)
            client.waiting.clear()
        self._on_end(reason)

    def _end_stalled(self) -> None:
        """Disconnect those for whose answers the others have waited too long."""
        since, now = self._full_since, time.monotonic()
        full = len(self._clients) > 1 and not self._has_room_for_answers()
        self._full_since = now if full else None
        waited = now - since if full and since is not None else 0.0
        for client in blamed(self._clients.values(), waited, self._stall):
            self._disconnect(client)
