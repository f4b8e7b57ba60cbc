# SPDX-License-Identifier: BSD-3-Clause
"""The store: `<folder>/store`, encrypted, and one writer at a time.

Whoever changes it holds `<folder>/lock`, so that a running broker and the command line can both:
a broker reads the store again for each question.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from realmos.broker._content import Content
from realmos.broker._files import make_folder, read_private, write_private
from realmos.broker._keys import Lock
from realmos.broker._vault import SIZE_MAX, Vault
from realmos.errors import ConfigError


class Store:
    """What a broker keeps, in a folder.

    Several threads may use it.

    Args:
        folder: where it is.
        lock: what it is locked with.
    """

    def __init__(self, folder: Path, lock: Lock) -> None:
        self.path = folder / "store"
        self._folder = folder
        self._lock = lock
        self._vault: Vault | None = None  # to derive the key once

    def read(self) -> Content:
        """Return what is kept now.

        Raises:
            ConfigError: there is no store, it cannot be read, or its key is another.
            IntegrityError: it is cut short or was changed.
        """
        try:
            data = read_private(self.path, limit=SIZE_MAX)
        except FileNotFoundError as error:
            raise ConfigError(
                f"there is no store of a broker in {self._folder}",
                hint="the first `realmos broker add` makes one",
            ) from error
        return Content.decode(self._vault_of(data).open(data))

    def update(self, change: Callable[[Content], Content]) -> Content:
        """Replace what is kept, durably, by what `change` makes of it; make a store the first time.

        Raises:
            ConfigError: it cannot be written, or `change` refuses; what was kept is unchanged.
            IntegrityError: as `read`.
        """
        make_folder(self._folder)
        with self._held():
            if self.path.exists():
                content = change(self.read())
            else:
                content = change(Content.new())
                self._vault = Vault.new(self._lock)
            assert self._vault is not None
            data = self._vault.close(content.encode())
            if len(data) > SIZE_MAX:
                raise ConfigError(f"the store would be larger than {SIZE_MAX >> 20} MiB")
            write_private(self.path, data)
        return content

    def _vault_of(self, data: bytes) -> Vault:
        if self._vault is None:
            self._vault = Vault.of(data, self._lock)
        return self._vault

    @contextmanager
    def _held(self) -> Iterator[None]:
        path = self._folder / "lock"
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise ConfigError(
                f"{path} cannot be written: {error.strerror}; the store is unchanged",
                hint=f"is the disk full, or {self._folder} read-only or another user's?",
            ) from error
        try:
            # Of the open file, so threads of one process wait for each other, too.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
