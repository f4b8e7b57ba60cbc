# SPDX-License-Identifier: BSD-3-Clause
"""`--gdb`: where to stop, and the gdb command that gets there with the right symbols."""

import shlex
import socket
from pathlib import Path

from elftools.elf.elffile import ELFFile
from rich.console import Console

from realmos.cache import Cache
from realmos.errors import ConfigError
from realmos.image import symbol_file
from realmos.session import Prepared

_OPTION = {"rmm": "--rmm", "monitor": "--bl33"}
"""What brings an image in, for the images that can be debugged with their own symbols."""
_FIXED_ADDRESSES = "nokaslr"
_REALM_NOTES = f"""\
The realm's kernel is told `{_FIXED_ADDRESSES}`, so that it runs where its symbols are; the RIM is
therefore not that of a run without --gdb. The symbols are names without types or source lines, and
count from start_kernel on (`hbreak start_kernel`): what comes before runs at other addresses."""


def debug_port(what: str | None) -> int | None:
    """Return a free TCP port on loopback when a debugger is wanted."""
    if what is None:
        return None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def debug_cmdline(words: str, what: str | None) -> str:
    """Return what to append to the kernel's command line: a realm that is debugged stays put."""
    return f"{words} {_FIXED_ADDRESSES}".strip() if what == "realm" else words


def gdb_command(prepared: Prepared, what: str, port: int, kernel: Path | None = None) -> str:
    """Return the gdb command that stops at the first instruction of `what`.

    Args:
        prepared: what is about to run.
        what: `realm`, `rmm` or `monitor`.
        port: QEMU's gdb stub.
        kernel: the ELF file with the symbols of the realm's kernel, if it is known.

    Raises:
        ConfigError: `what` is an image that was brought in, whose symbols are not known.
    """
    symbols = prepared.flash.symbols()
    words = ["gdb-multiarch", "-ex", f"target remote 127.0.0.1:{port}"]
    if what == "realm":
        entry = prepared.realms[0].entry
        if kernel is not None:
            words += ["-ex", f"file {kernel}"]
        for name in sorted(_OPTION.keys() & symbols):
            words += ["-ex", f"add-symbol-file {symbols[name]}"]
    elif what in symbols:
        entry = _entry(symbols[what])
        words += ["-ex", f"file {symbols[what]}"]
    else:
        raise ConfigError(
            f"the symbols of an image brought in with {_OPTION[what]} are not known",
            hint="put the ELF file that it was made from beside it, its name ending in .elf; "
            "`--gdb` alone stops at the realm's first instruction",
        )
    return shlex.join([*words, "-ex", f"hbreak *{entry:#x}", "-ex", "continue"])


def announce(prepared: Prepared, what: str | None) -> None:
    """Print the gdb command before the machine starts, when a debugger is wanted."""
    port = prepared.options.gdb
    if what is None or port is None:
        return
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    kernel = None
    if what == "realm":
        try:
            kernel = symbol_file(prepared.image.kernel, Cache())
        except ConfigError as error:
            console.print(f"no symbols for the realm's kernel: {error}")
    command = gdb_command(prepared, what, port, kernel)
    console.print(f"the machine waits for gdb; in another terminal:\n  {command}")
    if kernel is not None:
        console.print(_REALM_NOTES)


def _entry(elf: Path) -> int:
    with elf.open("rb") as file:
        address: int = ELFFile(file)["e_entry"]
        return address
