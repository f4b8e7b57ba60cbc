# SPDX-License-Identifier: BSD-3-Clause
"""The TEE core put together: loader, runners, system calls, pseudo TAs, manager and server."""

import os
import secrets
import stat
import threading
from functools import partial
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID, uuid4, uuid5

from realmos_agent.tee import numbers
from realmos_agent.tee.clocks import Clocks
from realmos_agent.tee.debug import Debugger
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.loader import (
    Keys,
    Loader,
    Versions,
    development_keys,
    root_key,
)
from realmos_agent.tee.manager import Manager
from realmos_agent.tee.parts import RunnerError
from realmos_agent.tee.pta import RealmPta, SystemPta, realm_token
from realmos_agent.tee.runners import Runners
from realmos_agent.tee.server import Server
from realmos_agent.tee.services import Services
from realmos_agent.tee.storage import Storage, development, ephemeral
from realmos_agent.tee.syscalls.table import Dispatcher

FILE_MAX = 16 << 20
"""The largest TA, in bytes."""
_NAMESPACE = UUID("37e0e3ad-7a18-4b8e-9a6a-0f3a1a2c5a0d")
_DEVELOPMENT_ROOT = b"realmos: everybody knows this root of TAs' keys"
_ABOUT_STORAGE = (
    "WARNING: TAs' objects, keys and newest versions end with this core; --storage DIR keeps them",
    "WARNING: objects and keys of TAs are kept under a key that everybody has; for development",
)
_MEMORY_MAX = 768 << 20  # of a runner's process: more than a TA's address space has room for
_VERSIONS = b"versions"  # the name of the core's note
_STDERR = 2


class Options(NamedTuple):
    """What a core is made from.

    Attributes:
        ta_dir: where the .ta files are.
        runner: the runner's program.
        qemu_user: a program that runs the runner on another kind of processor, or "".
        ta_key: the PEM file of the key that signs TAs; "" for OP-TEE's development key.
        storage: the directory of a store for development; "" for one that ends with the core.
        debug: UUID=DIR: the TA that waits for gdb, and gdb's directory; "" for none.
    """

    ta_dir: str
    runner: str
    qemu_user: str = ""
    ta_key: str = ""
    storage: str = ""
    debug: str = ""


class Core:
    """A core that serves one stream.

    Args:
        options: what it is made from.
        out: the descriptor that answers go to.

    Raises:
        OSError: the TA key cannot be read.
        ValueError: it is none.
    """

    def __init__(self, options: Options, out: int) -> None:
        self._out = out
        self._log_lock = threading.Lock()
        self._options = options
        self._services = Services(
            self._write_log, Clocks(), _device(options), storage=_storage(options)
        )
        self._services.log(_ABOUT_STORAGE[bool(options.storage)])
        storage = self._services.storage
        versions = Versions(partial(storage.note, _VERSIONS), partial(storage.set_note, _VERSIONS))
        self._loader = Loader(self._fetch, self._keys(), versions.accept, self._services.log)
        self._debugger = Debugger(options.debug) if options.debug else None
        self._dispatch = Dispatcher()
        self._runners = Runners(options.runner, options.qemu_user, _MEMORY_MAX, self._services.log)
        system = SystemPta(_root_key(options), _add_entropy)
        realm = RealmPta(realm_token, self._services.log)
        self._manager = Manager(self._create, (system, realm))
        self._services.manager = self._manager
        self._server = Server(self._manager, self._send, self._services.log)

    def serve(self, source: int) -> None:
        """Serve what comes from a descriptor until it ends; then end every TA.

        Raises:
            WireError: what comes is not the tee wire.
        """
        try:
            while data := os.read(source, 1 << 16):
                self._server.receive(data)
        finally:
            self._manager.end()

    def _create(self, uuid: UUID) -> Instance:
        """Make an instance.

        Raises:
            TeeError: there is no such TA, or it cannot be had.
        """
        try:
            self._loader.prepare(uuid)  # before a process is made for nothing
            return self._instance(uuid)
        except TeeError as error:
            if error.code != numbers.ERROR_ITEM_NOT_FOUND:
                self._services.log(f"{uuid} is not loaded: {error}")
            raise
        except RunnerError as error:
            self._services.log(f"{uuid} is not loaded: {error}")
            raise TeeError(numbers.ERROR_OUT_OF_MEMORY) from error
        except Exception as error:
            from traceback import format_exception

            trace = "".join(format_exception(error))
            self._services.log(f"{uuid} is not loaded, as the core fails to:\n{trace}")
            raise TeeError(numbers.ERROR_GENERIC) from error

    def _instance(self, uuid: UUID) -> Instance:
        if self._debugger is not None and self._debugger.takes(uuid):
            return self._debugged(uuid, self._debugger)
        runner = self._runners.start()
        try:
            return Instance(uuid, self._loader, runner, self._dispatch, self._services)
        except BaseException:
            runner.close()
            raise

    def _debugged(self, uuid: UUID, debugger: Debugger) -> Instance:
        runner = self._runners.start(debugger.argv(self._runners.argv), seconds=None)
        try:
            return Instance(
                uuid, debugger.loader(self._loader), runner, self._dispatch, self._services,
                space=debugger.space(),
            )  # fmt: skip
        except BaseException:
            runner.close()
            raise

    def _fetch(self, uuid: UUID) -> bytes | None:
        """Return a signed file by its UUID; None if there is none."""
        path = os.path.join(self._options.ta_dir, f"{uuid}.ta")
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                self._services.log(f"{path}: {error.strerror}")
            return None
        with open(fd, "rb") as file:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_size > FILE_MAX:
                self._services.log(f"{path}: not a file of at most {FILE_MAX} bytes")
                return None
            return file.read(FILE_MAX)

    def _keys(self) -> Keys:
        path = self._options.ta_key
        if not path:
            self._services.log(
                "WARNING: TAs are accepted that OP-TEE's public development key signed, which "
                "anybody has; name your own with --ta-key"
            )
            return development_keys()
        with open(path, "rb") as file:
            root = root_key(file.read(), path)
        if root.is_development:
            self._services.log(f"WARNING: {path} is OP-TEE's public development key")
        return Keys((root,))

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._out, view) :]

    def _write_log(self, line: str) -> None:
        data = f"tee: {line}\n".encode("utf-8", "backslashreplace")
        with self._log_lock:
            # Not by sys.stderr: a thread that holds its lock when the interpreter ends is fatal.
            while data:
                data = data[os.write(_STDERR, data) :]


def _storage(options: Options) -> Storage:
    return development(options.storage) if options.storage else ephemeral()


def _device(options: Options) -> UUID:
    """Return what tells this device from others: one that keeps objects stays the same."""
    return uuid5(_NAMESPACE, "development store") if options.storage else uuid4()


def _root_key(options: Options) -> bytes:
    """Return what keys of TAs are derived from; they last as long as the store."""
    return sha256(_DEVELOPMENT_ROOT).digest() if options.storage else secrets.token_bytes(32)


def _add_entropy(offered: bytes) -> None:
    """Mix what a TA offers into the kernel's pool, which takes it for worth nothing."""
    with open("/dev/urandom", "wb", buffering=0) as pool:
        pool.write(offered)
