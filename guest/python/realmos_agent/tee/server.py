# SPDX-License-Identifier: BSD-3-Clause
"""The core's side of the tee wire: requests of many clients in, their answers out.

Every request that can run a TA has a thread of its own. A client sees its own sessions only, and
loses them when it goes: those that are in use as soon as their calls, which are cancelled, return.
A TA that does not return for long then is ended. What is busy for others is closed when it is free;
a client that waits for nothing else has left.
"""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from uuid import UUID

from realmos_agent.tee import numbers, wire
from realmos_agent.tee.budget import Budget, Share, limits
from realmos_agent.tee.chain import Chain, Later
from realmos_agent.tee.edge import Begun, Edge
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.farewells import Farewells
from realmos_agent.tee.manager import SESSIONS_MAX, Manager, Outcome
from realmos_agent.tee.params import Params
from realmos_agent.tee.requests import cost, parameters, region_order, reply
from realmos_agent.tee.server_client import Client, identity_of, tell_fault
from realmos_agent.tee.session import Cancellation, Session
from realmos_agent.tee.workers import Workers

CALLS_MAX = 64
"""Calls of one client that run or wait."""
ALL_CALLS_MAX = 1024
"""And of all clients."""
CLIENTS_MAX = 512
"""Clients, those among them that are gone and still have something here."""
GRACE_S = 60.0
"""How long a TA may go on with a cancelled call of a client that is gone."""
LEAVING_S = 10.0
"""How long whoever opens a session waits for those that clients who are gone had with the TA."""
_OUT_OF_MEMORY = Outcome(numbers.ERROR_OUT_OF_MEMORY, numbers.ORIGIN_TEE)
_FAILED = Outcome(numbers.ERROR_GENERIC, numbers.ORIGIN_TEE)
_BAD_PARAMETERS = Outcome(numbers.ERROR_BAD_PARAMETERS, numbers.ORIGIN_TEE)
_Served = tuple[Outcome, Params | None]
"""What became of a call, and its parameters."""


class Server:
    """Serves one stream of frames.

    Args:
        manager: does the work.
        send: sends the bytes of one frame; called by one thread at a time.
        log: takes text for people.
        grace_s: how long a TA may go on for a client that is gone.
        answers: what takes the hub's answers to the core's questions, by their kind.
        edge: what serves calls before the core does; nothing if absent.
    """

    def __init__(
        self,
        manager: Manager,
        send: Callable[[bytes], None],
        log: Callable[[str], None],
        grace_s: float = GRACE_S,
        answers: Mapping[int, Callable[[wire.Frame], None]] | None = None,
        *,
        edge: Edge | None = None,
    ) -> None:
        self._manager = manager
        self._send = send
        self._log = log
        self._edge = edge or Edge()
        self._sending = threading.Lock()
        self._lock = threading.Lock()
        self._left = threading.Condition(self._lock)
        self._workers = Workers()
        self._farewells = Farewells(grace_s, manager.abandon, self._workers)
        self._calls = 0
        self._leaving: set[Client] = set()
        self._limits = limits()
        self._told = False
        self._memory = Budget(self._limits.clients)
        self._clients: dict[int, Client] = {}
        self._answers = answers or {}
        self._framer = wire.Framer(wire.TO_CORE | self._answers.keys())

    def receive(self, data: bytes) -> None:
        """Take bytes of the stream, and start what they ask for.

        Raises:
            WireError: the stream is of no use any more.
        """
        self._framer.feed(data)
        while (frame := self._framer.next_frame()) is not None:
            if (take := self._answers.get(frame.kind)) is not None:
                take(frame)
                continue
            try:
                message = wire.decode(frame)
            except wire.WireError:
                self._answer(wire.refusal(frame, numbers.ERROR_BAD_PARAMETERS))
            else:
                self._take(message)

    def end(self) -> None:
        """Have threads end, once they have nothing to do; no more bytes come."""
        self._workers.end()

    def _take(self, message: wire.Message) -> None:
        match message:
            case wire.Open() | wire.Invoke() | wire.Close():
                self._start(message)
            case wire.Cancel():
                self._cancel(message)
            case wire.Gone(client=0):
                self._drop_all()
            case wire.Gone():
                self._drop(message.client)
            case _:
                raise wire.WireError(f"{type(message).__name__} is not for the core")

    # Requests

    def _start(self, message: wire.Request) -> None:
        """Begin what a client asks for, in a thread of its own, or refuse it."""
        chain, cancellation, size = Chain(message.client), Cancellation(), cost(message)
        with self._lock:
            client = self._find_client(message.client)
            room = client is not None and len(client.calls) < CALLS_MAX
            room = room and self._calls < ALL_CALLS_MAX
            if client is not None and message.request in client.calls:
                raise wire.WireError(f"request {message.request} is there already")
            if client is not None and room and (room := client.memory.take(size)):
                self._add_call(client, message.request, chain, cancellation)
        if client is None or not room:
            self._answer(reply(message, _OUT_OF_MEMORY, None))
            return
        serve = partial(self._serve, client, message, chain, cancellation)
        if not self._workers.run(partial(self._run, client, chain, message, size, serve)):
            self._end(client, chain, message.request)
            self._send_answer(client, wire.encode(reply(message, _OUT_OF_MEMORY, None)), size)

    def adopt(self, begun: Begun) -> None:
        """Go on with a call that the edge has begun.

        Raises:
            WireError: the stream is of no use any more.
        """
        framer = wire.Framer(wire.TO_CORE)
        framer.feed(begun.frame)
        frame = framer.next_frame()
        message = wire.decode(frame) if frame is not None else None
        assert isinstance(message, wire.Invoke), "the edge begins nothing else"
        chain, cancellation, size = Chain(message.client), Cancellation(), cost(message)
        with self._lock:
            client = self._clients.get(message.client)
        if client is None:
            raise wire.WireError(f"a call of client {message.client}, which is gone")
        session = self._manager.adopt(begun, chain)
        with self._lock:
            if message.request in client.calls:
                raise wire.WireError(f"request {message.request} is there already")
            # It has its memory already; there can be one such call of each instance.
            size = size if client.memory.take(size) else 0
            self._add_call(client, message.request, chain, cancellation)
        serve = partial(self._go_on, session, message, chain, cancellation, begun)
        self._workers.run_sometime(partial(self._run, client, chain, message, size, serve))

    def _add_call(
        self, client: Client, request: int, chain: Chain, cancellation: Cancellation
    ) -> None:
        """A call has begun; the caller holds the lock."""
        client.calls[request] = cancellation
        client.chains.add(chain)
        self._calls += 1
        if self._is_near_limit(client):
            self._edge.forget_client(client.number)

    def _is_near_limit(self, client: Client) -> bool:
        """Tell whether calls that the edge would begin could be too many; with the lock."""
        left = min(CALLS_MAX - len(client.calls), ALL_CALLS_MAX - self._calls)
        return left < self._edge.calls_max

    def _tell_too_large(self, size: int) -> None:
        """Tell people, once, why a call does not come to its TA."""
        if not self._told:
            self._told = True
            self._log(
                f"a call is refused (OUT_OF_MEMORY): its memory, there and back, is {size} bytes, "
                f"and a client has {self._limits.client} here; the realm needs more (--memory)"
            )

    def _find_client(self, number: int) -> Client | None:
        """Return a client; None if there is no room for one more."""
        client = self._clients.get(number)
        if client is None and len(self._clients) + len(self._leaving) < CLIENTS_MAX:
            memory = Share(self._memory, self._limits.client, self._tell_too_large)
            client = self._clients[number] = Client(number, memory)
        return client

    def _run(
        self,
        client: Client,
        chain: Chain,
        message: wire.Request,
        size: int,
        serve: Callable[[], _Served],
    ) -> None:
        outcome, params = _FAILED, None
        try:
            outcome, params = self._settled(chain, serve)
        except TeeError as error:
            outcome = Outcome(error.code, error.origin)
        except Exception:  # noqa: BLE001 -- a fault of ours: who asked is told, and nobody else suffers
            self._log_fault(f"{type(message).__name__} of client {message.client}")
        self._end(client, chain, message.request)
        self._send_answer(client, self._encoded(message, outcome, params), size)
        if client.gone:
            self._sweep(client)

    def _end(self, client: Client, chain: Chain, request: int) -> None:
        """A call is over."""
        with self._lock:
            del client.calls[request]
            self._calls -= 1
        self._end_chain(client, chain)

    def _send_answer(self, client: Client, data: bytes, size: int) -> None:
        with self._sending:
            # Before the client can ask for more; only one at a time is sent and not counted.
            client.memory.give(size)
            self._send(data)

    def _log_fault(self, what: str) -> None:
        tell_fault(self._log, what)

    def _settled(self, chain: Chain, serve: Callable[[], _Served]) -> _Served:
        """Serve a request, and do what that has put off, whatever came of it.

        Raises:
            TeeError: nothing came of it.
        """
        try:
            return serve()
        finally:
            self._settle(chain)

    def _settle(self, chain: Chain) -> None:
        try:
            self._manager.settle(chain)
        except Exception:  # noqa: BLE001 -- a fault of ours: what was asked for is done
            self._log_fault(f"what client {chain.client} left to be closed")

    def _serve(
        self, client: Client, message: wire.Request, chain: Chain, cancellation: Cancellation
    ) -> _Served:
        """Do what a client asks for; return what became of it and of its parameters.

        Raises:
            TeeError: nothing came of it.
        """
        if isinstance(message, wire.Close):
            return self._close(client, message, chain), None
        if isinstance(message, wire.Open):
            params = parameters(message.params)
            return self._open(client, message, chain, params, cancellation), params
        with self._lock:
            session = client.sessions.get(message.session)
        if session is None:
            return _BAD_PARAMETERS, None
        params = parameters(message.params)
        outcome = self._manager.invoke(session, message.command, chain, params, cancellation)
        return outcome, params

    def _go_on(
        self,
        session: Session,
        message: wire.Invoke,
        chain: Chain,
        cancellation: Cancellation,
        begun: Begun,
    ) -> _Served:
        params = parameters(message.params)
        addresses = [begun.addresses[index] for index in region_order(message.params)]
        outcome = self._manager.invoke(
            session, message.command, chain, params, cancellation,
            begun=begun._replace(addresses=tuple(addresses)),
        )  # fmt: skip
        return outcome, params

    def _open(
        self,
        client: Client,
        message: wire.Open,
        chain: Chain,
        params: Params,
        cancellation: Cancellation,
    ) -> Outcome:
        identity = identity_of(message)
        if identity is None:
            return _BAD_PARAMETERS
        self._await_leaving(client, message.uuid)
        with self._lock:
            if len(client.sessions) + len(client.opening) >= SESSIONS_MAX:
                return _OUT_OF_MEMORY
            client.opening.append(message.uuid)
        session = None
        try:
            outcome = self._manager.open(
                message.uuid, identity, message.client, chain, params,
                cancellation=cancellation, window=self._edge.window,
            )  # fmt: skip
            session = outcome.session
        finally:
            with self._lock:
                client.opening.remove(message.uuid)
                if session is not None:
                    client.sessions[session.id] = session
                    if not (client.gone or self._is_near_limit(client)):
                        self._manager.lend(session, client.number, self._edge)
        return outcome

    def _await_leaving(self, client: Client, uuid: UUID) -> None:
        """Let clients that are gone leave the instance that another is to open a session with.

        As in OP-TEE, who comes after them finds it free, or a new one.
        """
        if not self._manager.has_single(uuid):
            return
        with self._lock:
            leaving = [each for each in self._leaving if each.still_has(uuid)]
        for each in leaving:  # before its sessions with others, which may take their time
            self._workers.run_sometime(partial(self._sweep, each, uuid))
        with self._lock:
            self._left.wait_for(lambda: client.gone or not self._is_left(uuid), LEAVING_S)

    def _is_left(self, uuid: UUID) -> bool:
        """Tell whether clients that are gone are still at a TA; the caller holds the lock."""
        if any(client.still_has(uuid) for client in self._leaving):
            return True
        openers = self._manager.leaving(uuid)
        return any(isinstance(each, int) and each not in self._clients for each in openers)

    def _close(self, client: Client, message: wire.Close, chain: Chain) -> Outcome:
        with self._lock:
            session = client.sessions.pop(message.session, None)
            if session is None:
                return _BAD_PARAMETERS
            client.closing.add(session)
        return Outcome(self._close_session(client, session, chain), numbers.ORIGIN_TEE)

    def _close_session(self, client: Client, session: Session, chain: Chain) -> int:
        try:
            return self._manager.close(session, chain)
        finally:
            with self._lock:
                client.closing.remove(session)

    # Cancellation and disconnection

    def _cancel(self, message: wire.Cancel) -> None:
        with self._lock:
            client = self._clients.get(message.client)
            cancellation = client.calls.get(message.target) if client else None
        if cancellation is not None:
            cancellation.cancel()

    def _drop(self, number: int) -> None:
        with self._lock:
            client = self._clients.pop(number, None)
            if client is None:
                return
            client.gone = True
            self._edge.forget_client(number)  # it may have been lent a session since it looked
            self._leaving.add(client)
            cancellations, chains = list(client.calls.values()), list(client.chains)
            for chain in chains:
                self._farewells.add(chain)
        for cancellation in cancellations:
            cancellation.cancel()
        for chain in chains:
            self._manager.let_go(chain, self._later(client))
        self._workers.run_sometime(lambda: self._sweep(client))

    def _drop_all(self) -> None:
        """Close what everybody has, and tell the hub, which leaves, when that is done."""
        with self._lock:
            numbers_left = list(self._clients)
        for number in numbers_left:
            self._drop(number)
        self._workers.run_sometime(self._tell_end)

    def _tell_end(self) -> None:
        with self._lock:
            self._left.wait_for(lambda: not (self._clients or self._leaving or self._farewells))
        self._answer(wire.Gone(0))

    def _sweep(self, client: Client, uuid: UUID | None = None) -> None:
        """Close the sessions of a client that is gone: those with a TA, or all."""
        while True:
            chain = Chain(client.number, self._later(client))
            with self._lock:
                sessions = client.sessions.values()
                session = next((one for one in sessions if uuid is None or one.reaches(uuid)), None)
                if session is None:
                    self._see_off(client)
                    return
                del client.sessions[session.id]
                client.closing.add(session)
                self._bid_farewell(client, chain)
            self._close_now(client, chain, partial(self._close_session, client, session, chain))

    def _later(self, client: Client) -> Later:
        """Return what closes a client's sessions whose TAs are busy, once a chain has those."""

        def begin(chain: Chain, close: Callable[[], None]) -> bool:
            with self._lock:
                self._bid_farewell(client, chain)
            return self._workers.run(lambda: self._close_now(client, chain, close))

        def again(chain: Chain, close: Callable[[], None]) -> None:
            self._workers.run_sometime(lambda: self._close_now(client, chain, close))

        def close_here(chain: Chain, close: Callable[[], None]) -> None:
            with self._lock:
                self._bid_farewell(client, chain)
            self._close_now(client, chain, close)

        return Later(begin, again, close_here)

    def _close_now(self, client: Client, chain: Chain, close: Callable[[], object]) -> None:
        try:
            close()
        except Exception:  # noqa: BLE001 -- a fault of ours: the other sessions end nevertheless
            self._log_fault(f"the end of a session of client {client.number}")
        self._settle(chain)
        self._end_chain(client, chain)

    def _bid_farewell(self, client: Client, chain: Chain) -> None:
        """A chain begins that a gone client leaves behind; the caller holds the lock."""
        client.chains.add(chain)
        self._farewells.add(chain)

    def _end_chain(self, client: Client, chain: Chain) -> None:
        with self._lock:
            client.chains.discard(chain)
            self._farewells.remove(chain)
            self._see_off(client)

    def _see_off(self, client: Client) -> None:
        """Count a client no more if it is gone and has nothing here; the caller holds the lock."""
        if client.is_over:
            self._leaving.discard(client)
        if client.gone:
            self._left.notify_all()

    def _encoded(self, message: wire.Request, outcome: Outcome, params: Params | None) -> bytes:
        """Return the answer to a request, whatever happens."""
        try:
            return wire.encode(reply(message, outcome, params))
        except Exception:  # noqa: BLE001 -- who asked must not wait for ever
            self._log_fault(f"an answer to client {message.client}")
        # Now the memory that this answer took is free.
        return wire.encode(reply(message, _FAILED, None))

    def _answer(self, message: wire.Message | None) -> None:
        if message is not None:
            data = wire.encode(message)
            with self._sending:
                self._send(data)
