# SPDX-License-Identifier: BSD-3-Clause
"""What system calls see of the TA that makes them: the handlers' view of an instance.

realmos_agent.tee.instance offers it; tests put something smaller in its place.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, Protocol
    from uuid import UUID

    from realmos_agent.tee.clocks import Clocks
    from realmos_agent.tee.handles import HandleTable
    from realmos_agent.tee.storage.objects import Storage
else:
    Protocol = object  # see realmos_agent.tee.parts


class Cancellation(Protocol):
    """Whether the caller of the TA wants it to give up: see realmos_agent.tee.session."""

    @property
    def effective(self) -> bool:
        """Whether it does, and the TA has not masked it."""

    def mask(self, *, masked: bool) -> bool:
        """Mask or unmask it; return whether it was masked."""

    def wait(self, timeout_ms: int) -> bool:
        """Wait; return early, with True, if it comes."""


class Identity(Protocol):
    """Who opened the session."""

    @property
    def login(self) -> int:
        """How it made itself known."""

    @property
    def uuid(self) -> "UUID":
        """What it is known as."""


class Session(Protocol):
    """The session that the TA runs for."""

    @property
    def cancellation(self) -> Cancellation:
        """Its caller's wish to cancel."""


class Services(Protocol):
    """What the core has once, for all TAs."""

    @property
    def clocks(self) -> "Clocks":
        """The time, and what TAs made of it."""

    @property
    def device_id(self) -> "UUID":
        """gpd.tee.deviceID."""

    @property
    def rollback_protection(self) -> int:
        """gpd.tee.trustedStorage.antiRollback.protectionLevel: 0, 100 or 1000."""

    @property
    def storage(self) -> "Storage":
        """The persistent objects; STORAGE_NOT_AVAILABLE if there is no store."""


class TaContext(Protocol):
    """The TA that makes a system call."""

    @property
    def uuid(self) -> "UUID":
        """Which TA it is."""

    @property
    def handles(self) -> "HandleTable":
        """What the core holds for it."""

    @property
    def identity(self) -> Identity:
        """Who opened the session that it runs for."""

    @property
    def session(self) -> Session:
        """The session that it runs for."""

    @property
    def services(self) -> Services:
        """What it shares with others."""

    def give_state(self, handle: int, algorithm: int, mode: int, key: bytes) -> None:
        """Have its runner serve the calls for a state that it begins now."""

    def take_key(self, handle: int) -> None:
        """Have its runner begin nothing more with a state."""

    def log(self, text: str) -> None:
        """Write a line to the log."""

    def panic(self, code: int) -> "NoReturn":
        """End it."""
