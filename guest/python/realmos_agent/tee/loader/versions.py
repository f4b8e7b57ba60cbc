# SPDX-License-Identifier: BSD-3-Clause
"""The newest versions of TAs and subkeys that were loaded: no older ones are loaded after them."""

import struct
import threading
from collections.abc import Callable
from uuid import UUID

from realmos_agent.tee import numbers as tee
from realmos_agent.tee.loader.container import Verified, VersionClaim, newest
from realmos_agent.tee.loader.errors import LoadError

_ENTRY = struct.Struct("<?16sI")  # whether it is a subkey, its UUID, its version


class Versions:
    """Keeps note of versions, as `accept` and `check` of a `Loader`.

    Args:
        load: returns what `save` was given last, or None; called for each file, for another
            core may have saved more since.
        save: keeps bytes; they must come back as they were, or older versions pass.
    """

    def __init__(
        self,
        load: Callable[[], bytes | None] = lambda: None,
        save: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self._load = load
        self._save = save
        self._known: dict[tuple[bool, UUID], int] = {}
        self._lock = threading.Lock()

    def accept(self, _uuid: UUID, verified: Verified) -> None:
        """Take note of a file's versions before it is used.

        Raises:
            LoadError: one of them is older than one that was loaded before, or what was kept is
                damaged.
        """
        with self._lock:
            known = self._known
            for one, version in _parsed(self._load() or b"").items():
                known[one] = max(version, known.get(one, 0))
            news = newest(verified.versions, known)
            if news:
                known = known | news
                self._save(
                    b"".join(_ENTRY.pack(subkey, uuid.bytes, version)
                             for (subkey, uuid), version in sorted(known.items()))
                )  # fmt: skip
            self._known = known

    def check(self, versions: tuple[VersionClaim, ...]) -> None:
        """Check a file that was accepted against what was accepted since.

        Raises:
            LoadError: one of its versions is older.
        """
        with self._lock:
            newest(versions, self._known)


def _parsed(kept: bytes) -> dict[tuple[bool, UUID], int]:
    if len(kept) % _ENTRY.size:
        raise LoadError("the list of TAs' versions is damaged", tee.ERROR_CORRUPT_OBJECT)
    return {
        (subkey, UUID(bytes=uuid)): version for subkey, uuid, version in _ENTRY.iter_unpack(kept)
    }
