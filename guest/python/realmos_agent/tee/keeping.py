# SPDX-License-Identifier: BSD-3-Clause
"""What outlasts a core: TAs' objects and keys, where they are, and under whose key.

The hub holds the objects, sealed. Their key comes from a broker that trusts this realm for what it
is (docs/broker.md), and so does the counter that keeps the hub from showing old ones; or there is
none of that, and everybody has the key: for development.
"""

import errno
import os
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID, uuid4

from realmos_agent.tee.storage import KEY_SIZE, NO_MARK, Storage, Store, StoreError, ephemeral

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from realmos_agent.tee.storage import Backend

    T = TypeVar("T")

HUB = "hub"
"""Who holds the objects of a core that keeps them."""
_DEVELOPMENT = b"realmos: everybody knows this key of development stores"
_PURPOSES = b"objects of TAs", b"keys of TAs", b"name of the device"


class Kept(NamedTuple):
    """What a core has from before, and leaves for later.

    Attributes:
        storage: the objects.
        root: what keys of TAs are derived from.
        device: what tells this device from others.
        rollback_protection: how well the store is kept from going back: 0, or 100 with a counter.
        about: what people are to know of it.
    """

    storage: Storage
    root: bytes
    device: UUID
    rollback_protection: int
    about: str


class BrokerCounter:
    """The counter of an identity, and its mark.

    Args:
        identity: its name.
        broker: the key of the broker, in hexadecimal digits.
    """

    def __init__(self, identity: str, broker: str) -> None:
        self._identity = identity
        self._broker = broker

    def state(self) -> tuple[int, bytes]:
        """Return number and mark.

        Raises:
            OSError: the broker does not answer, or not so.
        """
        from realmos_agent import secrets

        value, mark = _asked(lambda: secrets.counter_state(self._identity, broker=self._broker))
        if len(mark) not in (0, len(NO_MARK)) or bool(mark) is not bool(value):
            raise OSError(
                errno.EINVAL, f"the counter of {self._identity!r} is used for something else"
            )
        return value, mark or NO_MARK

    def advance(self, value: int, mark: bytes) -> None:
        """Add one, if it is at `value`, and set the mark.

        Raises:
            OSError: it is not, or the broker does not answer.
        """
        from realmos_agent import secrets

        _asked(lambda: secrets.advance(self._identity, value, mark=mark, broker=self._broker))


def keep_nothing() -> Kept:
    """Return what ends with the core."""
    return Kept(
        ephemeral(), os.urandom(KEY_SIZE), uuid4(), 0,
        "WARNING: TAs' objects, keys and newest versions end with this core; "
        "--storage DIR keeps them",
    )  # fmt: skip


def keep_for_development(backend: "Backend") -> Kept:
    """Return what is kept under a key that is no secret, and without a counter."""
    return _kept(
        backend, sha256(_DEVELOPMENT).digest(), None,
        "WARNING: objects and keys of TAs are kept under a key that everybody has; for development",
    )  # fmt: skip


def keep_as(backend: "Backend", identity: str, broker: str) -> Kept:
    """Return what is kept under the key and the counter of an identity.

    Args:
        backend: where objects are.
        identity: its name at the broker.
        broker: the broker's key, in hexadecimal digits.

    Raises:
        StoreError: the broker refuses, or there is none.
        ValueError: these can be no identity and key.
    """
    from realmos_agent import secrets

    try:
        key = _asked(lambda: secrets.sealing_key(identity, broker=broker))
    except OSError as error:
        raise StoreError(f"there is no key for objects of TAs: {error.strerror}") from error
    about = f"objects of TAs are those of {identity}, by the broker {broker}"
    return _kept(backend, key, BrokerCounter(identity, broker), about)


def _kept(backend: "Backend", key: bytes, counter: BrokerCounter | None, about: str) -> Kept:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    objects, root, device = (
        HKDF(SHA256(), KEY_SIZE, salt=None, info=b"realmos tee 1: " + purpose).derive(key)
        for purpose in _PURPOSES
    )
    storage = Storage(Store(backend, objects, counter))
    return Kept(storage, root, UUID(bytes=device[:16], version=4), 100 if counter else 0, about)


def _asked(ask: "Callable[[], T]") -> "T":
    """Ask a broker.

    Raises:
        OSError: it refuses or does not answer; ESTALE: its counter is not where it should be.
    """
    from realmos_agent import secrets

    try:
        return ask()
    except secrets.CounterError as error:
        why = f"{error}; another realm of the identity has changed the store, or a copy of it"
        raise OSError(errno.ESTALE, why) from error
    except secrets.SecretsError as error:
        raise OSError(errno.EIO, str(error)) from error
