# SPDX-License-Identifier: BSD-3-Clause
"""What the manager of TAs needs from the rest of the core, as protocols.

The loader gives placed images, a runner is a process that holds one, the dispatcher serves system
calls. Nothing here does anything: each has its home elsewhere, and tests put others in its place.
"""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from realmos_agent.tee.chain import Chain
    from realmos_agent.tee.instance import Instance
    from realmos_agent.tee.params import Params
else:
    Protocol = object  # which type checkers alone need, and which take long to make

Body = bytes | memoryview
"""The arguments of a system call."""

Base = Callable[[int], int]
"""Gives the free, page-aligned address of so many bytes."""


class Segment(Protocol):
    """Memory of a TA as it shall be when the TA begins."""

    @property
    def address(self) -> int:
        """Where it lies."""

    @property
    def size(self) -> int:
        """How long it is; what lies behind `data` is zero."""

    @property
    def prot(self) -> int:
        """What the TA may do with it."""

    @property
    def data(self) -> bytes:
        """What it holds."""


class Placed(Protocol):
    """A TA with its libraries, relocated and patched for one place in one address space."""

    @property
    def flags(self) -> int:
        """The flags of its head."""

    @property
    def stack_size(self) -> int:
        """How much stack it wants."""

    @property
    def entry(self) -> int:
        """Where it is entered."""

    def take_segments(self) -> Sequence[Segment]:
        """Return all of its memory but the stack, once: it is not kept beside what is mapped."""

    def open_library(
        self, uuid: UUID, base: Base
    ) -> tuple[Sequence[Segment], Sequence[tuple[int, bytes]]]:
        """Add a library; return its segments, and what changes in those that are there."""

    def symbol(self, uuid: UUID | None, name: str) -> int | None:
        """Return the address of a symbol of one object, or of any."""

    def locate(self, address: int) -> str:
        """Say, for people, where in which object an address lies."""


class Loader(Protocol):
    """Where TAs come from."""

    def load(self, uuid: UUID, dispatcher: int, base: Base) -> Placed:
        """Return a TA, placed at addresses of `base`, its system calls led to `dispatcher`."""


class Entry(NamedTuple):
    """How a TA is entered; `types` and `vals` are its utee_params."""

    function: int
    command: int
    session: int
    address: int
    stack_top: int
    types: int
    vals: tuple[int, ...]


class Call(NamedTuple):
    """The TA makes a system call."""

    number: int
    arguments: int
    body: Body


class Returned(NamedTuple):
    """The TA has returned; `data` has the bytes of its output memory, or is empty."""

    result: int
    vals: tuple[int, ...]
    data: Body = b""


class Fault(NamedTuple):
    """The TA did what its memory or the processor does not allow.

    `frames` are return addresses, innermost first.
    """

    signal: int
    code: int
    address: int
    pc: int
    lr: int
    sp: int
    frames: tuple[int, ...] = ()


Event = Call | Returned | Fault


class RunnerError(Exception):
    """A runner does not answer as a runner should; its TA is lost."""


class Refused(RunnerError):  # noqa: N818 -- it is no end of the runner
    """A runner did not do what it was told, for a reason that it gave; it lives on."""

    def __init__(self, what: str, status: int) -> None:
        super().__init__(f"{what}: {os.strerror(status)}")
        self.status = status


class Runner(Protocol):
    """One process that holds one TA. Any of its methods may raise RunnerError."""

    @property
    def dispatcher(self) -> int:
        """Where system calls are to go."""

    @property
    def socket(self) -> int:
        """The descriptor of its socket."""

    def map(self, address: int, size: int, prot: int, data: bytes, *, stack: bool) -> None:
        """Give the TA memory; below a stack there will be nothing."""

    def map_all(self, segments: Sequence[Segment], stack: tuple[int, int] | None = None) -> None:
        """Give the TA segments and, if there is one, a stack: its address and size."""

    def unmap(self, address: int, size: int) -> None:
        """Take memory back."""

    def write(self, address: int, data: bytes) -> None:
        """Change memory that the TA may write."""

    def region(self, address: int, data: Body, *, secure: bool) -> None:
        """Give the TA memory for the call that comes."""

    def give_state(self, handle: int, algorithm: int, mode: int, key: bytes) -> None:
        """Give it a state of the TA's, while a system call is open."""

    def take_key(self, handle: int) -> None:
        """Take a state's key back, while a system call is open."""

    def enter(self, entry: Entry) -> Event:
        """Enter the TA, and return what it does next."""

    def resume(self, said: bytes) -> Event:
        """Return what the TA does that was entered; `said` is what has come of that so far."""

    def reply(self, body: bytes) -> None:
        """Answer a system call."""

    def event(self) -> Event:
        """Return what the TA does next."""

    def fetch(self, address: int, size: int) -> Body:
        """Return what the TA's memory holds."""

    def close(self) -> None:
        """End the process."""


class Dispatch(Protocol):
    """Serves system calls."""

    def __call__(self, ta: "Instance", number: int, count: int, body: Body) -> bytes:
        """Serve one call: its arguments in, its result and outputs out."""


class PseudoTa(Protocol):
    """A service of the core that TAs, and some of them clients too, reach like a TA."""

    @property
    def uuid(self) -> UUID:
        """Its UUID."""

    def open(self, chain: "Chain", params: "Params") -> object:
        """Open a session; return what is to be kept for it."""

    def invoke(self, chain: "Chain", context: object, command: int, params: "Params") -> None:
        """Do what a command says."""

    def close(self, context: object) -> None:
        """Close a session."""
