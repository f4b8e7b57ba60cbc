# SPDX-License-Identifier: BSD-3-Clause
"""GlobalPlatform's and OP-TEE's rules for instances and sessions.

A TA that is not single-instance gets an instance a session. A single-instance TA has one, which
serves one session at a time, or several if it is multi-session, and which outlives its last
session if it is to be kept alive. Calls wait for a busy instance, unless that could not end:
then they are refused as BUSY. A TA that panics or is lost is dead for all of its sessions, and the
next one to be opened gets a new instance, unless the TA wants a crash to be final. So it is with a
TA that does not return for long to a client that is gone, whoever else has sessions with it: they
would wait for ever.

Every method that can run a TA takes the chain of calls that it is part of, and returns when the TA
does; the threads are the callers'. One lock, that of the turns, guards all that is said of
instances and sessions here; it is never held while a TA runs or is loaded.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple
from uuid import UUID

from realmos_agent.tee import numbers
from realmos_agent.tee.chain import Chain
from realmos_agent.tee.edge import Begun, Edge
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.instance import Instance, TaDied
from realmos_agent.tee.params import Params
from realmos_agent.tee.parts import PseudoTa
from realmos_agent.tee.room import make_room
from realmos_agent.tee.session import Cancellation, Identity, Session
from realmos_agent.tee.session_table import SessionTable
from realmos_agent.tee.turns import Turns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.chain import Later

SESSIONS_MAX = 256
"""Sessions of one client or TA."""
SESSIONS_AN_INSTANCE = 4096
"""And those with one instance, those among them that nobody can use and that are not closed yet."""


class Outcome(NamedTuple):
    """What became of a call, and who says so."""

    result: int
    origin: int
    session: Session | None = None

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.result == numbers.SUCCESS


_DEAD = Outcome(numbers.ERROR_TARGET_DEAD, numbers.ORIGIN_TEE)
_BUSY = Outcome(numbers.ERROR_BUSY, numbers.ORIGIN_TEE)
_NO_ROOM = Outcome(numbers.ERROR_OUT_OF_MEMORY, numbers.ORIGIN_TEE)
_NO_SESSION = Outcome(numbers.ERROR_BAD_PARAMETERS, numbers.ORIGIN_TEE)


class Manager:
    """All instances and sessions of a core.

    Args:
        create: makes an instance of a TA; may raise TeeError, and take its time.
        pseudo: the pseudo TAs.
    """

    def __init__(self, create: Callable[[UUID], Instance], pseudo: Iterable[PseudoTa] = ()) -> None:
        self._create = create
        self._pseudo = {ta.uuid: ta for ta in pseudo}
        self._turns = Turns(self._close_in)
        self._changed = self._turns.changed
        self._instances: list[Instance] = []
        self._loading: dict[UUID, int] = {}
        self._ended = False
        self._sessions = SessionTable()

    @property
    def instances(self) -> list[Instance]:
        """All instances that sessions can be opened with, for people to see."""
        with self._changed:
            return list(self._instances)

    def has_single(self, uuid: UUID) -> bool:
        """Tell whether there is an instance of a TA that has but one."""
        with self._changed:
            return any(one.single for one in self._instances if one.uuid == uuid)

    def leaving(self, uuid: UUID) -> list[Instance | int]:
        """Return who had opened the sessions with a TA that are closed and not over."""
        return [session.opener for session in self._sessions.closing(uuid)]

    def open(
        self,
        uuid: UUID,
        identity: Identity,
        opener: Instance | int,
        chain: Chain,
        params: Params,
        *,
        cancellation: Cancellation | None = None,
        window: int = 0,
    ) -> Outcome:
        """Open a session; return it if that succeeds.

        Args:
            uuid: with which TA or pseudo TA.
            identity: who asks, as the TA will see it.
            opener: who asks, as far as the core is concerned.
            chain: what the call is part of.
            params: what the TA gets, and answers in.
            cancellation: the caller's wish to have it cancelled, if it may have one.
            window: free address space that the edge wants in the TA, to serve the session.
        """
        closed = len(chain.deferred)  # and still there
        if isinstance(opener, Instance) and len(opener.opened) + closed >= SESSIONS_MAX:
            return _NO_ROOM
        session = self._sessions.new(identity, opener)
        try:
            target = self._attach(session, uuid, chain)
        except TeeError as error:
            self._sessions.forget(session)
            return Outcome(error.code, numbers.ORIGIN_TEE)
        if isinstance(target, Instance):
            outcome = self._open_in(target, session, chain, params, cancellation, window=window)
        else:
            outcome = self._open_pseudo(target, session, chain, params)
        return outcome._replace(session=session) if outcome.ok else outcome

    def invoke(
        self,
        session: Session,
        command: int,
        chain: Chain,
        params: Params,
        cancellation: Cancellation | None = None,
        *,
        begun: Begun | None = None,
    ) -> Outcome:
        """Invoke a command in a session; or take over what the edge has begun, and was adopted."""
        target = session.target
        if target is None or (begun is None and _is_closed(session)):
            return _NO_SESSION
        if not isinstance(target, Instance):
            return _of_pseudo(lambda: target.invoke(chain, session.context, command, params))
        if begun is None and (refusal := self._take(target, chain)) is not None:
            return refusal
        try:
            if begun is None and _is_closed(session):  # while this waited
                return _NO_SESSION
            _begin(session, cancellation)
            return self._enter(
                target, numbers.ENTRY_INVOKE_COMMAND, session, chain, params,
                command=command, begun=begun,
            )  # fmt: skip
        finally:
            self._release(target, chain)

    def lend(self, session: Session, client: int, edge: Edge) -> None:
        """Let the edge serve a client's session."""
        target = session.target
        if isinstance(target, Instance):
            self._turns.lend(target, edge)
            target.loan.add(session.id, client)

    def adopt(self, begun: Begun, chain: Chain) -> Session:
        """Have a call be the chain's that the edge has begun; return its session."""
        session = self._sessions.get(begun.session)
        assert isinstance(session.target, Instance), "the edge knows no others"
        self._turns.adopt(session.target, chain)
        return session

    def look_again(self) -> None:
        """Have those who wait look again whether an instance is free."""
        self._turns.look_again()

    def close(self, session: Session, chain: Chain) -> int:
        """Close a session, now or, if that must be, later: see realmos_agent.tee.turns.

        Returns:
            ITEM_NOT_FOUND if it is closed already, or else SUCCESS.
        """
        with self._changed:
            if session.closed:
                return numbers.ERROR_ITEM_NOT_FOUND
            session.closed = True
        if isinstance(session.target, Instance):
            session.target.loan.forget(session.id)
        if isinstance(session.opener, Instance):
            session.opener.opened.pop(session.id, None)
        self._finish(session, chain)
        return numbers.SUCCESS

    def let_go(self, chain: Chain, later: "Later") -> None:
        """Have a chain wait for busy TAs no more than it must: its client is gone.

        Args:
            chain: which.
            later: what closes a session, once its TA is free.
        """
        self._turns.let_go(chain, later)

    def abandon(self, chain: Chain) -> None:
        """End the TA that a chain is in, or its wait for one: its client is gone for long.

        The chain goes on where that TA was called, so it may have to be abandoned again.
        """
        stuck = self._turns.abandon(chain)
        if stuck is not None:
            stuck.kill()
            stuck.log("is ended: it does not return to a client that is gone")

    def settle(self, chain: Chain) -> None:
        """Do what was put off until the chain has come to its end, and all of it."""
        assert not chain.stack, "a chain ends when all that it entered has returned"
        failures = []
        while chain.deferred:
            try:
                self._finish(chain.deferred.pop(), chain)
            except Exception as error:  # noqa: BLE001 -- raised below, when the others are done
                failures.append(error)
        if failures:
            raise failures[0]

    def end(self) -> None:
        """End all instances at once, whatever they do."""
        with self._changed:
            self._ended = True
            instances, self._instances = self._instances, []
        for instance in instances:
            instance.end()
        self._turns.look_again()

    # Sessions

    def _open_in(
        self,
        instance: Instance,
        session: Session,
        chain: Chain,
        params: Params,
        cancellation: Cancellation | None,
        *,
        window: int,
    ) -> Outcome:
        if (refusal := self._take(instance, chain)) is not None:
            self._detach(instance, session, chain)
            return refusal
        try:
            _begin(session, cancellation)
            outcome = self._enter(instance, numbers.ENTRY_OPEN_SESSION, session, chain, params)
            if outcome.ok and window:
                instance.make_place(window)
        finally:
            self._release(instance, chain)
        if outcome.ok:
            if isinstance(session.opener, Instance):
                session.opener.opened[session.id] = session
        elif outcome.origin == numbers.ORIGIN_TRUSTED_APP:
            session.closed = True
            self._finish(session, chain)
        else:  # the TA never heard of it, or is dead
            self._detach(instance, session, chain)
        return outcome

    def _open_pseudo(
        self, target: PseudoTa, session: Session, chain: Chain, params: Params
    ) -> Outcome:
        def run() -> None:
            session.context = target.open(chain, params)

        outcome = _of_pseudo(run)
        if not outcome.ok:
            self._sessions.forget(session)
        elif isinstance(session.opener, Instance):
            session.opener.opened[session.id] = session
        return outcome

    def _finish(self, session: Session, chain: Chain) -> None:
        """End a session that is closed already: tell its TA, and let go of it."""
        target = session.target
        if not isinstance(target, Instance):
            if target is not None:
                target.close(session.context)
                self._sessions.forget(session)
        elif target.dead:
            self._detach(target, session, chain)
        elif self._turns.take_to_close(target, chain, session):
            self._close_in(session, chain)

    def _close_in(self, session: Session, chain: Chain) -> None:
        """Close a session in an instance whose turn is the chain's."""
        target = session.target
        assert isinstance(target, Instance), "it has one until it is forgotten"
        try:
            _begin(session)
            self._enter(target, numbers.ENTRY_CLOSE_SESSION, session, chain, Params())
        finally:
            self._release(target, chain)
            self._detach(target, session, chain)

    # Instances

    def _attach(self, session: Session, uuid: UUID, chain: Chain) -> Instance | PseudoTa:
        """Find or make what a session shall reach.

        Raises:
            TeeError: there is no such TA, or it takes no further session.
        """
        if uuid in self._pseudo:
            session.target = self._pseudo[uuid]
            return self._pseudo[uuid]
        with self._changed:
            self._changed.wait_for(lambda: uuid not in self._loading)
            found = next((one for one in self._instances if one.uuid == uuid), None)
            if found is not None and found.single:
                if found.sessions and not found.multi_session:
                    raise TeeError(numbers.ERROR_BUSY)
                if found.sessions >= SESSIONS_AN_INSTANCE:
                    raise TeeError(numbers.ERROR_OUT_OF_MEMORY)
                found.sessions += 1
                session.target = found
                return found
            idle = make_room(chain.client, self._instances, self._loading.values())
            if idle is not None:
                self._instances.remove(idle)
            self._loading[uuid] = chain.client
        try:
            return self._load(session, uuid, chain.client, idle)
        finally:
            if idle is not None:  # which may take a wait, for which nobody waits who wants this TA
                self._bury(idle, chain)

    def _load(
        self, session: Session, uuid: UUID, client: int, instead_of: Instance | None
    ) -> Instance:
        made = None
        try:
            if instead_of is not None:
                instead_of.end()
            made = self._create(uuid)
            made.sessions, made.owner = 1, client
            session.target = made
        finally:
            with self._changed:
                del self._loading[uuid]
                ended = self._ended
                if made is not None and not ended:
                    self._turns.introduce(made)
                    self._instances.append(made)
                self._changed.notify_all()
        if ended:
            made.end()
            raise TeeError(numbers.ERROR_TARGET_DEAD)
        return made

    def _detach(self, instance: Instance, session: Session, chain: Chain) -> None:
        """Take a session from its instance, which may have been its last."""
        with self._changed:
            instance.sessions -= 1
            kept = instance.keep_crashed if instance.dead else instance.keep_alive
            last = not instance.sessions and not kept and instance in self._instances
            if last:
                self._instances.remove(instance)
        self._sessions.forget(session)
        if last:
            self._bury(instance, chain)

    def _enter(
        self,
        instance: Instance,
        function: int,
        session: Session,
        chain: Chain,
        params: Params,
        *,
        command: int = 0,
        begun: Begun | None = None,
    ) -> Outcome:
        """Run an instance whose turn is the chain's."""
        if instance.dead:
            return _DEAD
        try:
            result = instance.enter(function, session, chain, params, command, begun=begun)
        except TeeError as error:
            return Outcome(error.code, numbers.ORIGIN_TEE)
        except TaDied:
            self._lose(instance, chain)
            return _DEAD
        if result == numbers.SUCCESS and any(memref.exceeded for _, memref in params.memrefs):
            result = numbers.ERROR_SHORT_BUFFER  # or its caller would read past its own memory
        return Outcome(result, numbers.ORIGIN_TRUSTED_APP)

    def _lose(self, instance: Instance, chain: Chain) -> None:
        """Let nobody have an instance that died."""
        with self._changed:
            if not instance.keep_crashed and instance in self._instances:
                self._instances.remove(instance)
        self._bury(instance, chain)

    def _bury(self, instance: Instance, chain: Chain) -> None:
        """Let go of what an instance held; nobody can reach it any more, or it is dead."""
        instance.end()
        for session in list(instance.opened.values()):
            self.close(session, chain)

    def _take(self, instance: Instance, chain: Chain) -> Outcome | None:
        """Take an instance for a chain; return why it is not to be had, if it is not."""
        if instance.dead:
            return _DEAD
        if chain.full:
            return _NO_ROOM
        return None if self._turns.take(instance, chain) else _BUSY

    def _release(self, instance: Instance, chain: Chain) -> None:
        if self._turns.release(instance):  # it returned, and was killed for not returning
            self._lose(instance, chain)


def _begin(session: Session, cancellation: Cancellation | None = None) -> None:
    """Let a call begin in a session, whose TA the caller has acquired."""
    session.cancellation = cancellation or Cancellation()
    session.cancellation.begin()


def _is_closed(session: Session) -> bool:
    return session.closed


def _of_pseudo(run: Callable[[], None]) -> Outcome:
    """Return the outcome of a pseudo TA's work."""
    try:
        run()
    except TeeError as error:
        return Outcome(error.code, numbers.ORIGIN_TRUSTED_APP)
    return Outcome(numbers.SUCCESS, numbers.ORIGIN_TRUSTED_APP)
