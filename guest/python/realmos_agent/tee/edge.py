# SPDX-License-Identifier: BSD-3-Clause
"""The edge of the core: where the tee wire comes in, and answers go out.

The library of guest/optee/edge serves an invocation by itself whose instance is idle and whose TA
asks for nothing. For that it borrows instances from the manager: see `Loan`. Without the library
there is the same edge, which serves nothing.
"""

import os
from functools import cache
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from realmos_agent.tee.instance import Instance

PATIENCE_MS = 20
"""How long the edge keeps a call: longer ones are worth the core's threads."""
_READ = 1 << 16


class Begun(NamedTuple):
    """A call that the edge has begun, and that is the core's from now on.

    Attributes:
        session: its session's number.
        frame: of the request.
        said: what the runner has said since it was told to enter the TA.
        addresses: where the request's regions are in the TA.
    """

    session: int
    frame: bytes
    said: bytes
    addresses: tuple[int, ...]


class Place(NamedTuple):
    """What the edge knows of an instance: how it is reached and entered, and free addresses."""

    socket: int
    entry: int
    stack_top: int
    window: int


class Loan:
    """An instance and the edge: of this class, if the edge has nothing to do with it."""

    def take(self) -> bool:
        """Have the instance back; False if a call runs in it. What becomes of that will be told."""
        return True

    def give(self) -> None:
        """Let the edge begin calls in the instance."""

    def drop(self) -> None:
        """Let the edge forget the instance, which is the core's or does nothing."""

    def add(self, session: int, client: int) -> None:
        """Let the edge serve a client's session."""

    def forget(self, session: int) -> None:
        """Let it serve that no more."""


NO_LOAN = Loan()


class Edge:
    """An edge that begins no calls.

    Args:
        out: the descriptor that answers go to, if any are sent.

    Attributes:
        calls_max: how many calls are the edge's at a time.
        window: how much free address space it wants in an instance.
    """

    def __init__(self, out: int = -1) -> None:
        self._out = out
        self.calls_max = 0
        self.window = 0

    def serve(
        self,
        source: int,
        receive: "Callable[[bytes], None]",
        adopt: "Callable[[Begun], None]",
        freed: "Callable[[], None]",
    ) -> None:
        """Serve what comes from a descriptor until it ends.

        Args:
            source: the descriptor.
            receive: takes bytes of the stream.
            adopt: takes a call, whose instance the core has from then on.
            freed: is told that an instance could be taken that could not before.

        Raises:
            OSError: it cannot be read.
        """
        del adopt, freed
        while data := os.read(source, _READ):
            receive(data)

    def send(self, data: bytes) -> None:
        """Send one frame; by one thread at a time.

        Raises:
            OSError: nobody takes it.
        """
        view = memoryview(data)
        while view:
            view = view[os.write(self._out, view) :]

    def lend(self, instance: "Instance") -> Loan:
        """Make an instance known, which is the core's until it is given."""
        del instance
        return NO_LOAN

    def forget_client(self, client: int) -> None:
        """Serve no sessions of a client any more but those that are added."""


@cache
def _load(library: str) -> "Any":  # noqa: ANN401 - cffi's objects have no types
    from realmos_agent.tee._edge_abi import ffi

    return ffi.dlopen(library)


class NativeEdge(Edge):
    """The edge of the library.

    Args:
        library: its path.
        out: the descriptor that answers go to.
        patience_ms: how long it keeps a call.

    Raises:
        OSError: it cannot be loaded.
        MemoryError: there is no memory for it.
    """

    def __init__(self, library: str, out: int, patience_ms: int = PATIENCE_MS) -> None:
        from realmos_agent.tee._edge_abi import ffi

        super().__init__(out)
        self._ffi = ffi
        self._lib = _load(library)
        # There is one in a process, as long as that: threads may use it to the end.
        self._edge = self._lib.edge_new(out, patience_ms)
        if not self._edge:
            raise MemoryError
        self.window = self._lib.edge_window()
        self.calls_max = self._lib.edge_calls_max()

    def serve(
        self,
        source: int,
        receive: "Callable[[bytes], None]",
        adopt: "Callable[[Begun], None]",
        freed: "Callable[[], None]",
    ) -> None:
        """Serve what comes from a descriptor until it ends."""
        lib, event = self._lib, self._ffi.new("struct edge_event *")
        while True:
            lib.edge_wait(self._edge, source, event)
            kind = event.kind
            if kind == lib.EDGE_INPUT:
                receive(self._bytes(event.bytes, event.size))
            elif kind == lib.EDGE_ADOPT:
                adopt(self._begun(event))
            elif kind == lib.EDGE_FREED:
                freed()
            elif kind == lib.EDGE_END:
                return
            elif kind == lib.EDGE_FAILED:
                raise OSError(event.number, os.strerror(event.number))

    def send(self, data: bytes) -> None:
        """Send one frame."""
        error = self._lib.edge_send(self._edge, self._ffi.from_buffer(data), len(data))
        if error:
            raise OSError(error, os.strerror(error))

    def lend(self, instance: "Instance") -> Loan:
        """Make an instance known, if it has a place for the edge."""
        if instance.place is None:
            return NO_LOAN
        number = self._lib.edge_lend(self._edge, *instance.place)
        return NO_LOAN if number < 0 else _NativeLoan(self._lib, self._edge, number)

    def forget_client(self, client: int) -> None:
        """Serve no sessions of a client any more."""
        self._lib.edge_forget_client(self._edge, client)

    def _begun(self, event: "Any") -> Begun:  # noqa: ANN401 - the same
        frame = self._bytes(event.bytes, event.size)
        said = self._bytes(event.said, event.said_size)
        return Begun(event.number, frame, said, tuple(event.addresses))

    def _bytes(self, at: "Any", size: int) -> bytes:  # noqa: ANN401 - the same
        return bytes(self._ffi.buffer(at, size))


class _NativeLoan(Loan):
    """An instance that the edge's library knows by a number, which is no other's ever."""

    def __init__(self, lib: "Any", edge: "Any", number: int) -> None:  # noqa: ANN401 - the same
        self._lib = lib
        self._edge = edge
        self._number = number

    def take(self) -> bool:
        """Have the instance back, if no call runs in it."""
        taken: bool = self._lib.edge_take(self._edge, self._number)
        return taken

    def give(self) -> None:
        """Let the edge begin calls in the instance."""
        self._lib.edge_give(self._edge, self._number)

    def drop(self) -> None:
        """Let the edge forget the instance."""
        self._lib.edge_drop(self._edge, self._number)

    def add(self, session: int, client: int) -> None:
        """Let the edge serve a client's session."""
        self._lib.edge_add(self._edge, session, client, self._number)

    def forget(self, session: int) -> None:
        """Let it serve that no more."""
        self._lib.edge_forget(self._edge, session)
