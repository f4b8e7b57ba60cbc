# SPDX-License-Identifier: BSD-3-Clause
"""Who a client is: what Linux tells OP-TEE about a program that opens a session, told by us.

The kernel reports the credentials that the peer of a unix socket had when it connected; the client
UUID is made from them as Linux's tee driver makes it. A TA has our word for it and no more: the
hub is on the untrusted side, or with the client in one realm (docs/tee-wire.md).
"""

import socket
import struct
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from realmos_agent.tee import numbers, wire

_NAMESPACE: Final = UUID("58ac9ca0-2086-4683-a1b8-ec4bc08e01b6")
_CREDENTIALS = struct.Struct("iII")
_GROUP = struct.Struct("I")
_GROUPS_SIZE = 1024  # the most that Python asks the kernel for: 256 groups
_PEER_GROUPS: Final = 59  # SO_PEERGROUPS, Linux 4.13; not in Python's socket module


@dataclass(frozen=True)
class Credentials:
    """A client's effective user and all its groups."""

    user: int
    groups: frozenset[int]


def credentials_of(connection: socket.socket) -> Credentials:
    """Return the credentials that the other end of a unix socket connected with.

    Of a client in more than 256 groups only the first is known: no login for the others.
    """
    size = _CREDENTIALS.size
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    _, user, group = _CREDENTIALS.unpack(raw)
    try:
        others = connection.getsockopt(socket.SOL_SOCKET, _PEER_GROUPS, _GROUPS_SIZE)
    except OSError:
        others = b""
    return Credentials(user, frozenset({group, *(each for (each,) in _GROUP.iter_unpack(others))}))


def client_uuid(credentials: Credentials, login: int, group: int) -> UUID | None:
    """Return the client UUID of a login, or None if Linux would refuse it.

    Args:
        credentials: of the client.
        login: one of `numbers.LOGIN_*`.
        group: what a group login names; must be one of the client's.
    """
    if login == numbers.LOGIN_PUBLIC:
        return wire.NIL
    if login == numbers.LOGIN_USER:
        return uuid5(_NAMESPACE, f"uid={credentials.user:x}")
    if login == numbers.LOGIN_GROUP and group in credentials.groups:
        return uuid5(_NAMESPACE, f"gid={group:x}")
    return None


def refusal_of(login: int) -> int:
    """Return the result of a login that is refused: what libteec makes of Linux's error."""
    # A group that the client is not in, and a login for Linux itself, are not permitted (EPERM).
    forbidden = login in (numbers.LOGIN_GROUP, numbers.LOGIN_REE_KERNEL)
    return numbers.ERROR_GENERIC if forbidden else numbers.ERROR_BAD_PARAMETERS
