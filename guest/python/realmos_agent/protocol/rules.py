# SPDX-License-Identifier: BSD-3-Clause
"""Who may send what, when: the state tables of sessions and operations.

Only the agent ends an operation. What the client sent before it learnt of the end is therefore
late, not wrong; `Session` drops it.
"""

from realmos_agent.protocol import numbers
from realmos_agent.protocol.messages import (
    Bye,
    Cancel,
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
    Shutdown,
    Signal,
    Started,
    Welcome,
)
from realmos_agent.protocol.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Role: TypeAlias = Literal["client", "agent"]
    State: TypeAlias = Literal["idle", "greeting", "open"]
    Phase: TypeAlias = Literal["requested", "active", "ended"]

# What a message that is not an operation's does to the session. The agent's Error always ends it.
SESSION: "dict[Role, dict[tuple[State, type[Message]], State]]" = {
    "client": {
        ("idle", Hello): "greeting",
        ("greeting", Hello): "greeting",
        ("open", Hello): "greeting",
        ("greeting", Bye): "idle",
        ("open", Bye): "idle",
    },
    "agent": {
        ("greeting", Welcome): "open",
        ("open", Welcome): "open",
    },
}


class Kind(Record):
    """What an opening message begins: the streams each side may send on, and the rules.

    `agent` maps a phase to the messages that the agent may send in it, each with the phase that
    follows; `client` is what the client may send until the end.
    """

    from_client: tuple[int, ...]
    from_agent: tuple[int, ...]
    agent: "dict[Phase, dict[type[OperationMessage | Error], Phase]]"
    client: "tuple[type[OperationMessage], ...]"


_ANSWERED = Kind(
    from_client=(),
    from_agent=(),
    agent={"requested": {Reported: "ended", Done: "ended", Error: "ended"}},
    client=(),
)

KINDS: dict[type[Message], Kind] = {
    Run: Kind(
        from_client=(numbers.STREAM_IN,),
        from_agent=(numbers.STREAM_OUT, numbers.STREAM_ERR),
        agent={
            "requested": {Started: "active", Error: "ended"},
            "active": {
                Data: "active",
                Eof: "active",
                Credit: "active",
                Exited: "ended",
                Error: "ended",
            },
        },
        client=(Data, Eof, Credit, Signal, Resize),
    ),
    Put: Kind(
        from_client=(numbers.STREAM_IN,),
        from_agent=(),
        agent={"requested": {Credit: "requested", Done: "ended", Error: "ended"}},
        client=(Data, Eof, Cancel),
    ),
    Get: Kind(
        from_client=(),
        from_agent=(numbers.STREAM_OUT,),
        agent={
            "requested": {Opened: "active", Error: "ended"},
            "active": {Data: "active", Eof: "active", Done: "ended", Error: "ended"},
        },
        client=(Credit, Cancel),
    ),
    Report: _ANSWERED,
    Reseed: _ANSWERED,
    Shutdown: _ANSWERED,
}
