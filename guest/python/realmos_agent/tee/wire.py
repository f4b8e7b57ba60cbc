# SPDX-License-Identifier: BSD-3-Clause
"""The tee wire without any I/O: frames between clients, the hub and the TEE core.

`Framer` cuts a byte stream into frames, `decode` turns a frame into a message and `encode` a
message into bytes. Both directions are strict: a frame has one right encoding, and any other is
refused. docs/tee-wire.md describes what goes over the wire; the numbers come from the ABI table
`tee_client`.
"""

import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from realmos_agent.tee import client_numbers, numbers
from realmos_agent.tee.wire_params import (
    NO_OUTCOMES,
    NO_PARAMS,
    Outcome,
    Param,
    Params,
    Region,
    WireError,
    expect_zero,
    join,
    pack_params,
    pack_result,
    unpack_params,
    unpack_result,
)

__all__ = [
    "FROM_CLIENT",
    "FROM_CORE",
    "NIL",
    "NO_OUTCOMES",
    "NO_PARAMS",
    "TO_CORE",
    "Cancel",
    "Close",
    "Closed",
    "Frame",
    "Framer",
    "Gone",
    "Invoke",
    "Invoked",
    "Message",
    "Open",
    "Opened",
    "Outcome",
    "Param",
    "Params",
    "Region",
    "Request",
    "WireError",
    "check_outcomes",
    "decode",
    "encode",
    "identified",
    "refusal",
]

NIL = UUID(int=0)

_HEADER = struct.Struct(client_numbers.HEADER_FORMAT)
_OPEN = struct.Struct(client_numbers.OPEN_FORMAT)
_INVOKE = struct.Struct(client_numbers.INVOKE_FORMAT)
_CANCEL = struct.Struct(client_numbers.CANCEL_FORMAT)
_CLOSE = struct.Struct(client_numbers.CLOSE_FORMAT)

_REQUESTS = frozenset(
    (
        client_numbers.KIND_OPEN,
        client_numbers.KIND_INVOKE,
        client_numbers.KIND_CANCEL,
        client_numbers.KIND_CLOSE,
    )
)
FROM_CLIENT = _REQUESTS
"""Kinds of frames that a client sends."""
TO_CORE = _REQUESTS | {client_numbers.KIND_GONE}
"""Kinds of frames that the hub sends to a core."""
FROM_CORE = frozenset(
    (client_numbers.KIND_OPENED, client_numbers.KIND_INVOKED, client_numbers.KIND_CLOSED)
)
"""Kinds of frames that a core sends."""


class Frame(NamedTuple):
    """A frame as it travels: what the header says, and what follows it."""

    kind: int
    client: int
    request: int
    body: bytes

    def to_bytes(self) -> bytes:
        """Return header and body."""
        return _frame(self.kind, self.client, self.request, (self.body,))


def _frame(kind: int, client: int, request: int, body: Sequence[bytes | memoryview]) -> bytes:
    """Return a frame whose body comes in pieces; they may be large, so they are copied once."""
    length = sum(map(len, body))
    if length > client_numbers.LENGTH_MAX:
        raise WireError(f"a frame of {length} bytes; {client_numbers.LENGTH_MAX} at most")
    head = _HEADER.pack(client_numbers.MAGIC, length, kind, 0, client, request)
    return b"".join((head, *body))


class Open(NamedTuple):
    """A client opens a session."""

    client: int
    request: int
    uuid: UUID
    login: int = numbers.LOGIN_PUBLIC
    client_uuid: UUID = NIL
    group: int = 0
    params: Params = NO_PARAMS


class Invoke(NamedTuple):
    """A client invokes a command in a session."""

    client: int
    request: int
    session: int
    command: int
    params: Params = NO_PARAMS


class Cancel(NamedTuple):
    """A client wants one of its own requests cancelled; there is no answer."""

    client: int
    target: int


class Close(NamedTuple):
    """A client closes a session."""

    client: int
    request: int
    session: int


class Gone(NamedTuple):
    """A client has disconnected: what it had is over."""

    client: int


class Opened(NamedTuple):
    """Answer to `Open`; `session` is zero unless it succeeded."""

    client: int
    request: int
    result: int
    origin: int
    session: int = 0
    outcomes: tuple[Outcome, ...] = NO_OUTCOMES


class Invoked(NamedTuple):
    """Answer to `Invoke`."""

    client: int
    request: int
    result: int
    origin: int
    outcomes: tuple[Outcome, ...] = NO_OUTCOMES


class Closed(NamedTuple):
    """Answer to `Close`."""

    client: int
    request: int


Request = Open | Invoke | Close
Message = Request | Cancel | Gone | Opened | Invoked | Closed


class Framer:
    """Cuts a stream into frames.

    Args:
        kinds: the kinds that may come: `FROM_CLIENT`, `TO_CORE` or `FROM_CORE`.
    """

    def __init__(self, kinds: frozenset[int]) -> None:
        self._kinds = kinds
        self._buffer = bytearray()

    @property
    def missing(self) -> int:
        """How many bytes the frame that has begun still needs; at least 1."""
        have = len(self._buffer)
        if have < _HEADER.size:
            return _HEADER.size - have
        length: int = _HEADER.unpack_from(self._buffer)[1]
        return max(1, _HEADER.size + length - have)

    @property
    def idle(self) -> bool:
        """Whether the stream may end here: no frame has begun."""
        return not self._buffer

    def feed(self, data: bytes) -> None:
        """Take received bytes, in pieces of any size."""
        self._buffer += data

    def next_frame(self) -> Frame | None:
        """Return the next frame, or None when more bytes are needed.

        Raises:
            WireError: these are not frames, or not such that may come; the stream is of no use.
        """
        if len(self._buffer) < _HEADER.size:
            return None
        magic, length, kind, flags, client, request = _HEADER.unpack_from(self._buffer)
        if magic != client_numbers.MAGIC:
            raise WireError(f"magic {magic:#x}: this is not the tee wire")
        if kind not in self._kinds:
            raise WireError(f"a frame of kind {kind} from a peer that sends none")
        if flags:
            raise WireError(f"flags {flags:#x}: none are defined")
        if length > client_numbers.LENGTH_MAX:
            raise WireError(f"a frame of {length} bytes; {client_numbers.LENGTH_MAX} at most")
        end = _HEADER.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(memoryview(self._buffer)[_HEADER.size : end])
        del self._buffer[:end]
        return Frame(kind, client, request, body)


def decode(frame: Frame) -> Message:
    """Return the message that a frame holds.

    Raises:
        WireError: it holds none. A request can still be answered: see `refusal`.
    """
    decoder = _DECODERS.get(frame.kind)
    if decoder is None:
        raise WireError(f"a frame of unknown kind {frame.kind}")
    try:
        return decoder(frame)
    except struct.error:
        raise WireError(f"a frame of kind {frame.kind} that is cut short") from None


def encode(message: Message) -> bytes:
    """Return the frame of a message.

    Raises:
        WireError: it breaks the rules of the wire.
    """
    try:
        kind, request, body = _contents(message)
        return _frame(kind, message.client, request, body)
    except struct.error as error:
        raise WireError(f"{type(message).__name__}: {error}") from None


def refusal(
    frame: Frame, result: int, origin: int = numbers.ORIGIN_COMMS
) -> Opened | Invoked | Closed | None:
    """Return the answer of somebody who did not do what a frame asks; None if it has no answer."""
    if frame.kind == client_numbers.KIND_OPEN:
        return Opened(frame.client, frame.request, result, origin)
    if frame.kind == client_numbers.KIND_INVOKE:
        return Invoked(frame.client, frame.request, result, origin)
    if frame.kind == client_numbers.KIND_CLOSE:
        return Closed(frame.client, frame.request)
    return None


def identified(body: bytes, client_uuid: UUID) -> bytes:
    """Return the body of an OPEN with who the client is put in, and no group any more."""
    uuid, _, login, _ = _OPEN.unpack_from(body)
    return _OPEN.pack(uuid, client_uuid.bytes, login, 0) + body[_OPEN.size :]


def check_outcomes(params: Params, answer: Opened | Invoked) -> None:
    """Check that an answer fits the parameters that were sent.

    Raises:
        WireError: other types, or more bytes for a parameter than its memory has.
    """
    types = join(answer.outcomes)
    if types != params.types and (types or answer.result == numbers.SUCCESS):
        raise WireError(f"an answer with types {types:#x} for parameters {params.types:#x}")
    for param, outcome in zip(params.params, answer.outcomes, strict=True):
        if len(outcome.data) > param.b and param.is_memory:
            raise WireError(f"{len(outcome.data)} bytes for a parameter of {param.b}")
        claims = answer.result == numbers.SUCCESS and param.answer_max < outcome.b
        if claims and param.is_memory and param.region is not None:
            raise WireError(f"success, with {outcome.b} bytes for a parameter of {param.b}")


def _contents(message: Message) -> tuple[int, int, Sequence[bytes | memoryview]]:
    """Return kind, request and body of a message's frame, the body in pieces."""
    body: Sequence[bytes | memoryview] = ()
    match message:
        case Open():
            opening = _OPEN.pack(
                message.uuid.bytes, message.client_uuid.bytes, message.login, message.group
            )
            body = [opening, *pack_params(message.params)]
        case Invoke():
            invoking = _INVOKE.pack(message.session, message.command)
            body = [invoking, *pack_params(message.params)]
        case Cancel():
            body = (_CANCEL.pack(message.target),)
        case Close():
            body = (_CLOSE.pack(message.session, 0),)
        case Opened():
            body = pack_result(message.result, message.origin, message.session, message.outcomes)
        case Invoked():
            body = pack_result(message.result, message.origin, 0, message.outcomes)
        case Gone() | Closed():
            pass
    request = 0 if isinstance(message, (Cancel, Gone)) else message.request
    return _KINDS[type(message)], request, body


def _open(frame: Frame) -> Open:
    uuid, client_uuid, login, group = _OPEN.unpack_from(frame.body)
    params = unpack_params(frame.body, _OPEN.size)
    identity = UUID(bytes=client_uuid)
    return Open(frame.client, frame.request, UUID(bytes=uuid), login, identity, group, params)


def _invoke(frame: Frame) -> Invoke:
    session, command = _INVOKE.unpack_from(frame.body)
    params = unpack_params(frame.body, _INVOKE.size)
    return Invoke(frame.client, frame.request, session, command, params)


def _cancel(frame: Frame) -> Cancel:
    _end(frame, _CANCEL.size)
    if frame.request:
        raise WireError("a cancellation with a number of its own")
    return Cancel(frame.client, _CANCEL.unpack(frame.body)[0])


def _close(frame: Frame) -> Close:
    _end(frame, _CLOSE.size)
    session, reserved = _CLOSE.unpack(frame.body)
    expect_zero(reserved)
    return Close(frame.client, frame.request, session)


def _gone(frame: Frame) -> Gone:
    _end(frame, 0)
    expect_zero(frame.request)
    return Gone(frame.client)


def _opened(frame: Frame) -> Opened:
    result, origin, session, outcomes = unpack_result(frame.body)
    if session and result != numbers.SUCCESS:
        raise WireError(f"session {session} with result {result:#x}")
    return Opened(frame.client, frame.request, result, origin, session, outcomes)


def _invoked(frame: Frame) -> Invoked:
    result, origin, session, outcomes = unpack_result(frame.body)
    expect_zero(session)
    return Invoked(frame.client, frame.request, result, origin, outcomes)


def _closed(frame: Frame) -> Closed:
    _end(frame, 0)
    return Closed(frame.client, frame.request)


_KINDS = {
    Open: client_numbers.KIND_OPEN,
    Invoke: client_numbers.KIND_INVOKE,
    Cancel: client_numbers.KIND_CANCEL,
    Close: client_numbers.KIND_CLOSE,
    Gone: client_numbers.KIND_GONE,
    Opened: client_numbers.KIND_OPENED,
    Invoked: client_numbers.KIND_INVOKED,
    Closed: client_numbers.KIND_CLOSED,
}
_DECODERS: dict[int, Callable[[Frame], Message]] = {
    client_numbers.KIND_OPEN: _open,
    client_numbers.KIND_INVOKE: _invoke,
    client_numbers.KIND_CANCEL: _cancel,
    client_numbers.KIND_CLOSE: _close,
    client_numbers.KIND_GONE: _gone,
    client_numbers.KIND_OPENED: _opened,
    client_numbers.KIND_INVOKED: _invoked,
    client_numbers.KIND_CLOSED: _closed,
}


def _end(frame: Frame, size: int) -> None:
    if len(frame.body) != size:
        raise WireError(f"a frame of kind {frame.kind} with {len(frame.body)} bytes, not {size}")
