# SPDX-License-Identifier: BSD-3-Clause
"""What REM 1 will be: the events of files put and one program run, as `realmos run` has them."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from realmos_agent.protocol.measurement import (
    WORK_DIR,
    AttestEvent,
    EndEvent,
    Event,
    EventError,
    FailedEvent,
    FileEvent,
    RunEvent,
    encode,
    file_event,
    replay,
    run_event,
)

from realmos.errors import ConfigError

_SCRIPT_MODE = 0o644
_WORK = b"{work}"


@dataclass(frozen=True)
class Workload:
    """A program and what it gets.

    Args:
        argv: the program and its arguments; with `script`, the script's name first.
        script: a Python script's bytes.
        env: (name, value) of the environment; of two with one name the later counts.
        put: (file here, path in the realm), in order.
    """

    argv: tuple[str, ...]
    script: bytes | None = None
    env: tuple[tuple[str, str], ...] = ()
    put: tuple[tuple[Path, str], ...] = ()


def workload_events(workload: Workload) -> list[Event]:
    """Return the events that a fresh realm measures when a client runs a workload in it.

    The client puts the files in order, then the script into a directory of its own, and runs.

    Raises:
        ConfigError: a file cannot be read, or something holds a NUL character.
    """
    work = b"/" + os.urandom(16).hex().encode()  # a name that cannot occur in what is given
    try:
        events: list[Event] = [_put(path, remote, work) for path, remote in workload.put]
        program, words = None, [os.fsencode(word) for word in workload.argv]
        if workload.script is not None:
            program = hashlib.sha256(workload.script).digest()
            words[0] = b"%s/scripts/1/%s" % (work, os.path.basename(words[0]))  # noqa: PTH119
            events.append(file_event(words[0], _SCRIPT_MODE, program, work_dir=work))
        env = [os.fsencode(f"{name}={value}") for name, value in workload.env]
        return [*events, run_event(words, env, None, program=program, work_dir=work)]
    except EventError as error:
        raise ConfigError(f"this cannot run in a realm: {error}") from error


def encoded_events(workload: Workload) -> list[bytes]:
    """Return the same events as a realm's log has them.

    Raises:
        ConfigError: as `workload_events`.
    """
    return [encode(event) for event in workload_events(workload)]


def extended_measurement(events: Iterable[Event], hash_algorithm: str) -> bytes:
    """Return REM 1 after events, from a realm's start: 32 or 64 bytes."""
    return replay((encode(event) for event in events), hash_algorithm)


def show_event(event: Event) -> str:
    """Return an event for people; {work} is the session's work directory."""
    if isinstance(event, FileEvent):
        return f"file {_text(event.path)} (mode {event.mode:o}, SHA-256 {event.sha256.hex()})"
    if isinstance(event, AttestEvent):
        return f"token for the nonce {event.nonce.hex()}"
    if isinstance(event, FailedEvent):
        return "that failed"
    if isinstance(event, EndEvent):
        return "end of the session"
    if not isinstance(event, RunEvent):
        raise TypeError(type(event).__name__)
    words = " ".join(map(_text, event.argv)) or "a shell"
    env = "".join(f" {_text(entry)}" for entry in event.env)
    script = f", script's SHA-256 {event.program.hex()}" if event.program else ""
    return f"run {words} (in {_text(event.cwd)}{script}{', with' if env else ''}{env})"


def _put(path: Path, remote: str, work: bytes) -> Event:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            content = hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    return file_event(os.fsencode(remote), mode, content, work_dir=work)


def _text(word: bytes) -> str:
    text = os.fsdecode(word.replace(WORK_DIR, _WORK))
    return text if text.isprintable() and text and " " not in text else repr(text)
