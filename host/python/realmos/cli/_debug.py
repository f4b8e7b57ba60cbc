# SPDX-License-Identifier: BSD-3-Clause
"""`--gdb`: where to stop, and the gdb command that gets there with the right symbols."""

import shlex
import socket

from rich.console import Console

from realmos.session import Prepared

_COMPONENT = {"rmm": "rmm", "monitor": "monitor"}


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
    """
    symbols = prepared.flash.symbols()
    words = ["gdb-multiarch", "-ex", f"target remote 127.0.0.1:{port}"]
    component = _COMPONENT.get(what)
    if component is None:
        entry = prepared.realms[0].entry
        for name in sorted(symbols):
            words += ["-ex", f"add-symbol-file {symbols[name]}"]
        words += ["-ex", f"hbreak *{entry:#x}"]
    else:
        words += ["-ex", f"file {symbols[component]}", "-ex", f"hbreak {component}_entry"]
    return shlex.join([*words, "-ex", "continue"])


def announce(prepared: Prepared, what: str | None) -> None:
    """Print the gdb command before the machine starts, when a debugger is wanted."""
    port = prepared.options.gdb
    if what is None or port is None:
        return
    console = Console(stderr=True)
    console.print("the machine waits for gdb; in another terminal:", highlight=False)
    console.print(f"  {gdb_command(prepared, what, port)}", highlight=False, soft_wrap=True)
