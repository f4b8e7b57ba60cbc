# SPDX-License-Identifier: BSD-3-Clause
"""Where TAs come from: files of the untrusted side, verified and made ready once each."""

import threading
from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from realmos_agent.tee import numbers as tee
from realmos_agent.tee.loader import container, elf, image
from realmos_agent.tee.loader.container import Verified
from realmos_agent.tee.loader.errors import LoadError
from realmos_agent.tee.loader.image import Prepared
from realmos_agent.tee.loader.keys import Keys
from realmos_agent.tee.loader.placed import Base, Placed


class _Kept(NamedTuple):
    data: bytes
    prepared: Prepared


class Loader:
    """Loads TAs and their libraries.

    Args:
        fetch: returns a signed TA or library by its UUID, or None when there is none.
        keys: that vouch for TAs.
        accept: is told of every file that is verified before it is used, so that it may keep note
            of its versions, or refuse it by an error of its own.
    """

    def __init__(
        self,
        fetch: Callable[[UUID], bytes | None],
        keys: Keys,
        accept: Callable[[UUID, Verified], None] = lambda _uuid, _verified: None,
    ) -> None:
        self._fetch = fetch
        self._keys = keys
        self._accept = accept
        self._lock = threading.Lock()
        self._kept: dict[UUID, _Kept] = {}

    def load(self, uuid: UUID, dispatcher: int, base: Base) -> Placed:
        """Return a TA, placed at addresses of `base`, its system calls led to `dispatcher`.

        Raises:
            LoadError: it is not there, or refused.
        """
        return Placed(uuid, self.prepare, dispatcher, base)

    def prepare(self, uuid: UUID) -> Prepared:
        """Return an object, verified and ready to be placed.

        Raises:
            LoadError: it is not there, or refused.
        """
        data = self._fetch(uuid)
        if data is None:
            raise LoadError(f"there is no TA or library {uuid}", tee.ERROR_ITEM_NOT_FOUND)
        with self._lock:
            kept = self._kept.get(uuid)
        if kept is not None and kept.data == data:
            return kept.prepared
        verified = container.verify(container.read(data), self._keys, uuid)
        prepared = image.prepare(elf.parse(verified.elf))
        self._accept(uuid, verified)
        with self._lock:
            self._kept[uuid] = _Kept(data, prepared)
        return prepared
