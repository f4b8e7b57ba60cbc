# SPDX-License-Identifier: BSD-3-Clause
"""Where TAs come from: files of the untrusted side, verified and made ready once each."""

import hashlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, NamedTuple
from uuid import UUID

from realmos_agent.tee import numbers as tee
from realmos_agent.tee.budget import Budget, limits
from realmos_agent.tee.loader import container, elf, image
from realmos_agent.tee.loader.container import Verified, VersionClaim
from realmos_agent.tee.loader.errors import LoadError, MissingLibraryError
from realmos_agent.tee.loader.image import Prepared
from realmos_agent.tee.loader.keys import Keys
from realmos_agent.tee.loader.placed import Base, Placed

_SHOWN: Final = 8


class _File(NamedTuple):
    """What a file was, and what it was made into, as long as that is there."""

    identity: Hashable
    digest: bytes
    versions: tuple[VersionClaim, ...]
    made: "weakref.ref[Prepared]"


class Loader:
    """Loads TAs and their libraries.

    Args:
        fetch: returns a signed TA or library by its UUID, or None when there is none.
        keys: that vouch for TAs.
        accept: is told of every file that is verified before it is used, but not of its content,
            so that it may keep note of its versions, or refuse it by an error of its own.
        log: takes a line on what is odd about a file that is used all the same.
        identify: returns what is not the same whenever the file of a UUID is another, so that it
            need not be fetched to see that; None when that cannot be said.
        check: is told of the versions of a file that was accepted before, each time that it is
            used again, and may refuse it.
    """

    def __init__(
        self,
        fetch: Callable[[UUID], bytes | None],
        keys: Keys,
        accept: Callable[[UUID, Verified], None] = lambda _uuid, _verified: None,
        log: Callable[[str], None] = lambda _line: None,
        identify: Callable[[UUID], Hashable | None] = lambda _uuid: None,
        *,
        check: Callable[[tuple[VersionClaim, ...]], None] = lambda _versions: None,
    ) -> None:
        self._fetch = fetch
        self._keys = keys
        self._accept = accept
        self._log = log
        self._identify = identify
        self._check = check
        self._making = threading.Lock()
        self._lock = threading.Lock()
        self._files: dict[UUID, _File] = {}
        self._kept: OrderedDict[UUID, Prepared] = OrderedDict()
        self._limits = limits()
        self._room = Budget(self._limits.files)

    def load(self, uuid: UUID, dispatcher: int, base: Base) -> Placed:
        """Return a TA, placed at addresses of `base`, its system calls led to `dispatcher`.

        Raises:
            LoadError: it is not there, or refused.
        """
        return self.ready(uuid).load(uuid, dispatcher, base)

    def ready(self, uuid: UUID) -> "Ready":
        """Return what loads a TA that is known to be there, and not refused by itself.

        Raises:
            LoadError: it is.
        """
        return Ready(self, uuid)

    def prepare(self, uuid: UUID) -> Prepared:
        """Return an object, verified and ready to be placed.

        Raises:
            LoadError: it is not there, or refused.
        """
        if (prepared := self._ready(uuid)) is not None:
            return prepared
        with self._making:  # one at a time: what this takes is several times the file
            return self._ready(uuid) or self._made(uuid)

    def _ready(self, uuid: UUID) -> Prepared | None:
        """Return what is there of a file, if it needs no look to see that it is the same."""
        file, prepared = self._find(uuid)
        if file is None or file.identity is None or file.identity != self._identify(uuid):
            return None
        self._check(file.versions)
        return prepared

    def _made(self, uuid: UUID) -> Prepared:
        identity = self._identify(uuid)  # before it is fetched: what changes after is seen next
        data = self._fetch(uuid)
        if data is None:
            raise MissingLibraryError(f"there is no TA or library {uuid}", tee.ERROR_ITEM_NOT_FOUND)
        digest = hashlib.sha256(data).digest()
        file, prepared = self._find(uuid)
        if file is not None and prepared is not None and file.digest == digest:
            self._check(file.versions)
            self._keep(uuid, file._replace(identity=identity), prepared)
            return prepared
        parts = container.read(data)
        del data  # as all that is large, as soon as it is not needed
        verified = container.verify(parts, self._keys, uuid)
        del parts
        parsed = elf.parse(verified.elf)
        verified = Verified(b"", verified.root, verified.versions)
        prepared = image.prepare(parsed)
        del parsed
        self._accept(uuid, verified)
        self._count(uuid, prepared)
        if odd := [f"{each.address:#x}" for each in prepared.veneers.sites if each.number is None]:
            self._log(
                f"{uuid} has {len(odd)} system calls with a number that cannot be told; if they "
                f"are data, it has changed: {', '.join(odd[:_SHOWN])}"
            )
        file = _File(identity, digest, verified.versions, weakref.ref(prepared))
        self._keep(uuid, file, prepared)
        return prepared

    def _count(self, uuid: UUID, prepared: Prepared) -> None:
        """Count what is ready for as long as anybody has it.

        Raises:
            LoadError: there is too much, and all of it is in use.
        """
        cost = prepared.cost
        while not self._room.take(cost):
            if not self._kept:
                raise LoadError(
                    f"{uuid} takes {cost >> 20} MiB to be placed, and all TAs and libraries in use "
                    f"{self._limits.files >> 20} at most: the realm needs more memory for it",
                    tee.ERROR_OUT_OF_MEMORY,
                )
            with self._lock:
                self._kept.popitem(last=False)
        weakref.finalize(prepared, self._gone, uuid, cost).atexit = False

    def _gone(self, uuid: UUID, cost: int) -> None:
        """Nobody has what a file was made into; called wherever that ends, with any lock held."""
        self._room.give(cost)
        file = self._files.get(uuid)
        if file is not None and file.made() is None:
            self._files.pop(uuid, None)

    def _find(self, uuid: UUID) -> tuple[_File, Prepared] | tuple[None, None]:
        with self._lock:
            file = self._files.get(uuid)
            prepared = None if file is None else file.made()
            if file is None or prepared is None:
                return None, None
            if uuid in self._kept:
                self._kept.move_to_end(uuid)
            return file, prepared

    def _keep(self, uuid: UUID, file: _File, prepared: Prepared) -> None:
        with self._lock:
            self._files[uuid] = file
            self._kept.pop(uuid, None)
            self._kept[uuid] = prepared
            left = self._limits.kept
            for each in reversed(tuple(self._kept)):
                left -= self._kept[each].cost
                if left < 0:
                    del self._kept[each]


class Ready:
    """A TA whose file was read and verified: it is loaded without another look at that.

    Args:
        loader: where it and its libraries come from.
        uuid: which TA.

    Raises:
        LoadError: it is not there, or refused.
    """

    def __init__(self, loader: Loader, uuid: UUID) -> None:
        self._loader = loader
        self._uuid = uuid
        self._main = loader.prepare(uuid)

    def load(self, uuid: UUID, dispatcher: int, base: Base) -> Placed:
        """Return the TA, as `Loader.load` does."""
        return Placed(uuid, self.prepare, dispatcher, base)

    def prepare(self, uuid: UUID) -> Prepared:
        """Return the TA or a library of it, as `Loader.prepare` does."""
        return self._main if uuid == self._uuid else self._loader.prepare(uuid)
