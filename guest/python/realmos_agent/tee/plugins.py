# SPDX-License-Identifier: BSD-3-Clause
"""Plugins of tee-supplicant over the tee wire (docs/tee-wire.md): both ends.

A plugin is a program of the client's side. What a TA gives it, and what comes back, is as public as
what it gives its client, and no more to be trusted.
"""

import struct
import threading
from typing import NamedTuple

from realmos_agent.tee import client_numbers, numbers, wire
from realmos_agent.tee.clerk import Clerk
from realmos_agent.tee.errors import TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from realmos_agent.tee.questions import Questions

_CALL = struct.Struct(client_numbers.PLUGIN_FORMAT)
_DONE = struct.Struct(client_numbers.PLUGIN_DONE_FORMAT)
CALL_MAX = _CALL.size + client_numbers.PLUGIN_BYTES_MAX
ANSWER_MAX = _DONE.size + client_numbers.PLUGIN_BYTES_MAX


class Answer(NamedTuple):
    """What a plugin says.

    Attributes:
        result: its TEEC_Result.
        length: of its output, even if that is more than there was room for.
        data: its output, as far as there was room.
    """

    result: int
    length: int
    data: bytes


class Plugins:
    """The core's end.

    Args:
        questions: to the hub.
    """

    def __init__(self, questions: "Questions") -> None:
        self._questions = questions
        self._room = threading.BoundedSemaphore(client_numbers.PLUGIN_CALLS_MAX)

    def invoke(self, uuid: "UUID", command: int, subcommand: int, data: bytes) -> Answer:
        """Call a plugin.

        Raises:
            TeeError: it cannot be called, or there is no answer that makes sense.
        """
        if len(data) > client_numbers.PLUGIN_BYTES_MAX:
            raise TeeError(numbers.ERROR_OUT_OF_MEMORY)
        if not self._room.acquire(blocking=False):
            raise TeeError(numbers.ERROR_BUSY)
        try:
            body = _CALL.pack(uuid.bytes, command, subcommand) + data
            answer = self._questions.ask(client_numbers.KIND_PLUGIN, body)
        except OSError as error:
            raise TeeError(numbers.ERROR_COMMUNICATION) from error
        finally:
            self._room.release()
        if len(answer) < _DONE.size:
            raise TeeError(numbers.ERROR_COMMUNICATION)
        result, length = _DONE.unpack_from(answer)
        output = answer[_DONE.size :]
        if len(output) != min(length, len(data)):
            raise TeeError(numbers.ERROR_COMMUNICATION)
        return Answer(result, length, output)


class Callee(Clerk):
    """The hub's end.

    Args:
        call: gives a call to who runs plugins, and returns the answer; raises OSError if that has
            ended.
        wake: called, by the thread, when there is an answer.
    """

    def __init__(self, call: "Callable[[bytes], bytes]", wake: "Callable[[], None]") -> None:
        # What hangs in a plugin ends with it, which is not ours to end.
        super().__init__(self._called, wake, most=client_numbers.PLUGIN_CALLS_MAX, patience=0)
        self._call = call

    def ask(self, frame: wire.Frame) -> None:
        """Take a call, or refuse it when there are too many: a core may have given up some.

        Raises:
            WireError: it is none.
        """
        if frame.client or not _CALL.size <= len(frame.body) <= CALL_MAX:
            raise wire.WireError("what calls a plugin is cut short or too long")
        if not self.take(frame):
            self.answer(_answer(frame, _DONE.pack(numbers.ERROR_BUSY, 0)))

    def _called(self, frame: wire.Frame) -> bytes:
        try:
            return _answer(frame, self._call(frame.body))
        except OSError:
            return _answer(frame, _DONE.pack(numbers.ERROR_COMMUNICATION, 0))


def _answer(frame: wire.Frame, body: bytes) -> bytes:
    return wire.Frame(client_numbers.KIND_PLUGIN_DONE, 0, frame.request, body).to_bytes()
