# SPDX-License-Identifier: BSD-3-Clause
"""Secure storage: persistent objects of Trusted Applications, held by somebody who is not trusted.

Layers, from below:

backend    named blobs: get, put (all or nothing), delete, list. The untrusted side's, or a
           directory's. It may lose, keep, swap and change what it likes; all it cannot do is
           break AES-GCM.
store      what is true: one *index* blob that names a blob for each object of each TA, sealed
           under the store's key, with a generation that grows by one at each change.
sharing    who has which object open, and with which flags (GlobalPlatform's table).
objects    what a handle stands for: a key object with a data stream and a position in it.

**Atomic writes.** A change writes the object's new content as a blob under a new random name, then
the index that names it, and deletes the old blob last. The index' put is the moment: before it
there is the old object, after it the new one. A blob that no index names is what a power cut left
behind, and is deleted when the store is opened next.

**Secrecy and integrity.** Each TA's objects are sealed with AES-256-GCM under a key of their own,
derived from the store's key and the TA's UUID, with a random nonce; the blob's name, which is never
used again, is authenticated with it. So a blob cannot stand for another, nor for another TA's. What
the holder learns: how many objects there are, their sizes (all TAs together), and when they change.

**Rollback.** Old blobs all together are a valid old store. A trusted counter (the broker's) is what
tells: a store whose generation is behind it is refused. It may be ahead, where the power went
between the index and the counter; so that such a change cannot come back later, in the place of
another of the same generation, opening a store is a change too, whose generation is past it.
Without a counter (development) nothing tells, and
`gpd.tee.trustedStorage.antiRollback.protectionLevel` says 0.

An object is written whole at each change: what a write costs grows with the object, not with what
is written. Objects end at 16 MiB (STORAGE_NO_SPACE).
"""

import hashlib
import os

from realmos_agent.tee.storage.backend import Backend, DirectoryBackend, MemoryBackend
from realmos_agent.tee.storage.objects import PersistentObject, Storage
from realmos_agent.tee.storage.store import KEY_SIZE, Counter, Store, StoreError

__all__ = [
    "KEY_SIZE",
    "Backend",
    "Counter",
    "DirectoryBackend",
    "MemoryBackend",
    "PersistentObject",
    "Storage",
    "Store",
    "StoreError",
    "development",
    "ephemeral",
]

_DEVELOPMENT = b"realmos: everybody knows this key of development stores"


def ephemeral() -> Storage:
    """Return storage whose objects end with the process."""
    return Storage(Store(MemoryBackend(), os.urandom(KEY_SIZE)))


def development(path: str) -> Storage:
    """Return storage in a directory, under a key that is no secret, and without a counter.

    It is for development: what uses it must say so, loudly.

    Raises:
        OSError: the directory cannot be made or listed.
    """
    return Storage(Store(DirectoryBackend(path), hashlib.sha256(_DEVELOPMENT).digest()))
