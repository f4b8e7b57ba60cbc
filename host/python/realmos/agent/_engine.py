# SPDX-License-Identifier: BSD-3-Clause
"""Serves the operations of one session: whoever waits for one of them serves them all."""

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from realmos_agent.protocol import Message, OperationMessage

from realmos.agent._connection import Connection
from realmos.agent._operations import Operation
from realmos.errors import PeerTimeoutError

_AnyOperation = TypeVar("_AnyOperation", bound=Operation)


class Engine:
    """The operations under way, and the connection that they share.

    Args:
        target: the unix socket's path, or a connected socket.
        timeout: seconds to wait for the agent's first answer.
        reply_timeout: seconds without any progress after which a request is given up.
        watch: called now and then while waiting; may raise to end the wait.
    """

    def __init__(
        self,
        target: Path | socket.socket,
        *,
        timeout: float,
        reply_timeout: float,
        watch: Callable[[], None],
    ) -> None:
        self.connection = Connection(target, timeout=timeout, watch=watch)
        self._reply_timeout = reply_timeout
        self._operations: dict[int, Operation] = {}
        self._last_id = 0

    def next_id(self) -> int:
        """Return the id for one more operation."""
        self._last_id += 1
        return self._last_id

    def begin(self, operation: _AnyOperation, message: OperationMessage) -> _AnyOperation:
        """Send the message that begins an operation, and serve it from now on."""
        self.connection.send(message)
        self._operations[operation.number] = operation
        return operation

    def call(self, message: OperationMessage, what: str) -> Message | None:
        """Send a request that has a single answer, and return that."""
        operation = self.begin(Operation(self.connection, message.id, what), message)
        self.finish(operation)
        return operation.answer

    def finish(self, operation: Operation, progress: Callable[[], int] = lambda: 0) -> None:
        """Wait for the end of an operation that must make progress.

        Raises:
            PeerRefusedError: the agent ended it with an error.
            PeerTimeoutError: it made none for too long.
        """
        while not operation.over:
            before = progress()
            if self.pump_until(lambda: operation.over, self._reply_timeout):
                break
            if progress() == before:
                raise PeerTimeoutError(
                    f"{operation.what}: the agent did not answer in {self._reply_timeout:g} s"
                )
        if operation.error is not None:
            raise operation.error

    def pump(self, timeout: float) -> None:
        """Serve whatever is under way, waiting at most `timeout` seconds for something to do.

        Raises:
            PeerError: the session broke off.
        """
        live = list(self._operations.values())
        for operation in live:
            operation.refresh(input_ready=False)
        inputs = {fd: operation for operation in live if (fd := operation.input_fd) is not None}
        for fd in self.connection.exchange(timeout, inputs):
            inputs[fd].refresh(input_ready=True)
        while (message := self.connection.next_event()) is not None:
            self._dispatch(message)

    def pump_until(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        """Serve until `condition` holds; return False if it does not within `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not condition():
            left = float("inf") if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return False
            self.pump(left)
        return True

    def _dispatch(self, message: Message) -> None:
        number: int | None = vars(message).get("id")
        operation = self._operations.get(number or 0)
        if operation is not None:
            operation.receive(message)
            if operation.over:
                del self._operations[operation.number]
