# SPDX-License-Identifier: BSD-3-Clause
"""The messages of the protocol, and their strict encoding: one record type for each frame type.

A payload is a map with exactly the record's fields. `id` names an operation, chosen by the
client and rising within a session. Paths, arguments and environment entries are bytes, as the
realm's kernel has them.
"""

from realmos_agent.protocol import cbor, numbers
from realmos_agent.protocol.errors import LocalProtocolError, RemoteProtocolError
from realmos_agent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Message(Record):
    """Base of all messages."""


class OperationMessage(Message):
    """Base of the messages that belong to one operation."""

    id: int


class Hello(Message):
    """Client: begin a session, ending the one before. `nonce` is random and names it."""

    version: int
    nonce: bytes
    client: str


class Welcome(Message):
    """Agent: the session is open.

    `agent_nonce` is new whenever the agent starts or is reseeded. `work_dir` is a directory of
    this session, removed with it. `marks` are (name, nanoseconds since the kernel started).
    """

    version: int
    nonce: bytes
    agent: str
    agent_nonce: bytes
    work_dir: bytes
    marks: tuple[tuple[str, int], ...]


class Secure(Message):
    """Client: go on inside TLS, with a certificate that attests to the realm for `nonce`."""

    nonce: bytes


class Secured(Message):
    """Agent: it listens for a TLS client."""


class Sealed(Message):
    """Either: a piece of the TLS connection."""

    data: bytes


class Bye(Message):
    """Client: end the session, and all that runs in it."""


class Error(Message):
    """Agent: an operation failed and is over; with `id` 0, the session."""

    id: int
    code: int
    message: str


class Run(OperationMessage):
    """Client: run a program, or with `python` a Python script in the agent's own interpreter.

    `env` holds NAME=VALUE entries, laid over the agent's environment. Without `stdin` the input is
    empty. `pty` is the (rows, columns) of a terminal for all three streams; OUT alone is used.
    With a terminal, an empty `argv` means the realm's shell.
    """

    id: int
    argv: tuple[bytes, ...]
    env: tuple[bytes, ...]
    cwd: bytes | None
    python: bool
    stdin: bool
    pty: tuple[int, int] | None


class Started(OperationMessage):
    """Agent: the program runs."""

    id: int
    pid: int


class Exited(OperationMessage):
    """Agent: the program ended, and all its output was sent; exactly one of the two is set.

    `oom` tells that the kernel killed it for want of memory.
    """

    id: int
    status: int | None
    signal: int | None
    oom: bool


class Signal(OperationMessage):
    """Client: send a signal to the program's process group."""

    id: int
    signal: int


class Resize(OperationMessage):
    """Client: the terminal has a new size."""

    id: int
    rows: int
    columns: int


class Put(OperationMessage):
    """Client: a file follows on IN; it appears under its name, whole, when EOF arrives.

    With `parents`, missing directories are made.
    """

    id: int
    path: bytes
    mode: int
    parents: bool


class Get(OperationMessage):
    """Client: send a file on OUT."""

    id: int
    path: bytes


class Opened(OperationMessage):
    """Agent: the file to be sent; `size` is what it has now."""

    id: int
    size: int
    mode: int


class Done(OperationMessage):
    """Agent: the operation succeeded; `size` counts the bytes of a file."""

    id: int
    size: int


class Cancel(OperationMessage):
    """Client: stop the transfer; it ends with an Error, unless it already ended otherwise."""

    id: int


class Data(OperationMessage):
    """Either: bytes of a stream, within its credit."""

    id: int
    stream: int
    data: bytes


class Eof(OperationMessage):
    """Either: the stream is over."""

    id: int
    stream: int


class Credit(OperationMessage):
    """Either: `size` more bytes may be sent on the stream."""

    id: int
    stream: int
    size: int


class Report(OperationMessage):
    """Client: describe the realm."""

    id: int


class Reported(OperationMessage):
    """Agent: sizes in bytes; `rsi` is empty when the kernel's log does not tell it."""

    id: int
    kernel: str
    machine: str
    rsi: str
    python: str
    agent: str
    cpus: int
    memory_total: int
    memory_available: int
    uptime_ns: int


class Reseed(OperationMessage):
    """Client: mix `data` into the kernel's random numbers and renew the agent's nonce.

    For a realm that was restored from a snapshot, and so begins as a copy.
    """

    id: int
    data: bytes


class Clock(OperationMessage):
    """Client: set the realm's wall clock to `time_ns`, nanoseconds since the epoch, UTC."""

    id: int
    time_ns: int


class Attest(OperationMessage):
    """Client: fetch an attestation token for `challenge`, at most `CHALLENGE_SIZE` bytes.

    One that is longer than `measurement.FREE_NONCE_MAX` makes an event.
    """

    id: int
    challenge: bytes


class Attested(OperationMessage):
    """Agent: the token. What REM 1 holds is explained by the events in the file `log`."""

    id: int
    token: bytes
    log: bytes


class Relay(OperationMessage):
    """Client: it can pass bytes on to a broker, once, for whatever runs in the realm."""

    id: int


class Dialled(OperationMessage):
    """Agent: connect to the broker now. Bytes follow on IN and OUT; Done ends the connection."""

    id: int


class Hangup(OperationMessage):
    """Client: the broker's connection is over; `reason` tells why if there never was one."""

    id: int
    reason: str


class Serve(OperationMessage):
    """Client, which is a broker here: ask for something."""

    id: int


class Asked(OperationMessage):
    """Agent: give me this. `want` is one of `AGENT_WANT_*`.

    `value` is where the counter to advance is, `mark` what goes with it from then on.
    """

    id: int
    want: int
    name: str
    value: int
    mark: bytes


class Given(OperationMessage):
    """Broker: what was asked for.

    `data` is the secret, the key or the counter's mark, `counter` the counter's value. `key` is the
    broker's, Ed25519, and `signature` its signature over
    `realmos_agent.protocol.evidence.answer_statement`. With `exclusive`, it is for what has run so
    far alone: the realm takes no other work any more.
    """

    id: int
    data: bytes
    counter: int
    exclusive: bool
    key: bytes
    signature: bytes

    def __repr__(self) -> str:
        return f"Given(id={self.id}, ...)"  # no traceback and no message shows a secret


class Refused(OperationMessage):
    """Broker: you do not get it, and why. `code` is one of `AGENT_REFUSAL_*`."""

    id: int
    code: int
    reason: str
    counter: int


class Shutdown(OperationMessage):
    """Client: power the realm off, or reboot it."""

    id: int
    reboot: bool


TYPES: dict[int, type[Message]] = {
    numbers.MSG_HELLO: Hello,
    numbers.MSG_WELCOME: Welcome,
    numbers.MSG_BYE: Bye,
    numbers.MSG_ERROR: Error,
    numbers.MSG_SECURE: Secure,
    numbers.MSG_SECURED: Secured,
    numbers.MSG_SEALED: Sealed,
    numbers.MSG_RUN: Run,
    numbers.MSG_STARTED: Started,
    numbers.MSG_EXITED: Exited,
    numbers.MSG_SIGNAL: Signal,
    numbers.MSG_RESIZE: Resize,
    numbers.MSG_PUT: Put,
    numbers.MSG_GET: Get,
    numbers.MSG_OPENED: Opened,
    numbers.MSG_DONE: Done,
    numbers.MSG_CANCEL: Cancel,
    numbers.MSG_DATA: Data,
    numbers.MSG_EOF: Eof,
    numbers.MSG_CREDIT: Credit,
    numbers.MSG_REPORT: Report,
    numbers.MSG_REPORTED: Reported,
    numbers.MSG_RESEED: Reseed,
    numbers.MSG_SHUTDOWN: Shutdown,
    numbers.MSG_CLOCK: Clock,
    numbers.MSG_ATTEST: Attest,
    numbers.MSG_ATTESTED: Attested,
    numbers.MSG_RELAY: Relay,
    numbers.MSG_DIALLED: Dialled,
    numbers.MSG_HANGUP: Hangup,
    numbers.MSG_SERVE: Serve,
    numbers.MSG_ASKED: Asked,
    numbers.MSG_GIVEN: Given,
    numbers.MSG_REFUSED: Refused,
}
_NUMBERS = {cls: number for number, cls in TYPES.items()}


def _is_uint(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 64


def _is_bytes(value: object) -> bool:
    return type(value) is bytes


def _is_tuple_of(check: "Callable[[object], bool]", value: object) -> bool:
    return type(value) is tuple and all(check(item) for item in value)


def _is_mark(value: object) -> bool:
    return type(value) is tuple and len(value) == 2 and type(value[0]) is str and _is_uint(value[1])


_CHECKS: "dict[object, Callable[[object], bool]]" = {
    int: _is_uint,
    bytes: _is_bytes,
    str: lambda value: type(value) is str,
    bool: lambda value: type(value) is bool,
    int | None: lambda value: value is None or _is_uint(value),
    bytes | None: lambda value: value is None or _is_bytes(value),
    tuple[bytes, ...]: lambda value: _is_tuple_of(_is_bytes, value),
    tuple[int, int] | None: lambda value: (
        value is None or (type(value) is tuple and len(value) == 2 and all(map(_is_uint, value)))
    ),
    tuple[tuple[str, int], ...]: lambda value: _is_tuple_of(_is_mark, value),
}
_SCHEMAS = {
    cls: {name: _CHECKS[kind] for name, kind in cls.__annotations__.items()}
    for cls in TYPES.values()
}


def encode_message(message: Message) -> tuple[int, bytes]:
    """Return the frame type and the payload of `message`.

    Raises:
        LocalProtocolError: a field has the wrong type, or the message is too large.
    """
    fields = vars(message)
    for name, check in _SCHEMAS[type(message)].items():
        if not check(fields[name]):
            raise LocalProtocolError(f"{type(message).__name__}.{name}: {fields[name]!r:.100}")
    payload = cbor.encode(fields)
    if len(payload) > numbers.PAYLOAD_MAX:
        raise LocalProtocolError(f"{type(message).__name__} takes {len(payload)} bytes")
    return _NUMBERS[type(message)], payload


def decode_message(number: int, payload: bytes) -> Message:
    """Return the message in a frame of type `number`.

    Raises:
        RemoteProtocolError: there is no such type, or the payload is not one of it.
    """
    cls = TYPES.get(number)
    if cls is None:
        raise RemoteProtocolError(f"no frame has type {number}", numbers.ERR_BAD_MESSAGE)
    try:
        fields = cbor.decode(payload)
    except cbor.CborError as error:
        raise _bad(cls, str(error)) from error
    schema = _SCHEMAS[cls]
    if not isinstance(fields, dict) or set(fields) != set(schema):
        raise _bad(cls, "not a map with the fields it must have")
    for name, check in schema.items():
        if not check(fields[name]):
            raise _bad(cls, f"{name} has a wrong type or range")
    return cls(**fields)


def _bad(cls: type[Message], what: str) -> RemoteProtocolError:
    return RemoteProtocolError(f"bad {cls.__name__}: {what}", numbers.ERR_BAD_MESSAGE)
