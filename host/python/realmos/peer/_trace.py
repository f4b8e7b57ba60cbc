# SPDX-License-Identifier: BSD-3-Clause
"""The calls of OP-TEE that Linux made, from what its kernel noted of each secure monitor call.

A call begins when Linux first leaves for OP-TEE, and is over when OP-TEE has answered it. Between,
OP-TEE may call back: to be lent memory or a file, or because of an interrupt.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import realmos_abi

from realmos.errors import MachineError

_SMC = realmos_abi.load("optee_smc")
_CALLS = {_SMC[f"OPTEE_SMC_CALL_WITH_{what}"] for what in ("ARG", "RPC_ARG", "REGD_ARG")}
_RETURN = _SMC["OPTEE_SMC_RETURN_FROM_RPC"]
_RPC_MASK, _RPC = _SMC["OPTEE_SMC_RPC_MASK"], _SMC["OPTEE_SMC_RPC_PREFIX"]
_UNKNOWN = _SMC["OPTEE_SMC_UNKNOWN_FUNCTION"]

_WRITTEN = re.compile(r"^# entries-in-buffer/entries-written: (\d+)/(\d+) ", re.MULTILINE)
_EVENT = re.compile(r": optee_invoke_fn_(begin|end): param=\S+ (?:ret )?\(([0-9a-f]+),")
_MOMENT = re.compile(r"^\d+ \d+ (\d+) type: \d+$")


@dataclass(frozen=True)
class Call:
    """One call of OP-TEE.

    Attributes:
        begin: when Linux left for it, in nanoseconds of CLOCK_MONOTONIC.
        end: when its answer was there.
    """

    begin: int
    end: int

    @property
    def took(self) -> int:
        """Nanoseconds between the two."""
        return self.end - self.begin


@dataclass(frozen=True)
class _Event:
    moment: int
    is_end: bool
    register: int

    @property
    def asks(self) -> bool:
        """Whether OP-TEE wants something of Linux, and will go on."""
        return self.register & _RPC_MASK == _RPC and self.register != _UNKNOWN


def read_calls(text: str, raw: str) -> list[Call]:
    """Return the calls of a trace, in their order.

    Args:
        text: the trace for people, whose times are microseconds.
        raw: the same, of which only the times can be read, in nanoseconds.

    Raises:
        MachineError: it is not whole, or not what such a trace looks like.
    """
    written = _WRITTEN.search(text)
    if written is None or written[1] != written[2]:
        raise MachineError(
            "the trace of OP-TEE's calls is not whole", hint="measure fewer samples: --count"
        )
    return list(_calls(_events(_lines(text), _lines(raw))))


def _lines(trace: str) -> list[str]:
    return [line for line in trace.splitlines() if line and not line.startswith("#")]


def _events(text: Sequence[str], raw: Sequence[str]) -> Iterator[_Event]:
    if len(text) != len(raw):
        raise MachineError(f"OP-TEE's calls were traced in {len(text)} and {len(raw)} lines")
    for line, other in zip(text, raw, strict=True):
        event, moment = _EVENT.search(line), _MOMENT.match(other)
        if event is None or moment is None:
            raise MachineError(f"no trace of OP-TEE's calls: {line.strip()!r}, {other!r}")
        yield _Event(int(moment[1]), event[1] == "end", int(event[2], 16))


def _calls(events: Iterable[_Event]) -> Iterator[Call]:
    begin = None
    for event in events:
        if not event.is_end:
            if event.register in _CALLS:
                begin = event.moment
            elif event.register != _RETURN:
                raise MachineError(f"a call {event.register:#x} of OP-TEE that is not known here")
        elif begin is not None and not event.asks:
            yield Call(begin, event.moment)
            begin = None
