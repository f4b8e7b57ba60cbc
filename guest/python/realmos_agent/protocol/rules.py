# SPDX-License-Identifier: BSD-3-Clause
"""Who may send what, when: the state tables of sessions and operations.

Only the agent ends an operation. What the client sent before it learnt of the end is therefore
late, not wrong; `Session` drops it.
"""

from realmos_agent.protocol import messages as msg
from realmos_agent.protocol import numbers
from realmos_agent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Role: TypeAlias = Literal["client", "agent"]
    State: TypeAlias = Literal["idle", "greeting", "open", "securing", "secured"]
    Phase: TypeAlias = Literal["requested", "active", "ended"]

# What a message that is not an operation's does to the session. The agent's Error always ends it.
SESSION: "dict[Role, dict[tuple[State, type[msg.Message]], State]]" = {
    "client": {
        ("idle", msg.Hello): "greeting",
        ("greeting", msg.Hello): "greeting",
        ("open", msg.Hello): "greeting",
        ("greeting", msg.Bye): "idle",
        ("open", msg.Bye): "idle",
        ("open", msg.Secure): "securing",
        ("securing", msg.Hello): "greeting",
        ("securing", msg.Bye): "idle",
        ("secured", msg.Sealed): "secured",
        ("secured", msg.Hello): "greeting",
        ("secured", msg.Bye): "idle",
    },
    "agent": {
        ("greeting", msg.Welcome): "open",
        ("open", msg.Welcome): "open",
        ("securing", msg.Secured): "secured",
        ("secured", msg.Sealed): "secured",
    },
}


class Kind(Record):
    """What an opening message begins: the streams each side may send on, and the rules.

    `agent` maps a phase to the messages that the agent may send in it, each with the phase that
    follows; `client` is what the client may send until the end.
    """

    from_client: tuple[int, ...]
    from_agent: tuple[int, ...]
    agent: "dict[Phase, dict[type[msg.OperationMessage | msg.Error], Phase]]"
    client: "tuple[type[msg.OperationMessage], ...]"


_ANSWERED = Kind(
    from_client=(),
    from_agent=(),
    agent={
        "requested": {
            msg.Reported: "ended",
            msg.Attested: "ended",
            msg.Done: "ended",
            msg.Error: "ended",
        }
    },
    client=(),
)

KINDS: dict[type[msg.Message], Kind] = {
    msg.Run: Kind(
        from_client=(numbers.STREAM_IN,),
        from_agent=(numbers.STREAM_OUT, numbers.STREAM_ERR),
        agent={
            "requested": {msg.Started: "active", msg.Error: "ended"},
            "active": {
                msg.Data: "active",
                msg.Eof: "active",
                msg.Credit: "active",
                msg.Exited: "ended",
                msg.Error: "ended",
            },
        },
        client=(msg.Data, msg.Eof, msg.Credit, msg.Signal, msg.Resize),
    ),
    msg.Put: Kind(
        from_client=(numbers.STREAM_IN,),
        from_agent=(),
        agent={"requested": {msg.Credit: "requested", msg.Done: "ended", msg.Error: "ended"}},
        client=(msg.Data, msg.Eof, msg.Cancel),
    ),
    msg.Get: Kind(
        from_client=(),
        from_agent=(numbers.STREAM_OUT,),
        agent={
            "requested": {msg.Opened: "active", msg.Error: "ended"},
            "active": {
                msg.Data: "active",
                msg.Eof: "active",
                msg.Done: "ended",
                msg.Error: "ended",
            },
        },
        client=(msg.Credit, msg.Cancel),
    ),
    msg.Relay: Kind(
        from_client=(numbers.STREAM_IN,),
        from_agent=(numbers.STREAM_OUT,),
        agent={
            "requested": {msg.Dialled: "active", msg.Error: "ended"},
            "active": {
                msg.Data: "active",
                msg.Credit: "active",
                msg.Done: "ended",
                msg.Error: "ended",
            },
        },
        client=(msg.Data, msg.Credit, msg.Hangup),
    ),
    msg.Serve: Kind(
        from_client=(),
        from_agent=(),
        agent={
            "requested": {msg.Asked: "active", msg.Error: "ended"},
            "active": {msg.Done: "ended", msg.Error: "ended"},
        },
        client=(msg.Given, msg.Refused),
    ),
    msg.Report: _ANSWERED,
    msg.Reseed: _ANSWERED,
    msg.Shutdown: _ANSWERED,
    msg.Clock: _ANSWERED,
    msg.Attest: _ANSWERED,
}
