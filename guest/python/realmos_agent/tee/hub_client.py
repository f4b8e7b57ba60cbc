# SPDX-License-Identifier: BSD-3-Clause
"""The hub's clients: their connections, and which of them keep everybody waiting."""

from realmos_agent.tee import client_numbers, wire
from realmos_agent.tee.client_identity import Credentials, credentials_of
from realmos_agent.tee.stream import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Collection

ANSWERS = {
    client_numbers.KIND_OPEN: client_numbers.KIND_OPENED,
    client_numbers.KIND_INVOKE: client_numbers.KIND_INVOKED,
    client_numbers.KIND_CLOSE: client_numbers.KIND_CLOSED,
}
"""What answers what."""


class Client(Stream):
    """A client's connection: its number, who it is, and the kinds of what it waits for.

    `blame` is for how many seconds others have waited for it since it had all its answers.
    """

    def __init__(self, connection: "socket.socket", number: int) -> None:
        super().__init__(connection, wire.FROM_CLIENT)
        self.number = number
        self.credentials: Credentials = credentials_of(connection)
        self.waiting: dict[int, int] = {}
        self.reserved = 0
        self.blame = 0.0


def blamed(clients: "Collection[Client]", waited: float, patience: float) -> list[Client]:
    """Return those for whose answers the others have waited too long.

    While there is no room, these are the one that holds most and all that hold half as much: one
    after the other, they would be waited for as often. The time counts until a client has taken all
    its answers, so that it does not help to take a few now and then.

    Args:
        clients: all of them.
        waited: for how many seconds there has been no room, since this was last asked.
        patience: how many there may be.
    """
    most = max((client.queued for client in clients), default=0)
    for client in clients:
        if not client.queued:
            client.blame = 0.0
        elif 2 * client.queued >= most:
            client.blame += waited
    return [client for client in clients if waited and client.blame > patience]
