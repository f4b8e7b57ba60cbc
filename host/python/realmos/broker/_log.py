# SPDX-License-Identifier: BSD-3-Clause
"""What a broker writes down: each decision with the verdict that it rests on, never a secret."""

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from realmos.attest import Verdict
from realmos.broker._files import make_folder
from realmos.errors import ConfigError

SIZE_MAX: Final = 16 << 20
"""A log that is larger gives way to a new one; the one before is kept as `<name>.1`."""
_NAME_SHOWN = 80


@dataclass(frozen=True)
class Decision:
    """One question, decided.

    Attributes:
        what: what was asked for.
        name: of what; as the realm had it, so anything.
        refusal: why it was refused; empty if it was given.
        counter: of the identity.
        verdict: on the realm's token; None if it was not looked at.
    """

    what: str
    name: str
    refusal: str
    counter: int
    verdict: Verdict | None

    def line(self) -> str:
        """Return the decision for people, in one line of printable characters."""
        rim = worth = ""
        if self.verdict is not None:
            worth = f" ({self.verdict.anchor})"
            if self.verdict.token is not None:
                rim = f" to the realm with RIM {self.verdict.token.realm.rim.hex()}"
        name = f"{self.what} {self.name!r:.{_NAME_SHOWN}}"
        said = f"refused {name}: {self.refusal}" if self.refusal else f"gave {name}{rim}{worth}"
        return said if said.isprintable() else ascii(said)[1:-1]

    def to_json(self) -> dict[str, object]:
        """Return all of it."""
        return {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "decision": "refused" if self.refusal else "given",
            "what": self.what,
            "name": self.name[:_NAME_SHOWN],
            "reason": self.refusal,
            "counter": self.counter,
            "verdict": None if self.verdict is None else self.verdict.to_json(),
        }


class DecisionLog:
    """A file of JSON objects, a line each, and a short line for whoever watches.

    Args:
        path: the file, private to the user.
        say: given the line of each decision.
        complain: given what is wrong with the broker itself.
    """

    def __init__(
        self, path: Path, *, say: Callable[[str], None], complain: Callable[[str], None]
    ) -> None:
        self.path = path
        self.complain = complain
        self._say = say
        self._turn = threading.Lock()

    def note(self, decision: Decision) -> None:
        """Write a decision down.

        Raises:
            ConfigError: it cannot be.
        """
        data = json.dumps(decision.to_json()).encode() + b"\n"
        with self._turn:
            self._append(data)
        self._say(decision.line())

    def _append(self, data: bytes) -> None:
        make_folder(self.path.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags, 0o600)
            try:
                if os.fstat(descriptor).st_size > SIZE_MAX:
                    self.path.replace(self.path.with_name(f"{self.path.name}.1"))
                    os.close(descriptor)
                    descriptor = os.open(self.path, flags, 0o600)
                written = os.write(descriptor, data)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be written: {error.strerror}") from error
        if written < len(data):
            raise ConfigError(f"{self.path} cannot be written: the disk is full")
