# SPDX-License-Identifier: BSD-3-Clause
"""Violations of the protocol, split by the side that committed them."""


class ProtocolError(Exception):
    """Base of both."""


class LocalProtocolError(ProtocolError):
    """This side tried to send what the protocol forbids now; nothing was sent or changed."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what the protocol forbids; the session is over.

    Args:
        message: what was wrong, for people.
        code: one of the ABI table's `AGENT_ERR_*` numbers, for the answer.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
