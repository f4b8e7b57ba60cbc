# SPDX-License-Identifier: BSD-3-Clause
"""Where a running TA has the memory of a call's parameters, and how its answers come back."""

from realmos_agent.tee import numbers
from realmos_agent.tee.params import Memref, Value
from realmos_agent.tee.parts import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from realmos_agent.tee.addresses import AddressSpace
    from realmos_agent.tee.params import Params
    from realmos_agent.tee.parts import Returned, Runner


class CallMemory:
    """The memory of one call, for as long as that takes.

    Args:
        params: of the call.
        runner: of the TA.
        space: the TA's addresses.
    """

    def __init__(self, params: "Params", runner: "Runner", space: "AddressSpace") -> None:
        self._params = params
        self._runner = runner
        self._space = space
        self._bases: list[int] = []
        self._addresses: dict[int, int] = {}  # of each region, by its identity

    def map(self) -> None:
        """Give the TA the memory of the call.

        Raises:
            TeeError: it has no addresses left for it.
        """
        for region in self._params.regions:
            base = self._space.reserve(region.shift + len(region.data))
            self._bases.append(base)
            self._addresses[id(region)] = base + region.shift
        # Only now: what the runner has been given is there at the next entry, whosever it is.
        for region in self._params.regions:
            address = self._addresses[id(region)]
            self._runner.region(address, memoryview(region.data), secure=region.secure)

    def adopt(self, addresses: "Iterable[int]") -> None:
        """Take it that the edge has given the TA the memory, at these addresses."""
        self._addresses = dict(zip(map(id, self._params.regions), addresses, strict=False))

    def release(self) -> None:
        """Have the addresses back."""
        for base in self._bases:
            self._space.release(base)

    def vals(self) -> tuple[int, ...]:
        """Return the eight words of a utee_params."""
        vals: list[int] = []
        for place, slot in enumerate(self._params.slots):
            if isinstance(slot, Memref):
                vals += (0 if slot.region is None else self._address(slot), slot.size)
            elif (
                isinstance(slot, Value)
                and self._params.kind(place) != numbers.PARAM_TYPE_VALUE_OUTPUT
            ):
                vals += (slot.a, slot.b)
            else:
                vals += (0, 0)
        return tuple(vals)

    def take(self, event: "Returned") -> None:
        """Take a TA's answers into the parameters.

        Raises:
            RunnerError: the runner says what it cannot say.
        """
        memory = []
        for place, slot in enumerate(self._params.slots):
            if not self._params.is_output(place):
                continue
            a, b = event.vals[2 * place : 2 * place + 2]
            if isinstance(slot, Value):
                slot.a, slot.b = a & 0xFFFF_FFFF, b & 0xFFFF_FFFF
            elif isinstance(slot, Memref):
                slot.size = b
                if slot.region is not None and 0 < b <= slot.capacity:
                    memory.append((slot, self._address(slot)))
        came, data = len(event.data), event.data
        if came and came != sum(slot.size for slot, _ in memory):
            raise RunnerError(f"{came} bytes of output memory, which is out of place")
        for slot, address in memory:
            size = slot.size
            slot.view[:size] = data[:size] if came else self._runner.fetch(address, size)
            data = data[size:]

    def _address(self, slot: Memref) -> int:
        return self._addresses[id(slot.region)] + slot.offset
