# SPDX-License-Identifier: BSD-3-Clause
"""A workload in the realm, as its starter holds it."""

import signal

from realmos_agent.protocol import (
    Data,
    Eof,
    Exited,
    Message,
    Resize,
    Signal,
    Started,
    numbers,
)

from realmos.agent._engine import Engine
from realmos.agent._operations import Operation
from realmos.agent._results import RunResult
from realmos.agent._streams import Capture, Sink, Source, deliver
from realmos.errors import PeerTimeoutError

_KILL_GRACE_S = 10.0
_SIGNAL_BASE = 128


class RunHandle(Operation):
    """A workload that was started.

    Args:
        engine: what serves it.
        number: the operation's id.
        what: what runs, for messages.
        source: where its input comes from; None leaves that to `write`.
        stdout: where its output goes.
        stderr: where its errors go.
        capture_limit: bytes of each kept when they go nowhere else.
    """

    def __init__(
        self,
        engine: Engine,
        number: int,
        what: str,
        *,
        source: Source | None,
        stdout: Sink,
        stderr: Sink,
        capture_limit: int,
    ) -> None:
        super().__init__(engine.connection, number, what)
        self.pid: int | None = None
        self._engine = engine
        self._source = source
        self._captures = {
            numbers.STREAM_OUT: Capture(capture_limit),
            numbers.STREAM_ERR: Capture(capture_limit),
        }
        self._sinks = {
            numbers.STREAM_OUT: stdout or self._captures[numbers.STREAM_OUT],
            numbers.STREAM_ERR: stderr or self._captures[numbers.STREAM_ERR],
        }
        self._pending = b""
        self._input_over = False

    def wait(self, timeout: float | None = None) -> RunResult:
        """Wait for the end; after `timeout` seconds, kill the workload.

        Raises:
            PeerError: the session broke off, or the workload could not be started.
        """
        timed_out = not self._engine.pump_until(lambda: self.over, timeout)
        if timed_out:
            self.kill()
            if not self._engine.pump_until(lambda: self.over, _KILL_GRACE_S):
                raise PeerTimeoutError(f"{self.what} was killed, but its end was not reported")
        if self.error is not None:
            raise self.error
        return self._result(timed_out=timed_out)

    def write(self, data: bytes, timeout: float | None = None) -> None:
        """Send input, waiting until the realm has room for all of it.

        Raises:
            PeerTimeoutError: the workload does not read.
        """
        self._pending += data
        if not self._engine.pump_until(lambda: self.over or not self._pending, timeout):
            raise PeerTimeoutError(f"{self.what} does not read its input")

    def close_stdin(self) -> None:
        """End the input."""
        if not self.over and not self._input_over:
            self._input_over = True
            self.connection.send(Eof(self.number, numbers.STREAM_IN))

    def signal(self, number: int) -> None:
        """Send a signal to the workload's process group; none if it is over."""
        if not self.over:
            self.connection.send(Signal(self.number, int(number)))

    def kill(self) -> None:
        """Kill the workload and its process group."""
        self.signal(signal.SIGKILL)

    def resize(self, rows: int, columns: int) -> None:
        """Tell the workload its terminal's new size."""
        if not self.over:
            self.connection.send(Resize(self.number, rows, columns))

    @property
    def input_fd(self) -> int | None:
        """The input's descriptor, while something read from it could be sent."""
        if self._source is None or self._input_over or not self.room():
            return None
        return self._source.fd

    def refresh(self, *, input_ready: bool) -> None:
        """Send input as far as there is credit."""
        while self._pending and (room := self.room()):
            self._send(self._pending[:room])
            self._pending = self._pending[room:]
        if self._source is None or self._input_over:
            return
        while (room := self.room()) and (input_ready or self._source.fd is None):
            data = self._source.read(room)
            if not data:
                self.close_stdin()
                return
            self._send(data)
            input_ready = False

    def on_data(self, stream: int, data: bytes) -> None:
        """Deliver output."""
        deliver(self._sinks[stream], data)

    def on_message(self, message: Message) -> bool:
        """Note the start, and the end."""
        if isinstance(message, Started):
            self.pid = message.pid
        return isinstance(message, Exited)

    def _send(self, data: bytes) -> None:
        self.connection.send(Data(self.number, numbers.STREAM_IN, data))

    def _result(self, *, timed_out: bool) -> RunResult:
        exited = self.answer
        assert isinstance(exited, Exited)
        out, err = self._captures[numbers.STREAM_OUT], self._captures[numbers.STREAM_ERR]
        return RunResult(
            status=_SIGNAL_BASE + (exited.signal or 0) if exited.status is None else exited.status,
            signal=exited.signal,
            oom=exited.oom,
            timed_out=timed_out,
            stdout=out.data,
            stderr=err.data,
            truncated=out.truncated or err.truncated,
        )
