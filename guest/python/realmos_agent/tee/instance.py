# SPDX-License-Identifier: BSD-3-Clause
"""One instance of a TA: its process, its memory, and what it holds of the core.

An instance runs for one session at a time; the manager sees to that. Whatever goes wrong while it
runs, a panic, a fault, a runner that misbehaves, ends the instance and nothing else.
"""

import struct
from contextlib import nullcontext, suppress
from functools import partial

from realmos_agent.tee import numbers
from realmos_agent.tee.addresses import AddressSpace, page_up
from realmos_agent.tee.backtrace import callers, folded
from realmos_agent.tee.budget import Share
from realmos_agent.tee.call_memory import CallMemory
from realmos_agent.tee.edge import NO_LOAN, Place
from realmos_agent.tee.errors import TaPanic, TeeError
from realmos_agent.tee.handles import HandleTable
from realmos_agent.tee.log_rate import LogRate
from realmos_agent.tee.parts import Call, Entry, Fault, Refused, RunnerError
from realmos_agent.tee.runner_numbers import GUARD_SIZE, PROT_READ, PROT_WRITE
from realmos_agent.tee.turn import Turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn
    from uuid import UUID

    from realmos_agent.tee.chain import Chain
    from realmos_agent.tee.edge import Begun
    from realmos_agent.tee.params import Params
    from realmos_agent.tee.parts import Body, Dispatch, Event, Loader, Placed, Runner
    from realmos_agent.tee.services import Services
    from realmos_agent.tee.session import Identity, Session

_PANIC = struct.Struct("<QQ")  # code and stack pointer
_ENTRY_NAMES = {
    numbers.ENTRY_OPEN_SESSION: "opening",
    numbers.ENTRY_CLOSE_SESSION: "closing",
    numbers.ENTRY_INVOKE_COMMAND: "invoking",
}


class TaDied(Exception):  # noqa: N818 -- GlobalPlatform's word: TARGET_DEAD
    """The TA's instance has come to its end; its callers get TARGET_DEAD."""


class Instance:
    """A TA in its runner.

    Args:
        uuid: which TA.
        loader: where it comes from.
        runner: a fresh process for it; owned by the instance once that is made.
        dispatch: serves its system calls.
        services: what the core offers to them.
        space: its addresses, if it is not to have some of its own.

    Raises:
        Exception: it cannot be loaded.

    Attributes:
        handles: the objects that it holds of the core.
        opened: its sessions with other TAs, by number.
        sessions: how many sessions it serves.
        owner: the client whose call made it.
        turn: whose turn it is, or a part of that; under the manager's lock.
        loan: whether the edge may use it; under the manager's lock.
        place: what the edge has to know to use it; None if it cannot.
        killed: its process has been ended by somebody else; under the manager's lock.
        dead: it panicked or was lost.
    """

    def __init__(
        self,
        uuid: "UUID",
        loader: "Loader",
        runner: "Runner",
        dispatch: "Dispatch",
        services: "Services",
        *,
        space: AddressSpace | None = None,
    ) -> None:
        self.uuid = uuid
        self.services = services
        self.handles = HandleTable(room=Share(services.handles, services.limits.ta_handles))
        self._log_rate = LogRate()
        self.opened: dict[int, Session] = {}
        self.sessions = 0
        self.owner = 0
        self.turn = Turn()
        self.killed = False
        self.loan = NO_LOAN
        self.place: Place | None = None
        self.dead = False
        self._session: Session | None = None
        self._chain: Chain | None = None
        self._runner = runner
        self._dispatch = dispatch
        self._space = AddressSpace(services.memory, services.limits.ta) if space is None else space
        self._heaps: dict[int, int] = {}
        try:
            # One at a time: until it is mapped, a TA takes several times its size. But one that a
            # debugger has may take its time.
            with services.placing if space is None else nullcontext():
                self._placed = loader.load(uuid, runner.dispatcher, self._space.reserve)
                self._stack_top = self._map(self._placed)
            self.flags = self._placed.flags
        except BaseException:
            self._space.close()
            raise

    # What the session rules ask.

    @property
    def single(self) -> bool:
        """Whether all sessions share this instance."""
        return bool(self.flags & numbers.TA_FLAG_SINGLE_INSTANCE)

    @property
    def multi_session(self) -> bool:
        """Whether it may serve several sessions at a time."""
        return bool(self.flags & numbers.TA_FLAG_MULTI_SESSION)

    @property
    def keep_alive(self) -> bool:
        """Whether it outlives its last session."""
        return self.single and bool(self.flags & numbers.TA_FLAG_INSTANCE_KEEP_ALIVE)

    @property
    def keep_crashed(self) -> bool:
        """Whether no other instance may follow once it has crashed."""
        return self.keep_alive and bool(self.flags & numbers.TA_FLAG_INSTANCE_KEEP_CRASHED)

    # What system calls ask: see realmos_agent.tee.context.

    @property
    def session(self) -> "Session":
        """The session that the TA runs for."""
        assert self._session is not None, "system calls come from running TAs only"
        return self._session

    @property
    def chain(self) -> "Chain":
        """The calls that led here."""
        assert self._chain is not None, "system calls come from running TAs only"
        return self._chain

    @property
    def identity(self) -> "Identity":
        """Who opened the session that the TA runs for."""
        return self.session.identity

    def log(self, text: str) -> None:
        """Write a line to the log, unless there have been too many of late."""
        if self._log_rate.admits():
            self._tell_left_out()
            self.services.log(f"{self.uuid}: {text}")

    def _tell_left_out(self) -> None:
        if count := self._log_rate.take_left_out():
            self.services.log(f"{self.uuid}: ({count} lines left out: they came too fast)")

    def panic(self, code: int) -> "NoReturn":
        """End the TA from within one of its system calls."""
        raise TaPanic(code)

    def give_state(self, handle: int, algorithm: int, mode: int, key: bytes) -> None:
        """Have the runner serve the calls for a state that the TA begins now."""
        self._runner.give_state(handle, algorithm, mode, key)

    def take_key(self, handle: int) -> None:
        """Have the runner begin nothing more with a state."""
        self._runner.take_key(handle)

    # Memory: what the system pseudo TA asks.

    def map_zero(self, size: int, address: int, before: int, after: int) -> int:
        """Give the TA zeroed memory, at `address` or, if that is zero, anywhere.

        Raises:
            TeeError: there is none, or not there.
        """
        if address:
            self._space.reserve_at(address, size, before=before, after=after)
        else:
            address = self._space.reserve(size, before=before, after=after)
        size = page_up(max(size, 1))
        try:
            self._runner.map(address, size, PROT_READ | PROT_WRITE, b"", stack=False)
        except Refused as error:
            self._space.release(address)
            raise TeeError(numbers.ERROR_OUT_OF_MEMORY) from error
        self._heaps[address] = size
        return address

    def unmap(self, address: int, size: int) -> None:
        """Take back what `map_zero` gave.

        Raises:
            TeeError: it is not exactly such memory.
        """
        if self._heaps.get(address) != page_up(size):
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        self._runner.unmap(address, self._heaps.pop(address))
        self._space.release(address)

    def open_library(self, uuid: "UUID") -> None:
        """Load a library into the running TA.

        Raises:
            Exception: it cannot be loaded.
        """
        taken: list[int] = []

        def base(size: int) -> int:
            taken.append(self._space.reserve(size))
            return taken[-1]

        try:
            segments, changes = self._placed.open_library(uuid, base)
        except TeeError as error:
            for address in taken:
                self._space.release(address)
            self.log(f"gets no library {uuid}: {error}")
            raise
        # What the runner refuses here ends the TA: it has the library by now.
        self._runner.map_all(segments)
        for address, data in changes:
            self._runner.write(address, data)

    def symbol(self, uuid: "UUID | None", name: str) -> int | None:
        """Return the address of a symbol."""
        return self._placed.symbol(uuid, name)

    # Running.

    def make_place(self, window: int) -> None:
        """Keep addresses for the edge, unless it has some or there are none: in a chain's turn."""
        if self.place is None:
            with suppress(TeeError):
                base = self._space.reserve(window)
                self.place = Place(self._runner.socket, self._placed.entry, self._stack_top, base)

    def enter(
        self,
        function: int,
        session: "Session",
        chain: "Chain",
        params: "Params",
        command: int = 0,
        *,
        begun: "Begun | None" = None,
    ) -> int:
        """Run the TA until it returns, and return its result; `params` then has its answers.

        It is the chain's turn here. What the edge has begun goes on from there.

        Raises:
            TeeError: it was not entered.
            TaDied: it did not return.
        """
        self._session, self._chain = session, chain
        try:
            return self._run(function, session.id, command, params, begun)
        except TaPanic as panic:
            self._die(f"panicked with code {panic.code:#010x} ({panic.cause})", function, command)
        except RunnerError as error:
            self._die(f"was lost: {error}", function, command)
        except TeeError:
            raise
        except Exception as error:  # noqa: BLE001 -- a fault of ours, which this TA found, ends it alone
            from traceback import format_exception

            trace = "".join(format_exception(error))
            self._die(f"ends, as the core failed to serve it:\n{trace}", function, command)
        finally:
            self._session = self._chain = None

    def kill(self) -> None:
        """End the process, whatever it does; who waits for it learns that the TA is lost.

        It may be the core that it waits in.
        """
        self.loan.drop()
        self._runner.close()
        session = self._session
        if session is not None:
            session.cancellation.stop()

    def end(self) -> None:
        """Let go of the process and of everything that the TA held, but its sessions.

        Of a process that waits for the next entry nobody can tell whether it is still there.
        """
        idle = not self.dead and self._session is None
        self.dead = True
        self.loan.drop()
        self._tell_left_out()
        self.handles.clear()
        if idle:
            self.services.tidy(self._clear_away)
        else:
            self.kill()
            self._space.close()

    def _clear_away(self) -> None:
        self._runner.close()
        self._space.close()

    def _run(
        self, function: int, session: int, command: int, params: "Params", begun: "Begun | None"
    ) -> int:
        memory = CallMemory(params, self._runner, self._space)
        try:
            if begun is None:
                memory.map()
                entry = Entry(
                    function, command, session, self._placed.entry, self._stack_top,
                    params.types, memory.vals(),
                )  # fmt: skip
                event = self._start(partial(self._runner.enter, entry))
            else:
                memory.adopt(begun.addresses)
                event = self._start(partial(self._runner.resume, begun.said))
            while isinstance(event, Call):
                answer = self._serve(event)
                del event  # which may be large, as the answer: neither is kept while the TA runs
                self._runner.reply(answer)
                del answer
                event = self._runner.event()
            if isinstance(event, Fault):
                self._report_fault(event)
                raise RunnerError(f"signal {event.signal} at {self._placed.locate(event.pc)}")
            memory.take(event)
            return event.result
        finally:
            memory.release()

    def _start(self, enter: "Callable[[], Event]") -> "Event":
        try:
            return enter()
        except Refused as error:
            # The memory of the call does not fit; the TA knows nothing of it.
            self.services.log(f"{self.uuid}: {error}")
            raise TeeError(numbers.ERROR_OUT_OF_MEMORY) from error

    def _serve(self, call: Call) -> bytes:
        try:
            return self._dispatch(self, call.number, call.arguments, call.body)
        except TaPanic:
            if call.number == numbers.CALL_PANIC:
                self._report_callers(call.body)
            raise

    def _report_callers(self, body: "Body") -> None:
        """Tell where a panic comes from: the call's second word is where a frame record is."""
        if len(body) == _PANIC.size:
            places = callers(self._runner.fetch, _PANIC.unpack(body)[1])
            self.services.log(f"{self.uuid} calls TEE_Panic, from {self._shown(places)}")

    def _shown(self, places: "Sequence[int]") -> str:
        return folded(map(self._placed.locate, places)) or "an unknown place"

    def _die(self, cause: str, function: int, command: int) -> "NoReturn":
        """Report the end of the TA, and end it."""
        self.dead = True
        what = _ENTRY_NAMES[function]
        if function == numbers.ENTRY_INVOKE_COMMAND:
            what += f" command {command:#x}"
        try:
            self.services.log(f"{self.uuid} {cause}, while {what} (session {self.session.id})")
        except Exception as error:
            raise TaDied(cause) from error  # who waits for it must learn of it, whatever fails
        raise TaDied(cause)

    def _report_fault(self, fault: Fault) -> None:
        """Tell where a fault happened; callers follow, innermost first."""
        shown = self._shown([fault.pc, fault.lr, *filter(None, fault.frames)])
        self.services.log(
            f"{self.uuid} faulted: signal {fault.signal}, code {fault.code}, "
            f"address {fault.address:#x}, sp {fault.sp:#x}, pc and callers {shown}"
        )
        size = page_up(self._placed.stack_size)
        if -GUARD_SIZE <= fault.address - (self._stack_top - size) < 0:
            self.services.log(f"{self.uuid} used up its stack of {size} bytes (TA_STACK_SIZE)")

    def _map(self, placed: "Placed") -> int:
        """Map a TA and its stack; return where that ends."""
        size = page_up(placed.stack_size)
        base = self._space.reserve(GUARD_SIZE + size) + GUARD_SIZE
        segments = placed.take_segments()
        self._runner.map_all(segments, (base, size))
        return base + size
