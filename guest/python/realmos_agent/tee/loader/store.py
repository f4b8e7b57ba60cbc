# SPDX-License-Identifier: BSD-3-Clause
"""Where TAs come from: files of the untrusted side, verified and made ready once each."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple
from uuid import UUID

from realmos_agent.tee import numbers as tee
from realmos_agent.tee.loader import container, elf, image
from realmos_agent.tee.loader.container import Verified
from realmos_agent.tee.loader.errors import LoadError
from realmos_agent.tee.loader.image import Prepared
from realmos_agent.tee.loader.keys import Keys
from realmos_agent.tee.loader.placed import Base, Placed

KEPT_MAX: Final = 64 << 20
"""About how many bytes of memory files take that are kept ready; the last used are."""


_SHOWN: Final = 8


class _Kept(NamedTuple):
    data: bytes
    prepared: Prepared

    @property
    def cost(self) -> int:
        return len(self.data) + self.prepared.cost


class Loader:
    """Loads TAs and their libraries.

    Args:
        fetch: returns a signed TA or library by its UUID, or None when there is none.
        keys: that vouch for TAs.
        accept: is told of every file that is verified before it is used, so that it may keep note
            of its versions, or refuse it by an error of its own.
        log: takes a line on what is odd about a file that is used all the same.
    """

    def __init__(
        self,
        fetch: Callable[[UUID], bytes | None],
        keys: Keys,
        accept: Callable[[UUID, Verified], None] = lambda _uuid, _verified: None,
        log: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._fetch = fetch
        self._keys = keys
        self._accept = accept
        self._log = log
        self._lock = threading.Lock()
        self._kept: OrderedDict[UUID, _Kept] = OrderedDict()

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
            if kept is not None:
                self._kept.move_to_end(uuid)
        if kept is not None and kept.data == data:
            return kept.prepared
        verified = container.verify(container.read(data), self._keys, uuid)
        prepared = image.prepare(elf.parse(verified.elf))
        self._accept(uuid, verified)
        if odd := [f"{each.address:#x}" for each in prepared.veneers.sites if each.number is None]:
            self._log(
                f"{uuid} has {len(odd)} system calls with a number that cannot be told; if they "
                f"are data, it has changed: {', '.join(odd[:_SHOWN])}"
            )
        self._keep(uuid, _Kept(data, prepared))
        return prepared

    def _keep(self, uuid: UUID, kept: _Kept) -> None:
        with self._lock:
            self._kept.pop(uuid, None)
            self._kept[uuid] = kept
            left = KEPT_MAX
            for each in reversed(tuple(self._kept)):
                left -= self._kept[each].cost
                if left < 0:
                    del self._kept[each]
