# SPDX-License-Identifier: BSD-3-Clause
"""Where a TEE keeps its TAs' objects: a directory here, sealed under a key that is not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from realmos_agent.tee.keeping import HUB
from realmos_agent.tee.storage import Backend, DirectoryBackend, StoreError

from realmos.errors import ConfigError


@dataclass(frozen=True)
class Keeping:
    """What a core is to keep objects with.

    Attributes:
        directory: where they are.
        identity: whose key and counter at a broker they have; "" for everybody's key.
        broker: that broker's key, as `realmos broker key` prints it.
    """

    directory: Path
    identity: str = ""
    broker: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """What is in the core's command line for it, and so in REM 1."""
        words: tuple[str, ...] = ("--storage", HUB)
        if self.identity:
            words += ("--identity", self.identity, "--broker", self.broker)
        return words

    @contextmanager
    def open(self) -> Iterator[Backend]:
        """Have the directory, as nobody else has it.

        Raises:
            ConfigError: it is something else, or in use.
        """
        try:
            held = DirectoryBackend(str(self.directory))
        except OSError as error:
            raise ConfigError(f"{self.directory}: {error.strerror}") from error
        except StoreError as error:
            raise ConfigError(error.cause, hint="--storage DIR makes a new directory") from error
        try:
            yield held
        finally:
            held.close()


@contextmanager
def opened(keeping: Keeping | None) -> Iterator[Backend | None]:
    """Have the directory of `keeping`, if there is one; see `Keeping.open`."""
    if keeping is None:
        yield None
        return
    with keeping.open() as held:
        yield held
