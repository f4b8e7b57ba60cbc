# SPDX-License-Identifier: BSD-3-Clause
"""Secure storage: persistent objects of Trusted Applications, held by somebody who is not trusted.

Layers, from below:

backend    named blobs: get, put (all or nothing), delete, list. The untrusted side's, or a
           directory's. It may lose, keep, swap and change what it likes; all it cannot do is
           break AES-GCM.
index      which blob is which object of which TA, and a generation: by one more at each change.
store      what is true: the index, a blob of its own, and the contents, sealed under its key.
sharing    who has which object open, and with which flags (GlobalPlatform's table).
persistent what a handle stands for: a key object with a data stream and a position in it.
objects    where they are opened, made and changed.

**Atomic writes.** A change writes the object's new content as a blob under a new random name, then
the index that names it, and deletes the old blob last. The index' put is the moment: before it
there is the old object, after it the new one. A blob that no index names is what a power cut left
behind, and is deleted when the store is opened next.

**Secrecy and integrity.** Each TA's objects are sealed with AES-256-GCM under a key of their own,
derived from the store's key and the TA's UUID, with a random nonce; the blob's name, which is never
used again, is authenticated with it. So a blob cannot stand for another, nor for another TA's. What
the holder learns: how many objects there are, their sizes (all TAs together), and when they change.

**Rollback.** Old blobs all together are a valid old store. A trusted counter (the broker's) is what
tells: with each advance it is given the *mark* of the index, the hash of its sealed blob, and each
index has the mark of its predecessor. The index that the counter knows is taken, and one that came
right after it, where the power went between the index and the counter: that is then counted before
anything is read. Opening a store is a change, too, so that another that was never counted cannot
come back later. Without a counter (development) the store is taken for what it is when it is first
looked at, and `gpd.tee.trustedStorage.antiRollback.protectionLevel` says 0; from then on this
process itself knows the last mark, and counts as above.

**Failures.** A change that fails before the index is put has not happened. If putting the index or
counting fails, nobody knows (`UnsettledError`); what is true is found out at the next use. Handles
that were open on the object answer STORAGE_NOT_AVAILABLE, and so does each that was open on what is
not there any more then, for another realm of the identity may have changed it.

An object is written whole at each change: what a write costs grows with the object, not with what
is written. Objects end at 16 MiB (STORAGE_NO_SPACE); `Limits` bounds what a TA and all TAs keep.
What is open is held in memory, up to a bound (OUT_OF_MEMORY).
"""

import os

from realmos_agent.tee.storage.backend import (
    BLOB_MAX,
    NAME,
    Backend,
    DirectoryBackend,
    MemoryBackend,
)
from realmos_agent.tee.storage.errors import StoreError, UnsettledError
from realmos_agent.tee.storage.index import NO_MARK
from realmos_agent.tee.storage.objects import Storage
from realmos_agent.tee.storage.persistent import PersistentObject
from realmos_agent.tee.storage.store import KEY_SIZE, Counter, Limits, Store

__all__ = [
    "BLOB_MAX",
    "KEY_SIZE",
    "NAME",
    "NO_MARK",
    "Backend",
    "Counter",
    "DirectoryBackend",
    "Limits",
    "MemoryBackend",
    "PersistentObject",
    "Storage",
    "Store",
    "StoreError",
    "UnsettledError",
    "ephemeral",
]

_EPHEMERAL = Limits(size=32 << 20, all_size=64 << 20)  # it is memory, after all


def ephemeral() -> Storage:
    """Return storage whose objects end with the process."""
    return Storage(Store(MemoryBackend(), os.urandom(KEY_SIZE), limits=_EPHEMERAL))
