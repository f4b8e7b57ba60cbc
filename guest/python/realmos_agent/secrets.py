# SPDX-License-Identifier: BSD-3-Clause
"""Secrets for workloads, from a broker outside that trusts this realm for what runs in it.

    from realmos_agent import secrets

    model_key = secrets.get("model-key")
    key = secrets.sealing_key("ledger", broker=BROKER)     # the same for each run of this identity
    state = secrets.counter("ledger", broker=BROKER)       # which only ever rises:
    secrets.advance("ledger", state, broker=BROKER)

The realm has no network: the agent asks, through whoever started the run (`realmos run --broker`),
who sees ciphertext alone. The broker gives what its policy allows this realm, by a token that is
made for the question. Each takes some tenths of a second, and root.

`broker` is the key that `realmos broker key` prints, 64 hexadecimal digits, and may also be in the
environment as REALMOS_BROKER_KEY (which REM 1 takes, as it takes the program). With it an answer
counts only if that broker signed it. Without it, whoever is in between can answer with secrets of
his own: a sealing key that he knows hides nothing from him. Sealing keys and counters therefore
take it.
"""

import _socket
import os

from realmos_agent.protocol import cbor, numbers

__all__ = [
    "CounterError",
    "RefusedError",
    "SecretsError",
    "advance",
    "become_exclusive",
    "counter",
    "counter_state",
    "get",
    "sealing_key",
]

SOCKET = "/run/realmos/broker"
TIMEOUT = 300.0
"""Seconds: an emulated realm that shares its processor takes its time."""

_SOCKET_VARIABLE = "REALMOS_BROKER_SOCKET"
_KEY_VARIABLE = "REALMOS_BROKER_KEY"
_EXCLUSIVE = "exclusive"  # as `realmos_agent.desk` has it
_KEY_SIZE = 32
_NAME_MAX = 200
_PIECE = 16 << 10


class SecretsError(Exception):
    """There is no answer to be had from a broker."""


class RefusedError(SecretsError):
    """The broker refused; the message says why."""


class CounterError(RefusedError):
    """The counter is not where it was believed to be.

    Args:
        message: of the broker.
        value: where it is.
    """

    def __init__(self, message: str, value: int) -> None:
        super().__init__(message)
        self.value = value


def get(name: str, *, broker: str | None = None, timeout: float = TIMEOUT) -> bytes:
    """Return a secret.

    Args:
        name: what the broker knows it by.
        broker: the key of the only broker whose answer counts; see above.
        timeout: seconds to wait.

    Raises:
        RefusedError: the broker does not give it to this realm.
        SecretsError: there is no broker, or it does not answer.
        ValueError: there can be no such name or key.
    """
    return _ask((numbers.WANT_SECRET, name), _key(broker), timeout)[0]


def sealing_key(identity: str, *, broker: str | None = None, timeout: float = TIMEOUT) -> bytes:
    """Return the key of an identity, 32 bytes: for data that outlast this realm.

    Every realm that the broker takes for this identity gets the same one, and no other realm does.

    Args:
        identity: its name.
        broker: as for `get`, and not optional unless the environment has it.
        timeout: as for `get`.

    Raises:
        RefusedError: as `get`, as are the others.
    """
    key = _ask((numbers.WANT_SEALING_KEY, identity), _required(broker), timeout)[0]
    if len(key) != numbers.WANT_SEALING_KEY_SIZE:
        raise SecretsError(f"the broker gave a sealing key of {len(key)} bytes")
    return key


def counter(identity: str, *, broker: str | None = None, timeout: float = TIMEOUT) -> int:
    """Return the counter of an identity; see `sealing_key`."""
    return counter_state(identity, broker=broker, timeout=timeout)[0]


def counter_state(
    identity: str, *, broker: str | None = None, timeout: float = TIMEOUT
) -> tuple[int, bytes]:
    """Return the counter of an identity, and the mark that it was last advanced with."""
    question = numbers.WANT_COUNTER, identity
    mark, value = _ask(question, _required(broker), timeout)
    return value, mark


def advance(
    identity: str,
    value: int,
    *,
    mark: bytes = b"",
    broker: str | None = None,
    timeout: float = TIMEOUT,
) -> int:
    """Add one to the counter of an identity, if it is at `value`; return the new value.

    The broker keeps `mark`, up to 64 bytes, with it: a hash, say, that tells which of several
    states of sealed data with the new value it is that counts.

    When this returns, the broker has it on its disk. When it raises `SecretsError`, the answer may
    have been lost on the way: `counter` tells.

    Raises:
        CounterError: it is not at `value`: another was faster, or what this realm has is old.
        RefusedError: see `sealing_key`.
    """
    question = numbers.WANT_ADVANCE, identity
    return _ask(question, _required(broker), timeout, value, mark)[1]


def _key(broker: str | None) -> bytes:
    text = os.environ.get(_KEY_VARIABLE, "") if broker is None else broker
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b"?"
    if len(key) not in (0, _KEY_SIZE):
        raise ValueError("a broker's key is 64 hexadecimal digits: `realmos broker key` prints it")
    return key


def _required(broker: str | None) -> bytes:
    key = _key(broker)
    if not key:
        raise ValueError(
            "a sealing key and a counter are worth nothing without knowing whose they are: give "
            f"broker=KEY or set {_KEY_VARIABLE}; `realmos broker key` prints it"
        )
    return key


def become_exclusive(*, timeout: float = TIMEOUT) -> None:
    """Have the realm do what it has begun and nothing else, whoever commands it.

    What a token is for then stays so: nobody can run another program, or send another file, until
    the realm is started anew. It takes no broker.

    Args:
        timeout: seconds to wait.

    Raises:
        SecretsError: this is no realm, or the agent does not say that it is so.
    """
    asked = cbor.encode((_EXCLUSIVE,))
    try:
        found = cbor.decode(_exchange(len(asked).to_bytes(2, "big") + asked, timeout))
    except cbor.CborError as error:
        raise SecretsError("the agent ended before it answered") from error
    if found != {_EXCLUSIVE: True}:
        raise SecretsError("the agent does not keep the realm to what it has begun")


def _ask(
    question: tuple[int, str], key: bytes, timeout: float, value: int = 0, mark: bytes = b""
) -> tuple[bytes, int]:
    name = question[1]
    if not 0 < len(name.encode()) <= _NAME_MAX:
        raise ValueError(f"a name has 1 to {_NAME_MAX} bytes")
    if not 0 <= value < 1 << 63:
        raise ValueError("a counter's value is not below zero, and below 2**63")
    if len(mark) > numbers.WANT_MARK_MAX:
        raise ValueError(f"a counter's mark has up to {numbers.WANT_MARK_MAX} bytes")
    asked = cbor.encode((*question, value, mark, key))
    try:
        found = cbor.decode(_exchange(len(asked).to_bytes(2, "big") + asked, timeout))
    except cbor.CborError as error:
        raise SecretsError("the agent ended before it answered") from error
    assert isinstance(found, dict)
    if "why" in found:
        raise _error(found, name)
    data, number = found["data"], found["counter"]
    assert isinstance(data, bytes)
    assert isinstance(number, int)
    return data, number


def _error(found: "dict[str, cbor.Value]", name: str) -> SecretsError:
    code, value, why = found.get("refusal"), found.get("counter"), str(found["why"])
    if code == numbers.REFUSAL_COUNTER and isinstance(value, int):
        return CounterError(why, value)
    if code is not None:
        return RefusedError(f"the broker refused {name!r}: {why}")
    return SecretsError(f"{name!r} cannot be had: {why}")


def _exchange(question: bytes, timeout: float) -> bytes:
    connection = _socket.socket(_socket.AF_UNIX)
    connection.settimeout(timeout)
    try:
        connection.connect(os.environ.get(_SOCKET_VARIABLE, SOCKET))
        connection.sendall(question)
        pieces = []
        while piece := connection.recv(_PIECE):
            pieces.append(piece)
        return b"".join(pieces)
    except TimeoutError as error:
        raise SecretsError(f"no broker answered within {timeout:g} s") from error
    except PermissionError as error:
        raise SecretsError("asking a broker takes root") from error
    except FileNotFoundError as error:
        raise SecretsError(
            "this run was given no broker: start it with `realmos run --broker ADDRESS`"
        ) from error
    except OSError as error:
        raise SecretsError(f"the agent does not take questions: {error.strerror}") from error
    finally:
        connection.close()
