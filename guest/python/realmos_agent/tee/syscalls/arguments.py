# SPDX-License-Identifier: BSD-3-Clause
"""The arguments of a system call, out of the bytes of a CALL: see docs/ta-runner.md, arguments."""

import struct

from realmos_agent.tee import call_params, numbers, runner_numbers
from realmos_agent.tee.errors import ForgedCall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.params import Params
    from realmos_agent.tee.parts import Body

    Attribute = tuple[int, tuple[int, int] | bytes]
    Descriptors = tuple[tuple[str, int, int], ...]
    # What an output may hold: a number of bytes, the sizes of buffers, parameters, or nothing.
    Room = int | tuple[int | None, ...] | Params | None

_WORD = struct.Struct("<Q")
_U32_MAX = 0xFFFF_FFFF
_U64_MAX = 0xFFFF_FFFF_FFFF_FFFF
_I32_END = 1 << 31

_BYTES = frozenset({numbers.ARG_IN, numbers.ARG_IN_OWN, numbers.ARG_IN_ZEROS, numbers.ARG_INSTRUCT})
_CAPACITIES = {
    numbers.ARG_OUT: _U64_MAX,
    numbers.ARG_OUT32: _U32_MAX,
    numbers.ARG_READ: _U64_MAX,
    numbers.ARG_FILL: runner_numbers.LENGTH_MAX,
}
_FIXED = {numbers.ARG_RET32: 4, numbers.ARG_RET64: 8}


class Arguments:
    """Reads the arguments of one call, once.

    Attributes:
        values: what the handler is called with, in order.
        rooms: for each output argument its kind and what it may hold.
    """

    def __init__(self, descriptors: "Descriptors", body: "Body") -> None:
        """Read `body`.

        Raises:
            ForgedCall: a runner would not have sent this.
            TeeError: the TA has no right to use such parameters.
        """
        self._body = body
        self._at = 0
        self.values: list[object] = []
        self.rooms: list[tuple[int, Room]] = []
        for _, kind, size in descriptors:
            if kind == numbers.ARG_U32:
                self.values.append(self._word(_U32_MAX))
            else:
                self._argument(kind, size)
        if self._at != len(body):
            raise ForgedCall(f"{len(body) - self._at} bytes behind the arguments")

    def _argument(self, kind: int, size: int) -> None:
        if kind in _BYTES:
            self.values.append(self._bytes(size if kind == numbers.ARG_INSTRUCT else None))
        elif kind in _CAPACITIES:
            capacity = self._word(_CAPACITIES[kind])
            self.values.append(capacity)
            self.rooms.append((kind, capacity))
        elif kind in _FIXED:
            self.rooms.append((kind, _FIXED[kind]))
        elif kind == numbers.ARG_OUTSTRUCT:
            self.rooms.append((kind, size))
        else:
            self._rare(kind)

    def _rare(self, kind: int) -> None:
        room: Room
        value: object
        if kind == numbers.ARG_U64:
            self.values.append(self._word())
            return
        if kind == numbers.ARG_I32:
            self.values.append(self._signed())
            return
        if kind == numbers.ARG_ATTRS:
            self.values.append(self._attributes())
            return
        if kind == numbers.ARG_ATTRS_INOUT:
            value = attributes = self._attributes()
            room = tuple(len(held) if isinstance(held, bytes) else None for _, held in attributes)
        elif kind == numbers.ARG_PARAMS:
            value, self._at = call_params.decode(self._body, self._at)
            room = value
        elif kind == numbers.ARG_OUT32_OPT:
            capacity = self._word()
            value = room = None if capacity == numbers.CAPACITY_NOT_WANTED else capacity
            if room is not None and room > _U32_MAX:
                raise ForgedCall(f"capacity {room:#x}")
        elif kind == numbers.ARG_RET32_OPT:
            value = bool(self._word(1))
            room = _FIXED[numbers.ARG_RET32] if value else None
        else:
            raise AssertionError(f"no such kind of argument: {kind}")
        self.values.append(value)
        self.rooms.append((kind, room))

    def _word(self, most: int = _U64_MAX) -> int:
        end = self._at + _WORD.size
        if end > len(self._body):
            raise ForgedCall("arguments that are cut short")
        (word,) = _WORD.unpack_from(self._body, self._at)
        self._at = end
        assert isinstance(word, int)
        if word > most:
            raise ForgedCall(f"a number {word:#x}, {most:#x} at most")
        return word

    def _signed(self) -> int:
        word = self._word()
        number = word - (1 << 64) if word >> 63 else word
        if not -_I32_END <= number < _I32_END:
            raise ForgedCall(f"a number {number} that has more than 32 bits")
        return number

    def _bytes(self, exactly: int | None = None) -> bytes:
        size = self._word()
        start = self._at
        if size > len(self._body) - start or exactly not in (None, size):
            raise ForgedCall(f"{size} bytes of {len(self._body) - start}")
        self._at = start + size
        return bytes(self._body[start : self._at])

    def _attributes(self) -> "tuple[Attribute, ...]":
        count = self._word(numbers.CALL_ATTRIBUTES_MAX)
        return tuple(self._attribute() for _ in range(count))

    def _attribute(self) -> "Attribute":
        number = self._word(_U32_MAX)
        if number & numbers.ATTR_FLAG_VALUE:
            # A TA has two words of 64 bits for them, of which GlobalPlatform's API uses half.
            return number, (self._word() & _U32_MAX, self._word() & _U32_MAX)
        return number, self._bytes()
