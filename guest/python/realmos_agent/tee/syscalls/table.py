# SPDX-License-Identifier: BSD-3-Clause
"""Dispatch of system calls: from the bytes that a runner sends to a handler, and back.

What comes is checked against the descriptions of calls that the runner too is made from. A
Trusted Application shares its runner's address space, so it may well be the author of what
comes: anything that the runner's own code would not send ends the instance.
"""

from importlib import import_module

from realmos_agent.tee import numbers
from realmos_agent.tee.errors import ForgedCall, ShortBuffer, TaPanic, TeeError
from realmos_agent.tee.parts import RunnerError
from realmos_agent.tee.syscalls import outputs
from realmos_agent.tee.syscalls.arguments import Arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from realmos_agent.tee.context import TaContext
    from realmos_agent.tee.parts import Body
    from realmos_agent.tee.syscalls.arguments import Descriptors

    Handler = Callable[..., object]

FAMILIES = (
    "asymmetric",
    "authenc",
    "cache",
    "cancellation",
    "cipher",
    "hash",
    "log",
    "objects",
    "panic",
    "properties",
    "sessions",
    "states",
    "storage",
    "time",
)

# Calls that a runner serves itself.
_RUNNERS_OWN = frozenset(
    {
        numbers.CALL_RETURN,
        numbers.CALL_CHECK_ACCESS_RIGHTS,
        numbers.CALL_CRYP_RANDOM_NUMBER_GENERATE,
    }
)


def handlers() -> "dict[int, Handler]":
    """Return the handlers of all families, by the numbers of their calls."""
    found: dict[int, Handler] = {}
    for family in FAMILIES:
        module = import_module(f"realmos_agent.tee.syscalls.{family}")
        for number, handler in module.HANDLERS.items():
            if number not in numbers.CALLS or number in found or number in _RUNNERS_OWN:
                raise ValueError(f"{family} handles call {number}, which it must not")
            found[number] = handler
    return found


class Dispatcher:
    """Serves the system calls of all TAs; holds nothing that belongs to one.

    Args:
        table: the handlers, for tests; by default all that there are.
    """

    def __init__(self, table: "dict[int, Handler] | None" = None) -> None:
        """Find the handlers."""
        self._table = handlers() if table is None else table

    def __call__(self, ta: "TaContext", number: int, count: int, body: "Body") -> bytes:
        """Serve one call and return the body of its RESULT.

        Args:
            ta: who calls.
            number: the call.
            count: how many arguments its message says it has.
            body: the arguments.

        Raises:
            TaPanic: the TA ends, because it wants to, because it forged the call, or because the
                core itself failed in it: what was half done then has no owner any more.
            RunnerError: its runner does not do what it is told, or the TA has been ended.
        """
        if number not in numbers.CALLS or number in _RUNNERS_OWN:
            raise ForgedCall(f"number {number}")
        name, descriptors = numbers.CALLS[number]
        if count != len(descriptors):
            raise ForgedCall(f"{name} with {count} arguments")
        try:
            return self._serve(ta, number, descriptors, body)
        except (TaPanic, RunnerError):
            raise
        except Exception as error:
            raise TaPanic(numbers.ERROR_GENERIC, f"the core failed in {name}: {error!r}") from error

    def _serve(
        self, ta: "TaContext", number: int, descriptors: "Descriptors", body: "Body"
    ) -> bytes:
        try:
            arguments = Arguments(descriptors, body)
        except TeeError as error:
            return outputs.plain(error.code)
        if number not in self._table:
            return outputs.plain(numbers.ERROR_NOT_IMPLEMENTED)
        try:
            returned = self._table[number](ta, *arguments.values)
        except ShortBuffer as error:
            return outputs.short(arguments.rooms, error)
        except TeeError as error:
            if error.outputs is None:
                return outputs.plain(error.code)
            return outputs.failure(arguments.rooms, error.code, error.outputs)
        return outputs.success(arguments.rooms, returned)
