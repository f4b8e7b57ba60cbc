# SPDX-License-Identifier: BSD-3-Clause
"""Events: what a client gives a realm to work on, in the canonical form that REM 1 takes.

The agent extends REM 1 with the digest of each event before it does what the event says; who
knows what a client will ask for computes the same bytes beforehand. docs/measurement.md defines
the form for others. Not a part of the package's interface, for the sake of the agent's start.
"""

from realmos_agent.protocol import cbor, numbers
from realmos_agent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from hashlib import _Hash

REM_INDEX = 1
"""The REM, as RSI numbers them, that takes events."""

WORK_DIR = b"\0work"
"""Stands for the session's work directory, whose name is random; no path or word holds a NUL."""

EVENT_MAX = 2 * numbers.PAYLOAD_MAX
"""Bytes: no message that fits a frame makes an event that is longer.

What grows most are entries of the environment without a value, each by a byte.
"""

FREE_NONCE_MAX = 32
"""Bytes of a nonce that a client gets a token for without an event.

What is longer may be made to look like the challenge of a channel (`evidence.channel_challenge`) to
a key that is not the realm's; of one as short as this the challenge ends in as many zeros.
"""

_MODE_MAX = 0o7777
_SHA256_SIZE = 32


class EventError(ValueError):
    """No event in its canonical form."""


class Event(Record):
    """Base of all events."""


class FileEvent(Event):
    """A file that the client put into the realm, before it appears under its name.

    `path` is as the client gave it, `mode` the permissions, `sha256` the hash of what is in it.
    """

    path: bytes
    mode: int
    sha256: bytes


class RunEvent(Event):
    """A program that the client had run, before it starts.

    `argv` are the program and its arguments; none: a shell on a terminal. `env` are the client's
    own NAME=VALUE entries, ascending, one a name. `cwd` is where the program starts. With
    `python`, `program` is the SHA-256 of the script that the agent's interpreter runs; else None.
    """

    argv: tuple[bytes, ...]
    env: tuple[bytes, ...]
    cwd: bytes
    python: bool
    program: bytes | None


class AttestEvent(Event):
    """A long nonce that the client asked for a token for, before that is made."""

    nonce: bytes


class FailedEvent(Event):
    """What the event before tells of did not happen, or not whole."""


class EndEvent(Event):
    """A session with events ended: what it ran was killed, and its work directory removed."""


def file_event(path: bytes, mode: int, sha256: bytes, *, work_dir: bytes) -> FileEvent:
    """Return the event of a PUT.

    Args:
        path: of the message.
        mode: of the message; only the permissions count.
        sha256: hash of the bytes that came.
        work_dir: the session's, as WELCOME told it.

    Raises:
        EventError: the path holds a NUL.
    """
    return FileEvent(_canonical(path, work_dir), mode & _MODE_MAX, sha256)


def run_event(
    argv: "Iterable[bytes]",
    env: "Iterable[bytes]",
    cwd: bytes | None,
    *,
    program: bytes | None,
    work_dir: bytes,
) -> RunEvent:
    """Return the event of a RUN.

    Args:
        argv: of the message.
        env: of the message, in any order; of two entries with one name the later counts, and
            one without a value has an empty one.
        cwd: of the message.
        program: SHA-256 of the script, if it is one for the agent's interpreter.
        work_dir: the session's, as WELCOME told it.

    Raises:
        EventError: something holds a NUL, or an entry of `env` has no name.
    """
    entries: dict[bytes, bytes] = {}
    for entry in env:
        name, _, value = entry.partition(b"=")
        entries[name] = _canonical(b"%s=%s" % (name, value), work_dir)
    event = RunEvent(
        argv=tuple(_canonical(word, work_dir) for word in argv),
        env=tuple(sorted(entries.values())),
        cwd=_canonical(cwd or work_dir, work_dir),
        python=program is not None,
        program=program,
    )
    _check(event)
    return event


def attest_events(nonce: bytes) -> tuple[AttestEvent, ...]:
    """Return the events of an ATTEST, of which there is one only if the nonce is a long one."""
    return (AttestEvent(nonce),) if len(nonce) > FREE_NONCE_MAX else ()


def encode(event: Event) -> bytes:
    """Return an event's bytes: an array of its kind and its fields.

    Raises:
        EventError: a field is not what it must be, or the event is too long.
    """
    _check(event)
    fields = vars(event)
    data = cbor.encode((_KINDS[type(event)], *(fields[name] for name in event._fields)))
    if len(data) > EVENT_MAX:
        raise EventError(f"an event of {len(data)} bytes")
    return data


def decode(data: bytes) -> Event:
    """Return the event whose bytes these are; there is one encoding of each.

    Raises:
        EventError: they are no event's.
    """
    if len(data) > EVENT_MAX:
        raise EventError(f"an event of {len(data)} bytes")
    try:
        item = cbor.decode(data)
    except cbor.CborError as error:
        raise EventError(f"an event that is not CBOR as it must be: {error}") from error
    if not isinstance(item, tuple) or not item or not isinstance(item[0], str):
        raise EventError("an event is an array that begins with its kind")
    cls = _CLASSES.get(item[0])
    if cls is None:
        raise EventError(f"no event is of the kind {item[0][:40]!r}")
    if len(item) != 1 + len(cls._fields):
        raise EventError(f"an event of the kind {item[0]} with {len(item) - 1} fields")
    event = cls(**dict(zip(cls._fields, item[1:], strict=True)))
    _check(event)
    return event


def digest(event: bytes, algorithm: str) -> bytes:
    """Return what REM 1 is extended with for an event's bytes.

    Args:
        event: its encoding.
        algorithm: the realm's, `sha-256` or `sha-512`.
    """
    return _hash(algorithm, event).digest()


def extend(rem: bytes, value: bytes, algorithm: str) -> bytes:
    """Return a REM after RSI_MEASUREMENT_EXTEND with `value` (DEN0137 1.0-rel0, A7.1)."""
    return _hash(algorithm, rem + value).digest()


def replay(events: "Iterable[bytes]", algorithm: str) -> bytes:
    """Return REM 1 after these events' bytes, in this order, from a realm's start."""
    rem = bytes(_hash(algorithm, b"").digest_size)
    for event in events:
        rem = extend(rem, digest(event, algorithm), algorithm)
    return rem


def _hash(algorithm: str, data: bytes) -> "_Hash":
    import hashlib  # too slow for the agent's start

    return {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}[algorithm](data)


def _canonical(text: bytes, work_dir: bytes) -> bytes:
    if b"\0" in text:
        raise EventError("a NUL in a path, a word or an entry of the environment")
    return text.replace(work_dir, WORK_DIR)


def _is_text(value: object) -> bool:
    """Tell whether a value is a string as processes have it, the work directory marked."""
    return type(value) is bytes and b"\0" not in value.replace(WORK_DIR, b"")


def _is_texts(value: object) -> bool:
    return type(value) is tuple and all(map(_is_text, value))


def _is_sha256(value: object) -> bool:
    return type(value) is bytes and len(value) == _SHA256_SIZE


def _is_environment(value: object) -> bool:
    if not isinstance(value, tuple) or not _is_texts(value):
        return False
    names = [entry.partition(b"=")[0] for entry in value]
    whole = all(names) and all(b"=" in entry for entry in value)
    return whole and len(set(names)) == len(names) and list(value) == sorted(value)


_CHECKS: "dict[type[Event], dict[str, Callable[[object], bool]]]" = {
    FileEvent: {
        "path": lambda value: _is_text(value) and value != b"",
        "mode": lambda value: type(value) is int and 0 <= value <= _MODE_MAX,
        "sha256": _is_sha256,
    },
    RunEvent: {
        "argv": _is_texts,
        "env": _is_environment,
        "cwd": lambda value: _is_text(value) and value != b"",
        "python": lambda value: type(value) is bool,
        "program": lambda value: value is None or _is_sha256(value),
    },
    AttestEvent: {
        "nonce": lambda value: (
            type(value) is bytes and FREE_NONCE_MAX < len(value) <= numbers.CHALLENGE_SIZE
        ),
    },
}
_CLASSES: "dict[str, type[Event]]" = {
    "file": FileEvent,
    "run": RunEvent,
    "attest": AttestEvent,
    "failed": FailedEvent,
    "end": EndEvent,
}
_KINDS = {cls: kind for kind, cls in _CLASSES.items()}


def _check(event: Event) -> None:
    fields = vars(event)
    for name, check in _CHECKS.get(type(event), {}).items():
        if not check(fields[name]):
            raise EventError(f"{name} of an event of the kind {_KINDS[type(event)]} is not right")
    if isinstance(event, RunEvent) and event.python != (event.program is not None):
        raise EventError("an event of the kind run has the hash of a script without one")
