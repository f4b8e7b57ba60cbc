# SPDX-License-Identifier: BSD-3-Clause
"""gdb at the entry of a TA that runs on the build machine: where to stop, with which symbols.

The core lets QEMU wait for gdb where the TA is, and says what it has loaded where (see
`realmos_agent.tee.debug`). Here is what it does not know: files with symbols, and gdb's commands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from realmos_agent.tee.debug import BASE, SCRIPT, SOCKET
from realmos_agent.tee.loader import Keys, LoadError
from realmos_agent.tee.loader.elf import parse

from realmos import process
from realmos.cache import Cache
from realmos.errors import ConfigError, ToolError
from realmos.progress import Reporter
from realmos.source import qemu_user
from realmos.tee.symbols import signed_elf, symbol_file

_START = "start.gdb"
_EMULATORS = ("qemu-aarch64", "qemu-aarch64-static")
_UNIX_SOCKETS = Path("/proc/net/unix")
_LISTENS = 0x10000  # __SO_ACCEPTCON
_COMMANDS = """\
set confirm off
set breakpoint pending on
set sysroot
set $ta_objects = 0
define ta-objects
  source {script}
end
document ta-objects
Read the symbols of libraries that the TA has opened since it was entered.
end
target remote {socket}
thbreak *{entry:#x}
continue
ta-objects
echo \\nthe entry of TA {uuid}; go on with: break TA_InvokeCommandEntryPoint, continue\\n
frame
"""


@dataclass(frozen=True)
class DebugTarget:
    """A TA to debug.

    Attributes:
        uuid: the TA.
        directory: of the debugger: symbols, gdb's commands, the socket.
        emulator: the program that TAs run under.
        plain: why there are no symbols but those in the `.ta` file; empty if there are.
    """

    uuid: UUID
    directory: Path
    emulator: tuple[str, ...]
    plain: str

    @property
    def spec(self) -> str:
        """What the core is told."""
        return f"{self.uuid}={self.directory}"

    def waits(self) -> bool:
        """Whether an instance of the TA waits for gdb."""
        socket = str(self.directory / SOCKET)
        for line in _UNIX_SOCKETS.read_text("utf-8", "surrogateescape").splitlines()[1:]:
            words = line.split(None, 7)
            if len(words) == 8 and words[7] == socket and int(words[3], 16) & _LISTENS:
                return True
        return False

    def argv(self, gdb: str, commands: Sequence[str], *, batch: bool = False) -> list[str]:
        """Return gdb's command line.

        Args:
            gdb: the program.
            commands: what it is to do at the TA's entry.
            batch: it is to end then.
        """
        words = [gdb, "-q", *(["-batch"] if batch else []), "-x", str(self.directory / _START)]
        return words + [word for command in commands for word in ("-ex", command)]


def debug_target(
    applications: Mapping[UUID, Path],
    uuid: UUID,
    keys: Keys,
    *,
    directory: Path,
    cache: Cache,
    reporter: Reporter,
) -> DebugTarget:
    """Prepare what gdb needs.

    Args:
        applications: all TAs and libraries that there will be.
        uuid: the TA to debug.
        keys: that vouch for them.
        directory: of the debugger's; absolute.
        cache: for the emulator.
        reporter: progress.

    Raises:
        ConfigError: the TA is not among them, or is a library.
        SourceError: the emulator cannot be had.
        ToolError: likewise.
    """
    if uuid not in applications:
        raise ConfigError(
            f"{uuid} is none of the TAs that were named", hint="realmos ta inspect FILE.ta tells it"
        )
    plain = ""
    for each, path in applications.items():
        signed = signed_elf(each, path, keys)
        symbols, why = symbol_file(each, path, signed)
        content = signed if symbols is None else symbols.read_bytes()
        (directory / f"{each}.elf").write_bytes(content)
        if each == uuid:
            plain = why
    try:
        image = parse((directory / f"{uuid}.elf").read_bytes())
    except LoadError as error:
        raise ConfigError(f"{applications[uuid]}: {error}") from error
    if image.soname is not None:
        raise ConfigError(
            f"{applications[uuid]} is a library, which nobody enters",
            hint="--uuid names the TA to stop in",
        )
    (directory / _START).write_text(
        _COMMANDS.format(
            script=directory / SCRIPT,
            socket=directory / SOCKET,
            entry=BASE + image.entry,
            uuid=uuid,
        ),
        "utf-8",
    )
    return DebugTarget(uuid, directory, _emulator(cache, reporter), plain)


def _emulator(cache: Cache, reporter: Reporter) -> tuple[str, ...]:
    """Return QEMU's user mode, which has what gdb talks to; on an arm64 machine, too."""
    emulator = qemu_user(cache, reporter)
    if emulator:
        return emulator
    for name in _EMULATORS:
        if found := process.which(name):
            return (str(found),)
    raise ToolError(
        "qemu-aarch64, under which TAs are debugged, was not found",
        hint="apt-get install qemu-user",
    )
