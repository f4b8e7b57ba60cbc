# SPDX-License-Identifier: BSD-3-Clause
"""A debugger at a TA, for development: its first instance waits for gdb, in QEMU's user mode.

What is loaded is at the same addresses each time, so that gdb can be told where to stop before
there is a TA. The core writes the gdb commands that read the symbols of what is loaded.
"""

import os
import threading
from uuid import UUID

from realmos_agent.tee.addresses import FIRST, SteadySpace
from realmos_agent.tee.loader import Placed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from realmos_agent.tee.loader import Loader, Ready, Segment
    from realmos_agent.tee.loader.image import Prepared
    from realmos_agent.tee.loader.placed import Base, Object

BASE = FIRST
"""Where the TA itself is."""
SOCKET = "gdb"
"""The socket that gdb connects to, in the debugger's directory; symbols are in UUID.elf there."""
SCRIPT = "objects.gdb"
"""The gdb commands that read symbols; those of what has been read are not read again."""


class Debugger:
    """Of one TA.

    Args:
        spec: UUID=DIR; the directory is the debugger's.

    Raises:
        ValueError: it is no such thing.
    """

    def __init__(self, spec: str) -> None:
        uuid, _, self._directory = spec.partition("=")
        self._uuid = UUID(uuid)
        self._lock = threading.Lock()
        self._taken = False

    def takes(self, uuid: UUID) -> bool:
        """Whether an instance that is to be made is the one to debug: the first of its TA."""
        with self._lock:
            if self._taken or uuid != self._uuid:
                return False
            self._taken = True
            return True

    def argv(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """Return the emulated runner's command line, waiting for gdb.

        A sandbox would close the debugger's connection, and part gdb and the TA by a fork.
        """
        emulator, *words = argv
        return (emulator, "-g", os.path.join(self._directory, SOCKET), *words, "--bare")

    def loader(self, loader: "Loader | Ready") -> "DebugLoader":
        """Return what loads the TA."""
        return DebugLoader(loader, self)

    def space(self) -> SteadySpace:
        """Return an address space for it."""
        return SteadySpace()

    def tell(self, objects: "Sequence[Object]") -> None:
        """Write what is loaded.

        Raises:
            OSError: that cannot be written.
        """
        path = os.path.join(self._directory, SCRIPT)
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            for number, each in enumerate(objects):
                symbols = os.path.join(self._directory, f"{each.uuid}.elf")
                file.write(
                    f"if $ta_objects == {number}\n"
                    f'  add-symbol-file "{symbols}" -o {each.base:#x}\n'
                    "  set $ta_objects = $ta_objects + 1\n"
                    "end\n"
                )
        os.replace(f"{path}.new", path)


class DebugLoader:
    """Loads TAs as another loader does, and tells a debugger what it loads."""

    def __init__(self, loader: "Loader | Ready", debugger: Debugger) -> None:
        self._loader = loader
        self._debugger = debugger

    def load(self, uuid: UUID, dispatcher: int, base: "Base") -> "DebugPlaced":
        """Return a TA, as `Loader.load` does."""
        return DebugPlaced(uuid, self._loader.prepare, dispatcher, base, self._debugger)


class DebugPlaced(Placed):
    """A TA in one address space, whose objects a debugger knows."""

    def __init__(
        self,
        uuid: UUID,
        prepare: "Callable[[UUID], Prepared]",
        dispatcher: int,
        base: "Base",
        debugger: Debugger,
    ) -> None:
        """Place it, as `Placed` does."""
        super().__init__(uuid, prepare, dispatcher, base)
        self._debugger = debugger
        debugger.tell(self.objects)

    def open_library(
        self, uuid: UUID, base: "Base"
    ) -> "tuple[Sequence[Segment], Sequence[tuple[int, bytes]]]":
        """Add a library and what it needs."""
        added = super().open_library(uuid, base)
        self._debugger.tell(self.objects)
        return added
