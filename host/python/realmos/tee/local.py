# SPDX-License-Identifier: BSD-3-Clause
"""A TEE core on the build machine, for a second's edit-run loop: no machine, no realm.

It is the very core that runs in a realm, its TAs under QEMU's user mode (on an arm64 machine,
natively). Nothing is attested, and nothing protects a TA from this machine.
"""

import contextlib
import shlex
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from realmos_agent.tee import numbers as tee
from realmos_agent.tee.loader import LoadError
from realmos_agent.tee.loader.container import read, verify

from realmos import process
from realmos.cache import Cache
from realmos.errors import ConfigError
from realmos.image import build_edge, build_runner
from realmos.progress import Reporter
from realmos.source import qemu_user
from realmos.tee.debug import DebugTarget
from realmos.tee.hub import SOCKETS, Hub
from realmos.tee.inspect import container_uuid, read_keys
from realmos.tee.libteec import SOCKET_VARIABLE, architecture_of, build_libteec
from realmos.tee.plugins import PLUGINS, opened_plugins
from realmos.tee.storage import Keeping, opened
from realmos.tee.symbols import named_errors, symbol_files
from realmos.tee.testset import OpteeTests, find_optee_tests

_END_S = 10.0
_TA_MAGIC = tee.SHDR_MAGIC.to_bytes(4, "little")
_ELF_MAGIC = b"\x7fELF"


@dataclass(frozen=True)
class TeeClient:
    """How a client program is run.

    Attributes:
        argv: its command line.
        environment: what it needs in its environment besides the user's.
    """

    argv: tuple[str, ...]
    environment: dict[str, str]


def find_applications(paths: Sequence[Path], key: Path | None) -> dict[UUID, Path]:
    """Return the TAs and libraries in files, by UUID, after a look whether they may be loaded.

    Args:
        paths: `.ta` files, and directories of them.
        key: PEM file of the key that signs them; None for OP-TEE's development key.

    Raises:
        ConfigError: a file is not a TA that the key vouches for, or two are the same one.
    """
    keys = read_keys([] if key is None else [key])
    found: dict[UUID, Path] = {}
    for path in _files(paths):
        try:
            data = path.read_bytes()
            _check_kind(path, data)
            container = read(data)
            uuid = container_uuid(container, path)
            verify(container, keys, uuid)
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
        except LoadError as error:
            raise ConfigError(
                f"{path}: {error}", hint=f"realmos ta inspect {path}; --ta-key FILE names a key"
            ) from error
        if uuid in found:
            raise ConfigError(
                f"{found[uuid]} and {path} are both TA {uuid}", hint="leave one of them out"
            )
        found[uuid] = path
    return found


@contextmanager
def local_tee(
    applications: dict[UUID, Path],
    key: Path | None,
    *,
    cache: Cache,
    reporter: Reporter,
    debug: DebugTarget | None = None,
    keeping: Keeping | None = None,
    sockets: bool = False,
    plugins: Sequence[Path] = (),
) -> Iterator[Path]:
    """Run a TEE core with these TAs, and yield the path of the socket that clients connect to.

    Args:
        applications: the TAs, and libraries, by UUID.
        key: PEM file of the key that signs them; None for OP-TEE's development key.
        cache: for the runner and the emulator.
        reporter: progress.
        debug: the TA that is to wait for gdb.
        keeping: how objects are kept; None if they end with the core.
        sockets: whether TAs may connect to the network.
        plugins: plugins of tee-supplicant that they may call.

    Raises:
        ConfigError: they cannot be kept so, or a plugin is none.
        ToolError: there is no compiler for arm64.
        SourceError: the emulator cannot be had.
    """
    runner, edge = build_runner(cache, reporter), build_edge(cache, reporter, native=True)
    emulator = qemu_user(cache, reporter) if debug is None else debug.emulator
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="realmos-tee-")))
        (home / "ta").mkdir()
        symbols = symbol_files(applications, read_keys([] if key is None else [key]))
        log = stack.enter_context(named_errors(symbols))
        for uuid, path in applications.items():
            shutil.copyfile(path, home / "ta" / f"{uuid}.ta")
        words: list[str | Path] = ["--ta-dir", home / "ta", "--runner", runner, "--edge", edge]
        if emulator:
            words += ["--qemu-user", emulator[0]]
        if key is not None:
            words += ["--ta-key", key.resolve()]
        if debug is not None:
            words += ["--debug", debug.spec]
        words += () if keeping is None else keeping.words
        words += SOCKETS if sockets else ()
        words += PLUGINS if plugins else ()
        store = stack.enter_context(opened(keeping))
        callee = stack.enter_context(opened_plugins(plugins, cache, reporter))
        ours, its = socket.socketpair()
        with its:
            argv = [sys.executable, "-m", "realmos_agent.tee", *words]
            core = process.attach(argv, its, stderr=log)
        stack.callback(_end, core)

        def complain(why: str) -> None:
            reporter.warn(f"the TEE has ended: {why}")

        with Hub(
            home / "tee", ours, on_end=complain, store=store, connects=sockets, plugins=callee
        ) as hub:
            yield hub.path


def find_client(words: Sequence[str], tee: Path, *, cache: Cache, reporter: Reporter) -> TeeClient:
    """Return how to run a client of the build machine's or of arm64, with our libteec.

    Args:
        words: its command line; a program without a slash is looked for on PATH.
        tee: the socket that it is to connect to.
        cache: for the library, and arm64 libraries.
        reporter: progress.

    Raises:
        ConfigError: there is no such program.
        ToolError: there is no compiler for the library.
        SourceError: arm64 libraries cannot be had.
    """
    program = find_program(words[0])
    environment = {SOCKET_VARIABLE: str(tee)}
    if architecture_of(program) == "arm64" and qemu_user(cache, reporter):
        library = build_libteec(cache, reporter, architecture="arm64")
        tree = find_optee_tests(cache, reporter)
        script = _make_script(tree, program, library.directory, tee.parent / "clients")
        return TeeClient((str(script), *words[1:]), environment)
    library = build_libteec(cache, reporter)
    environment["LD_LIBRARY_PATH"] = str(library.directory)
    return TeeClient((str(program), *words[1:]), environment)


def find_program(word: str) -> Path:
    """Return the program of a client: a path with a slash, so that nothing looks for it again.

    Raises:
        ConfigError: there is none, or it cannot be run.
    """
    program = process.which(word)
    if program is not None:
        return program.absolute()
    path = Path(word)
    if path.is_dir():
        raise ConfigError(f"{word} is a directory", hint="name the client in it")
    if path.is_file():
        hint = f"chmod +x {word}" if "/" in word else f"-- ./{word} is the one in this directory"
        raise ConfigError(f"{word} cannot be run as a program", hint=hint)
    raise ConfigError(
        f"there is no program {word}", hint="the client comes after --, as in -- ./client"
    )


def _make_script(tree: OpteeTests, program: Path, libraries: Path, directory: Path) -> Path:
    """Return a program of this machine that runs an arm64 client.

    The client is told that it was called as that, for some call themselves again.
    """
    directory.mkdir(exist_ok=True)
    script = directory / program.name
    argv = tree.argv(program.resolve(), libraries=libraries, name=str(script))
    script.write_text(f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n', "utf-8")
    script.chmod(0o700)
    return script


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(path.glob("*.ta"))
        if not inside:
            raise ConfigError(f"there is no .ta file in {path}", hint="realmos ta build makes one")
        yield from inside


def _check_kind(path: Path, data: bytes) -> None:
    """Refuse files that people take for TAs.

    Raises:
        ConfigError: it is another kind of file.
    """
    if data.startswith(_ELF_MAGIC):
        raise ConfigError(
            f"{path} is a program, and no signed TA",
            hint=f"the TA is the .ta file, such as {path.with_suffix('.ta')}; realmos ta build "
            "makes one",
        )
    if not data.startswith(_TA_MAGIC):
        raise ConfigError(f"{path} is no .ta file", hint="realmos ta build makes one")


def _end(core: process.Process) -> None:
    """Wait for the core to end, as it does when its stream has; kill it if it does not."""
    if not process.wait(core, _END_S):
        process.kill_group(core.pid)
        core.wait()
