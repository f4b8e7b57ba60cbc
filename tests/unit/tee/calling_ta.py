# SPDX-License-Identifier: BSD-3-Clause
"""A Trusted Application in a real runner that makes the system calls it is told to make.

The core is the dispatcher with its handlers, and what it needs of an instance.
"""

import struct
from pathlib import Path
from typing import TYPE_CHECKING, cast

from realmos_agent.tee import numbers as n
from realmos_agent.tee.handles import HandleTable
from realmos_agent.tee.parts import Call, Returned
from realmos_agent.tee.syscalls.table import Dispatcher
from ta_code import DATA, TinyTa

if TYPE_CHECKING:
    from realmos_agent.tee.context import TaContext

DISPATCHER = Dispatcher()
RECORD = DATA
LENGTHS = DATA + 0x100
INPUT = DATA + 0x200
MORE_INPUT = DATA + 0x600
OUTPUT = DATA + 0x1000
TAG = DATA + 0x1C00
ROOM = 0x400

# Do what the record says, and leave the result behind it.
_CODE = """
    let     x19, DATA
    ldr     x8, [x19]
    ldp     x0, x1, [x19, #8]
    ldp     x2, x3, [x19, #24]
    ldp     x4, x5, [x19, #40]
    ldp     x6, x7, [x19, #56]
    adr     x17, 9f
    ldr     x16, dispatcher
    br      x16
9:  bti     j
    finish
"""


class CallingTa:
    """The TA, as the core sees it, and as its author does.

    Args:
        argv: the runner.
        local: states may be given to the runner.

    Attributes:
        asked: the numbers of the calls that came to the core.
        given: the handles of states that were given away, and what of them.
    """

    def __init__(
        self, argv: tuple[str, ...], compiler: str, out: Path, *, local: bool = True
    ) -> None:
        self.handles = HandleTable()
        self.asked: list[int] = []
        self.given: list[tuple[int, int, int, bytes]] = []
        self._local = local
        self.tiny = TinyTa(argv, _CODE, compiler, out)

    def give_state(self, handle: int, algorithm: int, mode: int, key: bytes) -> None:
        """Pass it on, as an instance does."""
        self.given.append((handle, algorithm, mode, key))
        if self._local:
            self.tiny.runner.give_state(handle, algorithm, mode, key)

    def take_key(self, handle: int) -> None:
        """Pass it on."""
        if self._local:
            self.tiny.runner.take_key(handle)

    def call(self, number: int, *registers: int) -> int:
        """Make a call and return its result."""
        words = (number, *registers, *(0,) * (8 - len(registers)))
        self.tiny.runner.write(RECORD, struct.pack("<9Q", *words))
        event = self.tiny.enter()
        while isinstance(event, Call):
            self.asked.append(event.number)
            answer = DISPATCHER(cast("TaContext", self), event.number, event.arguments, event.body)
            event = self.tiny.runner.answer(answer)
        assert isinstance(event, Returned), event
        return event.result

    def read(self, address: int, size: int) -> bytes:
        """Return what the TA's memory holds."""
        return bytes(self.tiny.runner.fetch(address, size))

    def put(self, address: int, data: bytes) -> tuple[int, int]:
        """Have bytes in the TA's memory; return address and length."""
        if data:
            self.tiny.runner.write(address, data)
        return address, len(data)

    def room(self, address: int, capacity: int, which: int = 0) -> tuple[int, int]:
        """Have an empty output of so many bytes; return its address, and that of its length."""
        length = LENGTHS + 8 * which
        self.tiny.runner.write(length, struct.pack("<Q", capacity))
        return address, length

    def length(self, which: int = 0) -> int:
        """Return what an output's length has become."""
        (size,) = struct.unpack("<Q", self.read(LENGTHS + 8 * which, 8))
        assert isinstance(size, int)
        return size

    def alloc(self, algorithm: int, mode: int, key: int = 0) -> int:
        """Make a state; return its handle."""
        code = self.call(n.CALL_CRYP_STATE_ALLOC, algorithm, mode, key, 0, OUTPUT)
        assert code == n.SUCCESS, hex(code)
        return int.from_bytes(self.read(OUTPUT, 4), "little")

    def take(self, number: int, state: int, data: bytes = b"") -> int:
        """Make a call that has a state and bytes, and return its result."""
        return self.call(number, state, *self.put(INPUT, data))

    def make(
        self, number: int, state: int, data: bytes, capacity: int = ROOM
    ) -> tuple[int, int, bytes]:
        """Make a call that gives bytes; return result, length and, if it succeeds, the bytes."""
        place = (*self.put(INPUT, data), *self.room(OUTPUT, capacity))
        code = self.call(number, state, *place)
        size = self.length()
        return code, size, self.read(OUTPUT, size) if code == n.SUCCESS else b""
