# SPDX-License-Identifier: BSD-3-Clause
"""The newest versions of TAs and subkeys that were loaded: no older ones are loaded after them."""

import struct
import threading
from collections.abc import Callable
from uuid import UUID

from realmos_agent.tee import numbers as tee
from realmos_agent.tee.loader.container import Verified, newest
from realmos_agent.tee.loader.errors import LoadError

_ENTRY = struct.Struct("<?16sI")  # whether it is a subkey, its UUID, its version


class Versions:
    """Keeps note of versions, as `accept` of a `Loader`.

    Args:
        kept: what `save` was given last.
        save: keeps bytes; they must come back as they were, or older versions pass.

    Raises:
        LoadError: `kept` is not what `save` was given.
    """

    def __init__(self, kept: bytes = b"", save: Callable[[bytes], None] = lambda _: None) -> None:
        if len(kept) % _ENTRY.size:
            raise LoadError("the list of TAs' versions is damaged", tee.ERROR_CORRUPT_OBJECT)
        self._known = {
            (subkey, UUID(bytes=uuid)): version
            for subkey, uuid, version in _ENTRY.iter_unpack(kept)
        }
        self._save = save
        self._lock = threading.Lock()

    def accept(self, _uuid: UUID, verified: Verified) -> None:
        """Take note of a file's versions before it is used.

        Raises:
            LoadError: one of them is older than one that was loaded before.
        """
        with self._lock:
            news = newest(verified.versions, self._known)
            if news:
                known = self._known | news
                self._save(
                    b"".join(_ENTRY.pack(subkey, uuid.bytes, version)
                             for (subkey, uuid), version in sorted(known.items()))
                )  # fmt: skip
                self._known = known
