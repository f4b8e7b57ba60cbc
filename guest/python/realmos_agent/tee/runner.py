# SPDX-License-Identifier: BSD-3-Clause
"""The core's end of the runner protocol: a process that holds one Trusted Application.

The TA shares that process with the runner, so nothing that comes from it is believed: it may
answer what was not asked, or claim any length, and ends as lost then. Who waits for the TA waits
until it returns or its process ends; `close` from another thread ends both.
"""

import os
import select
import socket
import struct
import threading
from collections.abc import Sequence
from typing import NamedTuple

from realmos_agent.tee import runner_numbers as numbers
from realmos_agent.tee.budget import Budget, Share
from realmos_agent.tee.numbers import ERROR_OUT_OF_MEMORY
from realmos_agent.tee.parts import Body, Entry, Event, Refused, RunnerError, Segment
from realmos_agent.tee.runner_events import event_of, status_of, unpack
from realmos_agent.tee.runner_stream import RunnerStream

START_SECONDS = 60.0
"""How long a runner may take until it says HELLO, on an emulated processor."""

_END_SECONDS = 2.0
_BUDGET_SECONDS = 10.0  # how long a large call waits until others of its kind are done
_PASSAGE_SECONDS = 60.0
"""How long a runner may take to send, or to receive, a large message that it has begun with."""
_SMALL = 1 << 16
"""The largest call that is not counted, and more than any other message has but FETCHED."""
COPIES = 4
"""How often the bytes of a call are there while it is served: sent, taken apart, made, joined."""
_LARGEST = COPIES * numbers.LENGTH_MAX
_SIGKILL = 9

_MAP = struct.Struct(numbers.MAP_FORMAT)
_RANGE = struct.Struct(numbers.RANGE_FORMAT)
_ENTER = struct.Struct(numbers.ENTER_FORMAT)
_HELLO = struct.Struct(numbers.HELLO_FORMAT)
_NO_ROOM = struct.pack(numbers.RESULT_FORMAT, ERROR_OUT_OF_MEMORY, 0)
_STATE = struct.Struct(numbers.STATE_FORMAT)
_UNKEY = struct.Struct(numbers.UNKEY_FORMAT)
_ANSWERS_MAX = 64  # that wait in a socket

_PROTECTIONS = {
    numbers.HELLO_SECCOMP: "system call filter",
    numbers.HELLO_NO_NEW_PRIVS: "no new privileges",
    numbers.HELLO_NS_USER: "user namespace",
    numbers.HELLO_NS_MOUNT: "mount namespace",
    numbers.HELLO_NS_PID: "PID namespace",
    numbers.HELLO_NS_NET: "network namespace",
    numbers.HELLO_NS_IPC: "IPC namespace",
    numbers.HELLO_NS_UTS: "UTS namespace",
    numbers.HELLO_RLIMITS: "resource limits",
    numbers.HELLO_FILES: "closed files",
    numbers.HELLO_OOM_FIRST: "precedence of the core",
    numbers.HELLO_NO_DUMP: "memory closed to others",
    numbers.HELLO_LEASH: "end with the core",
}


class _Mapping(NamedTuple):
    """Memory to be mapped."""

    address: int
    size: int
    prot: int
    data: bytes
    stack: bool = False


class RunnerProcess:
    """One runner; made by `runner_start.start`.

    Args:
        pid: its process; taken over, as is the next.
        end: the core's end of its socket.
        large: what system calls of more than a few bytes take from while they are served: this
            runner's own part.

    Attributes:
        pid: its process.
        dispatcher: where the TA's system calls are to go.
        missing: the protections that the runner's kernel does not offer, for people to read. Not
            empty only if the runner was allowed to go on so.
    """

    def __init__(self, pid: int, end: socket.socket, large: Share | None = None) -> None:
        self.pid = pid
        self._stream = RunnerStream(end)
        self._large = large or Share(Budget(_LARGEST), _LARGEST)
        self._patience: float | None = _PASSAGE_SECONDS
        self._closing = threading.Lock()
        self._ended = ""
        self.dispatcher = 0
        self.missing: tuple[str, ...] = ()

    @property
    def socket(self) -> int:
        """The descriptor of the core's end."""
        return self._stream.fileno

    @property
    def lives(self) -> bool:
        """Whether the process is there, as far as its socket tells."""
        return self._stream.is_open()

    def map(self, address: int, size: int, prot: int, data: bytes, *, stack: bool) -> None:
        """Give the TA memory that begins with `data`; below a stack there will be nothing.

        Raises:
            Refused: it is not free, not made of pages, or more than there is.
            RunnerError: the TA is lost; so everywhere.
        """
        self._map(_Mapping(address, size, prot, data, stack))
        self._await_mapped(address, size)

    def map_all(self, segments: Sequence[Segment], stack: tuple[int, int] | None = None) -> None:
        """Give the TA segments and a stack, as `map` does, but without a wait for each.

        Args:
            segments: memory that is no stack.
            stack: its address and size, if there is to be one.

        Raises:
            Refused: one of them is; nobody knows which of the others are there.
        """
        orders = [_Mapping(each.address, each.size, each.prot, each.data) for each in segments]
        if stack is not None:
            orders.append(_Mapping(*stack, numbers.PROT_READ | numbers.PROT_WRITE, b"", stack=True))
        # So few answers at a time that the runner does not wait until they are read.
        for start in range(0, len(orders), _ANSWERS_MAX):
            *others, last = orders[start : start + _ANSWERS_MAX]
            for each in others:
                self._map(each, hold=True)
            self._map(last)
            for each in (*others, last):
                self._await_mapped(each.address, each.size)

    def _map(self, each: _Mapping, *, hold: bool = False) -> None:
        flags = numbers.FLAG_GUARD if each.stack else 0
        head = _MAP.pack(each.address, each.size, each.prot, flags)
        self._order(numbers.MAP, head, each.data, hold=hold)

    def _await_mapped(self, address: int, size: int) -> None:
        self._await_done(f"map {size:#x} bytes at {address:#x}")

    def unmap(self, address: int, size: int) -> None:
        """Take memory back.

        Raises:
            Refused: it is not all there.
        """
        self._order(numbers.UNMAP, _RANGE.pack(address, size))
        self._await_done(f"unmap {size:#x} bytes at {address:#x}")

    def write(self, address: int, data: bytes) -> None:
        """Change memory that the TA may write.

        Raises:
            Refused: the TA may not.
        """
        self._order(numbers.WRITE, _RANGE.pack(address, len(data)), data)
        self._await_done(f"write {len(data):#x} bytes at {address:#x}")

    def region(self, address: int, data: Body, *, secure: bool) -> None:
        """Give the TA memory for the call that comes: another TA's if `secure`, or a client's.

        Whether that can be is told by `enter`. There is at least one byte of it.
        """
        flags = 0 if secure else numbers.FLAG_NONSECURE
        size = max(len(data), 1)
        prot = numbers.PROT_READ | numbers.PROT_WRITE
        self._order(numbers.REGION, _MAP.pack(address, size, prot, flags), data, hold=True)

    def give_state(self, handle: int, algorithm: int, mode: int, key: bytes) -> None:
        """Give it a state whose calls it may serve, if it can; before the answer to a call."""
        self._order(numbers.STATE, _STATE.pack(handle, algorithm, mode), key, hold=True)

    def take_key(self, handle: int) -> None:
        """Have it begin no more with a state; before the answer to a call."""
        self._order(numbers.UNKEY, _UNKEY.pack(handle), hold=True)

    def enter(self, entry: Entry) -> Event:
        """Enter the TA, and return what it does next.

        Raises:
            Refused: its stack, its entry or a region is not there; the TA was not entered.
        """
        self._order(
            numbers.ENTER,
            _ENTER.pack(
                entry.function, entry.command, entry.session, entry.address, entry.stack_top,
                entry.types, *entry.vals,
            ),
        )  # fmt: skip
        return self._entered()

    def resume(self, said: bytes) -> Event:
        """Return what the TA does that somebody else had entered, and who has heard some of that.

        Raises:
            Refused: it was not entered.
        """
        self._stream.put_back(said)
        return self._entered()

    def _entered(self) -> Event:
        kind, body = self._receive_event()
        if kind == numbers.DONE:
            raise Refused("enter, or map the memory of a call", status_of(body))
        return event_of(kind, body)

    def answer(self, body: bytes) -> Event:
        """Answer a system call with a RESULT's body, and return what the TA does next."""
        self.reply(body)
        return self.event()

    def reply(self, body: bytes) -> None:
        """Answer a system call with a RESULT's body.

        What is large counts until the TA has it. There may be no room for it any more: the call
        has failed then.
        """
        if len(body) <= _SMALL:
            self._order(numbers.RESULT, body)
        elif self._large.reach(len(body)):
            self._order(numbers.RESULT, b"", body, seconds=self._patience)
        else:
            self._order(numbers.RESULT, _NO_ROOM)
        self._large.empty()

    def event(self) -> Event:
        """Return what the TA does next."""
        return event_of(*self._receive_event())

    def fetch(self, address: int, size: int) -> Body:
        """Return what the TA's memory holds.

        Raises:
            Refused: the TA may not read that.
        """
        self._order(numbers.FETCH, _RANGE.pack(address, size))
        kind, body = self._receive(size)
        if kind == numbers.DONE:
            raise Refused(f"fetch {size:#x} bytes at {address:#x}", status_of(body))
        if kind != numbers.FETCHED or len(body) != size:
            raise RunnerError(f"message {kind:#x} of {len(body)} bytes where {size} were asked for")
        return body

    def close(self) -> None:
        """End the process, and whatever waits for it. A second time does nothing."""
        with self._closing:
            if not self._ended:
                os.kill(self.pid, _SIGKILL)
                self._reap()
                self._stream.wake()
        self._stream.close()
        self._large.close()

    def greet(self, seconds: float | None = START_SECONDS) -> None:
        """Wait for HELLO.

        Args:
            seconds: how long; None for as long as it takes, and for all else that it does: it may
                be a debugger's.

        Raises:
            RunnerError: the process said something else, or nothing.
        """
        if seconds is None:
            self._patience = None
        try:
            self._stream.limit(seconds)
            kind, body = self._receive()
            self._stream.limit(None)
        except OSError as error:
            raise self._lost() from error
        if kind != numbers.HELLO:
            raise RunnerError(f"message {kind:#x} where HELLO was expected")
        version, flags, self.dispatcher = unpack(_HELLO, body)
        if version != numbers.VERSION:
            raise RunnerError(f"a runner of version {version}; {numbers.VERSION} is needed")
        self.missing = tuple(name for bit, name in _PROTECTIONS.items() if not flags & bit)

    def _await_done(self, what: str) -> None:
        kind, body = self._receive()
        if kind != numbers.DONE:
            raise RunnerError(f"message {kind:#x} where DONE was expected ({what})")
        if status := status_of(body):
            raise Refused(what, status)

    def _order(
        self,
        kind: int,
        head: bytes,
        data: Body = b"",
        *,
        hold: bool = False,
        seconds: float | None = None,
    ) -> None:
        length = numbers.LENGTH_MIN + len(head) + len(data)
        if length > numbers.LENGTH_MAX:
            raise RunnerError(f"a message of {length} bytes; {numbers.LENGTH_MAX} at most")
        try:
            self._stream.send(kind, head, data, hold=hold, seconds=seconds)
        except TimeoutError as error:
            raise RunnerError(f"it did not take {length} bytes in {seconds} s") from error
        except OSError as error:
            raise self._lost() from error

    def _receive_event(self) -> tuple[int, Body]:
        """Receive what may be a system call."""
        while True:
            kind, size = self._next()
            if kind != numbers.CALL or size <= _SMALL:
                return kind, self._body(kind, size)
            if self._large.reach(COPIES * size, _BUDGET_SECONDS):
                return kind, self._take(size)
            # More than can be held now: refused, as the runner would refuse too much.
            self._skip(size)
            self._order(numbers.RESULT, _NO_ROOM)

    def _receive(self, fetched: int = 0) -> tuple[int, Body]:
        """Receive what is no system call; FETCHED has as many bytes as were asked for."""
        kind, size = self._next()
        return kind, self._body(kind, size, fetched if kind == numbers.FETCHED else 0)

    def _next(self) -> tuple[int, int]:
        try:
            kind, length = self._stream.next_frame()
        except TimeoutError as error:
            raise RunnerError("no answer in time") from error
        except (OSError, EOFError) as error:
            raise self._lost() from error
        if not numbers.LENGTH_MIN <= length <= numbers.LENGTH_MAX:
            raise RunnerError(f"a message that claims {length} bytes")
        return kind, length - numbers.LENGTH_MIN

    def _body(self, kind: int, size: int, most: int = 0) -> Body:
        if size > max(_SMALL, most):
            raise RunnerError(f"message {kind:#x} of {size} bytes, which is out of place")
        return self._take(size)

    def _take(self, size: int) -> Body:
        try:
            if size <= _SMALL:
                return self._stream.take(size)
            return self._stream.take_large(size, self._patience)
        except TimeoutError as error:
            raise RunnerError(f"{size} bytes did not come in {self._patience} s") from error
        except (OSError, EOFError) as error:
            raise self._lost() from error

    def _skip(self, size: int) -> None:
        try:
            self._stream.skip(size)
        except (OSError, EOFError) as error:
            raise self._lost() from error

    def _lost(self) -> RunnerError:
        with self._closing:
            if not self._ended:
                self._await_end()
                os.kill(self.pid, _SIGKILL)
                self._reap()
                self._stream.wake()
        self._stream.close()
        self._large.close()
        return RunnerError(f"the runner has ended ({self._ended})")

    def _await_end(self) -> None:
        """Let a process end by itself whose socket has ended, so that it can say how."""
        process = os.pidfd_open(self.pid)
        ending = select.poll()  # select() knows the first 1024 descriptors only
        ending.register(process, select.POLLIN)
        ending.poll(_END_SECONDS * 1000)
        os.close(process)

    def _reap(self) -> None:
        _, status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        self._ended = f"by signal {-code}" if code < 0 else f"with status {code}"
