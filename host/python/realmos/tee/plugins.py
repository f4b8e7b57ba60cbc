# SPDX-License-Identifier: BSD-3-Clause
"""Plugins of tee-supplicant, run on the build machine for TAs that call them.

They are programs of the user's, like the client: nothing confines them. A program of ours
(`host/plugins`) loads those of arm64 under QEMU's user mode, and those of this machine as they are.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from realmos_agent.tee.plugins import ANSWER_MAX

from realmos import process
from realmos.cache import Cache
from realmos.errors import ConfigError
from realmos.progress import Reporter
from realmos.tee.libteec import architecture_of, build_architecture, build_for
from realmos.tee.testset import find_optee_tests

PLUGINS: Final = ("--plugins", "hub")
"""What is in the command line of a core whose hub has plugins."""

_NAME = "plugins"
_ARM64 = "arm64"
_START_S = 120.0
_END_S = 10.0
_LENGTH = struct.Struct("=I")


class PluginProcess:
    """A process that has loaded plugins; called one by one.

    Args:
        stream: to it.
    """

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __call__(self, call: bytes) -> bytes:
        """Give it a call, and return its answer.

        Raises:
            OSError: it has ended.
        """
        with self._lock:
            self._stream.sendall(_LENGTH.pack(len(call)) + call)
            return self.answer()

    def answer(self) -> bytes:
        """Return what it says next.

        Raises:
            OSError: it has ended, or says nothing that makes sense.
        """
        (length,) = _LENGTH.unpack(self._receive(_LENGTH.size))
        if length > ANSWER_MAX:
            raise OSError("the plugins' process answered with too much")
        return self._receive(length)

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._stream.recv(size - len(data))
            if not piece:
                raise OSError("the plugins' process has ended")
            data += piece
        return data


@contextmanager
def opened_plugins(
    paths: Sequence[Path], cache: Cache, reporter: Reporter
) -> Iterator[PluginProcess | None]:
    """Load plugins, and yield what calls them; None if there are none.

    Args:
        paths: shared objects that export `plugin_method`.
        cache: for the program that loads them, and libraries of arm64.
        reporter: progress.

    Raises:
        ConfigError: one of them is none.
        ToolError: there is no compiler for the program.
        SourceError: libraries or emulator for arm64 cannot be had.
    """
    if not paths:
        yield None
        return
    argv = [*_command(_architecture(paths), cache, reporter), *(path.resolve() for path in paths)]
    ours, its = socket.socketpair()
    with ours, contextlib.ExitStack() as stack:
        with its:
            running = process.attach(argv, its)
        stack.callback(_end, running)
        stack.callback(ours.shutdown, socket.SHUT_RDWR)
        ours.settimeout(_START_S)
        plugins = PluginProcess(ours)
        try:
            plugins.answer()
        except OSError as error:
            raise ConfigError(
                f"the plugins cannot be loaded: {', '.join(map(str, paths))}",
                hint="the line above says why; a plugin is what tee-supplicant loads as *.plugin",
            ) from error
        ours.settimeout(None)
        yield plugins


def _architecture(paths: Sequence[Path]) -> str:
    """Return the one architecture of all.

    Raises:
        ConfigError: they have several, or one that does not run here.
    """
    found = {}
    for path in paths:
        try:
            found[path] = architecture_of(path)
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    first = found[paths[0]]
    for path, architecture in found.items():
        if architecture not in {_ARM64, build_architecture()}:
            raise ConfigError(f"{path} is no plugin that runs here, but {architecture}")
        if architecture != first:
            raise ConfigError(
                f"{path} is for {architecture}, and {paths[0]} for {first}",
                hint="build all plugins for the same one",
            )
    return first


def _command(architecture: str, cache: Cache, reporter: Reporter) -> list[str | Path]:
    """Return the command that loads plugins of an architecture."""
    program = build_for(
        architecture,
        "plugins",
        name=_NAME,
        what="what runs plugins",
        cache=cache,
        reporter=reporter,
    )
    if architecture == build_architecture():
        return [program]
    return list(find_optee_tests(cache, reporter).argv(program))


def _end(running: process.Process) -> None:
    """Wait for the process to end, as it does when its stream has; kill it if it does not."""
    if not process.wait(running, _END_S):
        process.kill_group(running.pid)
        running.wait()
