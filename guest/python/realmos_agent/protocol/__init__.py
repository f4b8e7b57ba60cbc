# SPDX-License-Identifier: BSD-3-Clause
"""The agent protocol without any I/O, shared by the agent and its client.

`Channel` is the whole interface: `feed` it received bytes, take events with `next_event`, and
write out what `take_output` returns. docs/agent-protocol.md describes what goes over the wire; the
numbers come from the ABI table `agent`. This package imports nothing but builtin modules and
`struct`, see `realmos_agent`: that is why records stand for dataclasses and literals for enums.
"""

from realmos_agent.protocol.channel import Channel
from realmos_agent.protocol.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from realmos_agent.protocol.messages import (
    Attest,
    Attested,
    Bye,
    Cancel,
    Clock,
    Credit,
    Data,
    Done,
    Eof,
    Error,
    Exited,
    Get,
    Hello,
    Message,
    Opened,
    OperationMessage,
    Put,
    Report,
    Reported,
    Reseed,
    Resize,
    Run,
    Sealed,
    Secure,
    Secured,
    Shutdown,
    Signal,
    Started,
    Welcome,
)
from realmos_agent.protocol.session import Session

__all__ = [
    "Attest",
    "Attested",
    "Bye",
    "Cancel",
    "Channel",
    "Clock",
    "Credit",
    "Data",
    "Done",
    "Eof",
    "Error",
    "Exited",
    "Get",
    "Hello",
    "LocalProtocolError",
    "Message",
    "Opened",
    "OperationMessage",
    "ProtocolError",
    "Put",
    "RemoteProtocolError",
    "Report",
    "Reported",
    "Reseed",
    "Resize",
    "Run",
    "Sealed",
    "Secure",
    "Secured",
    "Session",
    "Shutdown",
    "Signal",
    "Started",
    "Welcome",
]
