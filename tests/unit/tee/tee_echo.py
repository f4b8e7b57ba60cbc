# SPDX-License-Identifier: BSD-3-Clause
"""A TEE core for tests of clients and the hub: one TA, that says back what it is told."""

import socket
import threading
from collections.abc import Callable
from uuid import UUID

from realmos_agent.tee import numbers, wire

TA = UUID("6d7a1c4e-9f57-4a0e-8a55-3c0d5e1f7b21")
ECHO, WAIT, RESULT, REGIONS, DIE, IDENTITY = range(6)
APP = numbers.ORIGIN_TRUSTED_APP


class EchoCore:
    """Serves one stream in a thread of its own.

    Commands: ECHO swaps values, reverses INOUT memory and copies INPUT memory to OUTPUT; WAIT ends
    when it is cancelled; RESULT ends with the result and origin of a value; REGIONS tells how many
    there are, how long the first is and at what shift; DIE ends the core; IDENTITY writes login and
    client UUID.
    """

    def __init__(self, stream: socket.socket) -> None:
        self.gone: list[int] = []
        self.cancelled: list[int] = []
        self.sessions: dict[int, wire.Open] = {}
        self._stream = stream
        self._framer = wire.Framer(wire.TO_CORE)
        self._waiting: dict[tuple[int, int], wire.Invoke] = {}
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        try:
            while data := self._stream.recv(1 << 16):
                self._framer.feed(data)
                while (frame := self._framer.next_frame()) is not None:
                    self._take(frame)
        except OSError:
            return
        finally:
            self._stream.close()

    def _take(self, frame: wire.Frame) -> None:
        try:
            message = wire.decode(frame)
        except wire.WireError:
            refusal = wire.refusal(frame, numbers.ERROR_BAD_PARAMETERS)
            assert refusal is not None
            self._send(refusal)
            return
        match message:
            case wire.Open():
                self._send(self._open(message))
            case wire.Invoke(command=command) if command == WAIT:
                self._waiting[message.client, message.request] = message
            case wire.Invoke(command=command) if command == DIE:
                self._stream.shutdown(socket.SHUT_RDWR)
            case wire.Invoke():
                self._send(self._invoke(message))
            case wire.Close():
                self._close(message)
                self._send(wire.Closed(message.client, message.request))
            case wire.Cancel():
                self._cancel(message)
            case wire.Gone(client=0):
                self._send(message)
            case wire.Gone():
                self.gone.append(message.client)
            case _:
                raise AssertionError(message)

    def _send(self, message: wire.Message) -> None:
        self._stream.sendall(wire.encode(message))

    def _cancel(self, message: wire.Cancel) -> None:
        self.cancelled.append(message.target)
        if call := self._waiting.pop((message.client, message.target), None):
            self._send(wire.Invoked(call.client, call.request, numbers.ERROR_CANCEL, APP))

    def _close(self, message: wire.Close) -> None:
        opened = self.sessions.get(message.session)
        if opened is not None and opened.client == message.client:
            del self.sessions[message.session]

    def _open(self, message: wire.Open) -> wire.Opened:
        if message.uuid != TA:
            return wire.Opened(
                message.client, message.request, numbers.ERROR_ITEM_NOT_FOUND, numbers.ORIGIN_TEE
            )
        session = max(self.sessions, default=0) + 1
        self.sessions[session] = message
        result, outcomes = echo(message.params)
        return wire.Opened(message.client, message.request, result, APP, session, outcomes)

    def _invoke(self, message: wire.Invoke) -> wire.Invoked:
        opened = self.sessions.get(message.session)
        if opened is None or opened.client != message.client:
            return wire.Invoked(
                message.client, message.request, numbers.ERROR_BAD_PARAMETERS, numbers.ORIGIN_TEE
            )
        origin = APP
        if message.command == RESULT:
            result, origin = message.params.params[0].a, message.params.params[0].b
            outcomes = wire.NO_OUTCOMES
        elif message.command == IDENTITY:
            result, outcomes = identity(opened)
        elif message.command == REGIONS:
            result, outcomes = regions(message.params)
        else:
            result, outcomes = echo(message.params)
        return wire.Invoked(message.client, message.request, result, origin, outcomes)


def contents(params: wire.Params, param: wire.Param) -> bytes:
    if param.region is None:
        return b""
    return params.regions[param.region].data[param.a : param.a + param.b]


def echo(params: wire.Params) -> tuple[int, tuple[wire.Outcome, ...]]:
    given = b"".join(
        contents(params, each)
        for each in params.params
        if each.type == numbers.PARAM_TYPE_MEMREF_INPUT
    )
    result = numbers.SUCCESS
    outcomes = []
    for param in params.params:
        outcome = wire.Outcome(param.type)
        if param.type == numbers.PARAM_TYPE_VALUE_OUTPUT:
            outcome = wire.Outcome(param.type, 0xA, 0xB)
        elif param.type == numbers.PARAM_TYPE_VALUE_INOUT:
            outcome = wire.Outcome(param.type, param.b, param.a)
        elif param.type == numbers.PARAM_TYPE_MEMREF_INOUT:
            outcome = wire.Outcome(param.type, 0, param.b, contents(params, param)[::-1])
        elif param.type == numbers.PARAM_TYPE_MEMREF_OUTPUT:
            fits = len(given) <= param.b
            outcome = wire.Outcome(param.type, 0, len(given), given if fits else b"")
            result = result if fits else numbers.ERROR_SHORT_BUFFER
        outcomes.append(outcome)
    return result, tuple(outcomes)


def identity(opened: wire.Open) -> tuple[int, tuple[wire.Outcome, ...]]:
    said = opened.client_uuid.bytes
    return numbers.SUCCESS, (
        wire.Outcome(numbers.PARAM_TYPE_VALUE_OUTPUT, opened.login, opened.group),
        wire.Outcome(numbers.PARAM_TYPE_MEMREF_OUTPUT, 0, len(said), said),
        *wire.NO_OUTCOMES[2:],
    )


def regions(params: wire.Params) -> tuple[int, tuple[wire.Outcome, ...]]:
    """Tell of the regions in the last parameter: count, size and shift of the first, offsets."""
    first = params.regions[0] if params.regions else wire.Region(0, 0)
    words = [len(params.regions), first.size, first.shift, *(each.a for each in params.params)]
    said = b"".join(word.to_bytes(8, "little") for word in words)
    outcomes = [wire.Outcome(each.type) for each in params.params]
    assert params.params[3].type == numbers.PARAM_TYPE_MEMREF_OUTPUT
    outcomes[3] = wire.Outcome(numbers.PARAM_TYPE_MEMREF_OUTPUT, 0, len(said), said)
    return numbers.SUCCESS, tuple(outcomes)


class HostileCore:
    """Answers with what `answer` makes of the request, so many times, and hangs up."""

    def __init__(self, path: str, answer: Callable[[wire.Frame], bytes], times: int = 1) -> None:
        self._answer = answer
        self._times = times
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        try:
            while True:
                connection, _ = self._listener.accept()
                self._talk(connection)
        except OSError:
            return

    def _talk(self, connection: socket.socket) -> None:
        framer = wire.Framer(wire.FROM_CLIENT)
        with connection:
            for _ in range(self._times):
                while (frame := framer.next_frame()) is None:
                    framer.feed(connection.recv(1 << 16))
                connection.sendall(self._answer(frame))
