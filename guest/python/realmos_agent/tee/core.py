# SPDX-License-Identifier: BSD-3-Clause
"""The TEE core put together: loader, runners, system calls, pseudo TAs, manager and server."""

import contextlib
import os
import threading
from functools import partial
from typing import NamedTuple
from uuid import UUID

from realmos_agent.tee import client_numbers, numbers
from realmos_agent.tee.blobs import RemoteBackend
from realmos_agent.tee.clocks import Clocks
from realmos_agent.tee.connections import Connections
from realmos_agent.tee.debug import Debugger
from realmos_agent.tee.edge import Edge, NativeEdge
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.housekeeper import Housekeeper
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.keeping import HUB, Kept, keep_as, keep_for_development, keep_nothing
from realmos_agent.tee.loader import (
    Files,
    Keys,
    Loader,
    Ready,
    Versions,
    development_keys,
    root_key,
)
from realmos_agent.tee.log_rate import LogRate
from realmos_agent.tee.manager import Manager
from realmos_agent.tee.parts import RunnerError
from realmos_agent.tee.plugins import Plugins
from realmos_agent.tee.pta import RealmPta, SocketPta, SystemPta, realm_token
from realmos_agent.tee.questions import Questions
from realmos_agent.tee.runners import Runners
from realmos_agent.tee.server import Server
from realmos_agent.tee.services import Services
from realmos_agent.tee.syscalls.table import Dispatcher

_VERSIONS = b"versions"  # the name of the core's note
_STDERR = 2


class Options(NamedTuple):
    """What a core is made from.

    Attributes:
        ta_dir: where the .ta files are.
        runner: the runner's program.
        edge: the library of the core's edge; "" for none.
        qemu_user: a program that runs the runner on another kind of processor, or "".
        ta_key: the PEM file of the key that signs TAs; "" for OP-TEE's development key.
        storage: who holds TAs' objects: `keeping.HUB`; "" if they end with the core.
        identity: at the broker, whose key and counter objects have; "" for development.
        broker: that broker's key, in hexadecimal digits.
        debug: UUID=DIR: the TA that waits for gdb, and gdb's directory; "" for none.
        sockets: who connects TAs to the network: `keeping.HUB`; "" for nobody.
        plugins: who runs plugins of tee-supplicant: `keeping.HUB`; "" for nobody.
    """

    ta_dir: str
    runner: str
    edge: str = ""
    qemu_user: str = ""
    ta_key: str = ""
    storage: str = ""
    identity: str = ""
    broker: str = ""
    debug: str = ""
    sockets: str = ""
    plugins: str = ""


class Core:
    """A core that serves one stream.

    Args:
        options: what it is made from.
        out: the descriptor that answers go to.

    Raises:
        OSError: the TA key cannot be read.
        StoreError: objects cannot be kept as the options want it.
        ValueError: the TA key is none, or an option makes no sense.
    """

    def __init__(self, options: Options, out: int) -> None:
        self._log_lock = threading.Lock()
        self._send_lock = threading.Lock()
        self._options = options
        self._blobs = RemoteBackend(self._send)
        kept = _keep(options, self._blobs)
        storage = kept.storage
        self._services = Services(
            self._write_log, Clocks(), kept.device, kept.rollback_protection, storage
        )
        self._housekeeper = Housekeeper(self._services.log)
        self._services.tidy = self._housekeeper.add
        self._services.memory.reclaim = self._housekeeper.finish
        self._services.log(kept.about)
        storage.log = self._services.log
        versions = Versions(partial(storage.note, _VERSIONS), partial(storage.set_note, _VERSIONS))
        files = Files(options.ta_dir, self._services.log)
        self._loader = Loader(
            files.read, self._keys(), versions.accept, self._services.log, files.identify,
            check=versions.check,
        )  # fmt: skip
        self._refusals = LogRate()
        self._debugger = Debugger(options.debug) if options.debug else None
        self._dispatch = Dispatcher()
        self._runners = Runners(
            options.runner,
            options.qemu_user,
            self._services.limits.process,
            self._services.log,
            shared=self._services.memory,
            housekeeper=self._housekeeper,
        )
        self._hub = Questions(self._send)
        plugins = Plugins(self._hub) if _offered("plugins", options.plugins) else None
        system = SystemPta(kept.root, _add_entropy, plugins)
        realm = RealmPta(realm_token, self._services.log)
        connected = _offered("sockets", options.sockets)
        sockets = (SocketPta(Connections(self._hub)),) if connected else ()
        self._manager = Manager(self._create, (system, realm, *sockets))
        self._services.manager = self._manager
        answers = {
            client_numbers.KIND_HELD: self._blobs.take,
            client_numbers.KIND_NET_DONE: self._hub.take,
            client_numbers.KIND_PLUGIN_DONE: self._hub.take,
        }
        self._edge = NativeEdge(options.edge, out) if options.edge else Edge(out)
        self._server = Server(
            self._manager, self._send, self._services.log, answers=answers, edge=self._edge
        )

    def serve(self, source: int) -> None:
        """Serve what comes from a descriptor until it ends; then end every TA.

        Raises:
            WireError: what comes is not the tee wire.
        """
        self._runners.prepare()
        try:
            self._edge.serve(
                source, self._server.receive, self._server.adopt, self._manager.look_again
            )
        finally:
            self._blobs.end()
            self._hub.end()
            self._manager.end()
            self._server.end()
            self._runners.close()
            self._housekeeper.close()

    def _create(self, uuid: UUID) -> Instance:
        """Make an instance.

        Raises:
            TeeError: there is no such TA, or it cannot be had.
        """
        try:
            return self._instance(uuid, self._loader.ready(uuid))
        except TeeError as error:
            if self._refusals.admits():  # anybody can ask for what is not there, without end
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

    def _instance(self, uuid: UUID, loader: Ready) -> Instance:
        if self._debugger is not None and self._debugger.takes(uuid):
            return self._debugged(uuid, loader, self._debugger)
        runner = self._runners.start()
        try:
            return Instance(uuid, loader, runner, self._dispatch, self._services)
        except BaseException:
            runner.close()
            raise

    def _debugged(self, uuid: UUID, loader: Ready, debugger: Debugger) -> Instance:
        runner = self._runners.start(debugger.argv(self._runners.argv), seconds=None)
        try:
            return Instance(
                uuid, debugger.loader(loader), runner, self._dispatch, self._services,
                space=debugger.space(),
            )  # fmt: skip
        except BaseException:
            runner.close()
            raise

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
        with self._send_lock:
            self._edge.send(data)

    def _write_log(self, line: str) -> None:
        data = f"tee: {line}\n".encode("utf-8", "backslashreplace")
        # A client beside this core has the same standard error. A lost line ends no TA.
        with self._log_lock, contextlib.suppress(OSError):
            # Not by sys.stderr: a thread that holds its lock when the interpreter ends is fatal.
            while data:
                data = data[os.write(_STDERR, data) :]


def _offered(what: str, by: str) -> bool:
    """Tell whether TAs have sockets, or plugins.

    Raises:
        ValueError: it is said in an unknown way.
    """
    if by not in {"", HUB}:
        raise ValueError(f"--{what} {by}: they are the {HUB}'s, or nobody's")
    return bool(by)


def _keep(options: Options, blobs: RemoteBackend) -> Kept:
    """Return what is kept.

    Raises:
        StoreError: it cannot be.
        ValueError: the options make no sense.
    """
    if not options.storage and not options.identity:
        return keep_nothing()
    if options.storage != HUB or bool(options.identity) is not bool(options.broker):
        raise ValueError(f"--storage {HUB} keeps objects, with --identity and --broker or neither")
    if not options.identity:
        return keep_for_development(blobs)
    return keep_as(blobs, options.identity, options.broker)


def _add_entropy(offered: bytes) -> None:
    """Mix what a TA offers into the kernel's pool, which takes it for worth nothing."""
    with open("/dev/urandom", "wb", buffering=0) as pool:
        pool.write(offered)
