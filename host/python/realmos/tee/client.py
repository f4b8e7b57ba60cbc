# SPDX-License-Identifier: BSD-3-Clause
"""The TEE Client API for Python: contexts, sessions and calls, over the wire that libteec speaks.

with Context(path) as context, context.open(uuid) as session:
    value = Value(42)
    session.invoke(0, value)
    print(value.a)
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from realmos_agent.tee import numbers, wire

from realmos.errors import ConfigError, PeerError, TeeResultError
from realmos.tee._link import Call, Link
from realmos.tee.libteec import SOCKET_VARIABLE
from realmos.tee.parameters import Parameter, pack

__all__ = ["Call", "Context", "Session"]

_CLOSE_S = 30.0
_NO_SESSION = 0


class Context:
    """A connection to a TEE; several threads may use it, and what comes of it.

    Args:
        path: the hub's socket; what `REALMOS_TEE_SOCKET` says when absent.

    Raises:
        ConfigError: the variable is not set.
        PeerError: nobody answers there.
    """

    def __init__(self, path: Path | None = None) -> None:
        chosen = path or os.environ.get(SOCKET_VARIABLE)
        if not chosen:
            raise ConfigError(
                f"{SOCKET_VARIABLE} is not set",
                hint="`realmos ta run FILE.ta -- PROGRAM` sets it for the program",
            )
        self._link = Link(chosen)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect: sessions end, and calls that wait fail."""
        self._link.close()

    def reach(self) -> None:
        """Wait until the TEE has answered, which says nothing, or has ended.

        Raises:
            PeerError: the connection broke off.
        """
        call = Call(self._link, "reaching the TEE", ())
        number = self._link.enter(call, None)
        self._link.send(wire.Close(0, number, _NO_SESSION))
        call.wait()

    def open(
        self,
        uuid: UUID | str,
        *parameters: Parameter,
        login: int = numbers.LOGIN_PUBLIC,
        group: int = 0,
        timeout: float | None = None,
    ) -> "Session":
        """Open a session with a TA.

        Args:
            uuid: the TA's.
            parameters: of its TA_OpenSessionEntryPoint; outputs are updated.
            login: one of `numbers.LOGIN_*`: who the TA is told that its client is.
            group: the group of a group login.
            timeout: seconds; see `Call.wait`.

        Raises:
            TeeResultError: the TEE or the TA refuses.
            PeerError: the connection broke off.
        """
        wanted = uuid if isinstance(uuid, UUID) else UUID(uuid)
        call = Call(self._link, f"opening a session with {wanted}", parameters)
        params = pack(parameters)
        number = self._link.enter(call, params)
        self._link.send(wire.Open(0, number, wanted, login, wire.NIL, group, params))
        answer = call.wait(timeout)
        assert isinstance(answer, wire.Opened)
        return Session(self._link, answer.session, wanted)


class Session:
    """A session with a TA; closed when it is left as a context manager."""

    def __init__(self, link: Link, number: int, uuid: UUID) -> None:
        self.uuid = uuid
        self.number = number
        self._link = link

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, PeerError) and not isinstance(error, TeeResultError):
            return  # the connection is over, and the session with it
        self.close()

    def start(self, command: int, *parameters: Parameter) -> "Call":
        """Invoke a command, and return at once.

        Raises:
            ConfigError: the parameters cannot be sent.
            PeerError: the connection is over.
        """
        call = Call(self._link, f"command {command} of {self.uuid}", parameters)
        params = pack(parameters)
        number = self._link.enter(call, params)
        self._link.send(wire.Invoke(0, number, self.number, command, params))
        return call

    def invoke(self, command: int, *parameters: Parameter, timeout: float | None = None) -> None:
        """Invoke a command, and wait for its end; outputs among the parameters are updated.

        Raises:
            TeeResultError: the TA, or the TEE, answers with an error.
            PeerTimeoutError: see `Call.wait`.
            PeerError: the connection broke off.
        """
        self.start(command, *parameters).wait(timeout)

    def close(self) -> None:
        """End the session.

        Raises:
            PeerError: the connection broke off.
        """
        call = Call(self._link, f"closing a session with {self.uuid}", ())
        number = self._link.enter(call, None)
        self._link.send(wire.Close(0, number, self.number))
        call.wait(_CLOSE_S)
