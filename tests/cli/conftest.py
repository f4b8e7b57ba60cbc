# SPDX-License-Identifier: BSD-3-Clause
"""The installed command as a process, with directories, programs and a cache of its own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from realmos.anchor import load_anchor
from realmos.cache import Cache
from realmos.firmware import build_firmware
from realmos.image import build_image
from realmos.progress import Silent
from realmos.source import find_qemu

PATIENCE = 1800.0
"""Seconds for one command: a net below the limits of the tests themselves."""


@dataclass
class Command:
    """`realmos`, its logs and sockets in `home`."""

    home: Path
    environment: dict[str, str]
    _started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *words: str) -> subprocess.Popen[str]:
        program = Path(sys.executable).with_name("realmos")
        child = subprocess.Popen(
            [program, *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(child)
        return child

    def finish(self, child: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
        """Wait for the end of a command."""
        out, err = child.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(child.args, child.returncode, out, err)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.finish(self.start(*words))

    def processes(self, of: str = "") -> list[int]:
        """The processes with our sockets' directory on their command line, and the word `of`."""
        sockets, found = str(self.home / "sockets"), []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # it has ended
                words = os.fsdecode(path.read_bytes())
                if sockets in words and of in words:
                    found.append(int(path.parent.name))
        return found

    def left_over(self) -> list[object]:
        """What there should be nothing of, once every command has ended."""
        return [*self.processes(), *(self.home / "sockets").iterdir()]

    def end(self) -> None:
        """Leave no process, however the test went."""
        for child in self._started:
            if child.poll() is None:
                child.kill()
                child.communicate()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def command() -> Iterator[Command]:
    """`realmos`, on the cache that all tests share."""
    with tempfile.TemporaryDirectory(prefix="realmos-test-") as name:  # short, for sockets
        home = Path(name)
        (home / "sockets").mkdir()
        own = {"REALMOS_STATE": str(home / "state"), "XDG_RUNTIME_DIR": str(home / "sockets")}
        made = Command(home, {**os.environ, **own})
        try:
            yield made
        finally:
            made.end()


@pytest.fixture
def own_cache(command: Command) -> Callable[..., Path]:
    """Return a function that gives the command a copy of the cache, less some kinds of outputs.

    All downloads are in it, and no snapshots.
    """

    def copy(*, without: str = "") -> Path:
        warm, path = Cache(), command.home / "cache"
        find_qemu(warm, Silent())
        build_firmware(warm, Silent(), anchor=load_anchor())
        build_image("linux", warm, Silent())
        for part in ("files", "apt", "built"):
            kinds = [f"{kind}-*" for kind in without.split()] if part == "built" else []
            shutil.copytree(
                warm.path / part,
                path / part,
                symlinks=True,
                copy_function=_link,
                ignore=shutil.ignore_patterns(*kinds),
            )
        command.environment["REALMOS_CACHE"] = str(path)
        return path

    return copy


def _link(source: str, target: str) -> None:
    """Make a hard link: outputs are never changed in place. Elsewhere, a copy."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


@pytest.fixture
def watched(command: Command) -> Callable[..., Callable[[], list[str]]]:
    """Return a function that lets programs be watched, and forbidden.

    It returns one that tells the words of each call since; asking for a version is no call.
    """

    def watch(*names: str, forbidden: bool = False) -> Callable[[], list[str]]:
        calls = command.home / "calls"
        calls.write_text("")
        folder = Path(tempfile.mkdtemp(dir=command.home))
        for name in names:
            program = shutil.which(name)
            assert program is not None
            then = "exit 1" if forbidden else f'exec {program} "$@"'
            (folder / name).write_text(
                f'#!/bin/sh\ncase "$1" in --version) exec {program} "$@" ;; esac\n'
                f'echo "{name} $*" >>{calls}\n{then}\n'
            )
            (folder / name).chmod(0o755)
        command.environment["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
        return lambda: calls.read_text().splitlines()

    return watch
