# SPDX-License-Identifier: BSD-3-Clause
"""A client's connection to the hub, and the calls that wait on it."""

import contextlib
import socket
import threading
from pathlib import Path
from typing import Final

import realmos_abi
from realmos_agent.tee import numbers, wire

from realmos.errors import ConfigError, PeerError, PeerTimeoutError, TeeResultError
from realmos.tee.parameters import Parameter, unpack

_PIECE = 1 << 18
_GRACE_S = 10.0
_ORIGINS: Final = {
    numbers.ORIGIN_API: "the client",
    numbers.ORIGIN_COMMS: "the connection",
    numbers.ORIGIN_TEE: "the TEE",
    numbers.ORIGIN_TRUSTED_APP: "the TA",
}

Answer = wire.Opened | wire.Invoked | wire.Closed


class Link:
    """A connection, which several threads may use.

    Args:
        path: the hub's socket.

    Raises:
        PeerError: nobody answers there.
    """

    def __init__(self, path: Path | str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise PeerError(f"no TEE answers at {path}: {error.strerror}") from error
        self._sending = threading.Lock()
        self._news = threading.Condition()
        self._calls: dict[int, Call] = {}
        self._last = 0
        self._end = ""
        self._thread = threading.Thread(target=self._receive, name="tee client", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Disconnect; calls that wait fail."""
        with contextlib.suppress(OSError):  # the peer was first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def enter(self, call: "Call", params: wire.Params | None) -> int:
        """Note a call that will be sent, and return its number.

        Raises:
            PeerError: the connection is over.
        """
        with self._news:
            if self._end:
                raise PeerError(f"the connection to the TEE is over: {self._end}")
            self._last += 1
            call.number, call.params = self._last, params
            self._calls[self._last] = call
            return self._last

    def send(self, message: wire.Message) -> None:
        """Send a message.

        Raises:
            ConfigError: the wire cannot carry it.
        """
        try:
            data = wire.encode(message)
        except wire.WireError as error:
            if isinstance(message, wire.Request):
                with self._news:
                    del self._calls[message.request]
            raise ConfigError(f"this cannot be sent to a TA: {error}") from error
        with self._sending, contextlib.suppress(OSError):  # who receives says so to whoever waits
            self._socket.sendall(data)

    def _receive(self) -> None:
        framer = wire.Framer(wire.FROM_CORE)
        end = ""
        while not end:
            try:
                data = self._socket.recv(_PIECE)
                framer.feed(data)
                while (frame := framer.next_frame()) is not None:
                    self._deliver(wire.decode(frame))
            except OSError as error:
                end = error.strerror or str(error)
            except wire.WireError as error:
                end = f"it sent what is not the tee wire: {error}"
            else:
                end = "" if data else "it was closed"
        with self._news:
            self._end = end
            self._news.notify_all()

    def _deliver(self, answer: wire.Message) -> None:
        """Give an answer to the call that waits for it.

        Raises:
            WireError: there is none, or it was a call for something else.
        """
        assert isinstance(answer, Answer)
        with self._news:
            call = self._calls.pop(answer.request, None)
            if call is None or answer.client:
                raise wire.WireError("an answer to what was not asked")
            call.take(answer)
            self._news.notify_all()
        if call.given_up and isinstance(answer, wire.Opened) and answer.session:
            # Not by this thread, which must go on receiving for what is sent to be taken.
            threading.Thread(target=self._close, args=(answer.session,), daemon=True).start()

    def _close(self, session: int) -> None:
        """End a session that nobody waits for any more."""
        with contextlib.suppress(PeerError):  # then it has ended with the connection
            number = self.enter(Call(self, "closing a session that came too late", ()), None)
            self.send(wire.Close(0, number, session))

    def give_up(self, call: "Call") -> bool:
        """Wait for a call no more; return False if its answer is there."""
        with self._news:
            call.given_up = call.answer is None
            return call.given_up

    def wait_for(self, call: "Call", timeout: float | None) -> bool:
        """Return whether a call's answer came within `timeout` seconds.

        Raises:
            PeerError: it never will: the connection broke off.
        """
        with self._news:
            if not self._news.wait_for(lambda: call.answer is not None or self._end, timeout):
                return False
            if call.answer is None:
                raise PeerError(f"{call.what}: the connection broke off: {self._end}")
            return True


class Call:
    """A call that was made.

    Args:
        link: what it goes over.
        what: what it does, for messages.
        parameters: of which outputs are updated when it ends.
    """

    def __init__(self, link: Link, what: str, parameters: tuple[Parameter, ...]) -> None:
        self.what = what
        self.number = 0
        self.params: wire.Params | None = None
        self.answer: Answer | None = None
        self.given_up = False
        self._link = link
        self._parameters = parameters

    def take(self, answer: Answer) -> None:
        """Note the answer.

        Raises:
            WireError: it does not fit what was asked.
        """
        if (self.params is None) != isinstance(answer, wire.Closed):
            raise wire.WireError("an answer to another kind of question")
        if self.params is not None and not isinstance(answer, wire.Closed):
            wire.check_outcomes(self.params, answer)
            if not self.given_up:
                unpack(self._parameters, answer.outcomes)
        self.answer = answer

    def cancel(self) -> None:
        """Ask the TA to end early; it need not."""
        self._link.send(wire.Cancel(0, self.number))

    def wait(self, timeout: float | None = None) -> Answer:
        """Wait for the end and return the answer.

        Args:
            timeout: seconds after which the call is cancelled, and, if it goes on, given up.

        Raises:
            TeeResultError: the TA, or the TEE, answers with an error.
            PeerTimeoutError: it goes on in spite of its cancellation.
            PeerError: the connection broke off.
        """
        if not self._link.wait_for(self, timeout):
            self.cancel()
            if not self._link.wait_for(self, _GRACE_S) and self._link.give_up(self):
                raise PeerTimeoutError(f"{self.what}: no answer in {timeout:g} s, though cancelled")
        assert self.answer is not None
        if not isinstance(self.answer, wire.Closed) and self.answer.result != numbers.SUCCESS:
            raise _result_error(self.what, self.answer.result, self.answer.origin)
        return self.answer


def _result_error(what: str, result: int, origin: int) -> TeeResultError:
    table = realmos_abi.load("tee")
    name = table.name_of("result", result)
    shown = name if not name.isdigit() else "result"
    return TeeResultError(
        f"{what}: {shown} ({result:#010x}) from {_ORIGINS[origin]}", result=result, origin=origin
    )
