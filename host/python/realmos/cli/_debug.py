# SPDX-License-Identifier: BSD-3-Clause
"""`--gdb`: where to stop, and the gdb command that gets there with the right symbols."""

import shlex
import socket

from rich.console import Console

from realmos.errors import ConfigError
from realmos.session import Prepared

_OPTION = {"rmm": "--rmm", "monitor": "--bl33"}
"""What brings an image in, for the images that can be debugged with their own symbols."""


def debug_port(what: str | None) -> int | None:
    """Return a free TCP port on loopback when a debugger is wanted."""
    if what is None:
        return None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def gdb_command(prepared: Prepared, what: str, port: int) -> str:
    """Return the gdb command that stops at the first instruction of `what`.

    Args:
        prepared: what is about to run.
        what: `realm`, `rmm` or `monitor`.
        port: QEMU's gdb stub.

    Raises:
        ConfigError: `what` is an image that was brought in, whose symbols are not known.
    """
    symbols = prepared.flash.symbols()
    words = ["gdb-multiarch", "-ex", f"target remote 127.0.0.1:{port}"]
    if what == "realm":
        entry = prepared.realms[0].entry
        for name in sorted(symbols):
            words += ["-ex", f"add-symbol-file {symbols[name]}"]
        words += ["-ex", f"hbreak *{entry:#x}"]
    elif what in symbols:
        words += ["-ex", f"file {symbols[what]}", "-ex", f"hbreak {what}_entry"]
    else:
        raise ConfigError(
            f"the symbols of an image brought in with {_OPTION[what]} are not known",
            hint="`--gdb` alone stops at the realm's first instruction; "
            f"`--gdb {what}` is for the {what} that is built here",
        )
    return shlex.join([*words, "-ex", "continue"])


def announce(prepared: Prepared, what: str | None) -> None:
    """Print the gdb command before the machine starts, when a debugger is wanted."""
    port = prepared.options.gdb
    if what is None or port is None:
        return
    command = gdb_command(prepared, what, port)
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    console.print(f"the machine waits for gdb; in another terminal:\n  {command}")
