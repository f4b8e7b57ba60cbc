# SPDX-License-Identifier: BSD-3-Clause
"""`python3 -m realmos_agent.tee`: the TEE core, on standard input and output.

    --ta-dir DIR [--storage hub [--identity NAME --broker KEY]] [--runner FILE]
        [--qemu-user PROGRAM] [--ta-key PEM] [--debug UUID=DIR] [--sockets hub]
        [--plugins hub]

Frames of the tee wire come in and go out; lines for people go to standard error. With `-- CLIENT`
behind the options, input and output are that program's, which runs beside the core and is served by
it, and whose status is the core's. Options are read by hand: argparse takes long to import on an
emulated processor.
"""

import os
import sys

from realmos_agent.tee.allocator import keep_memory
from realmos_agent.tee.core import Core, Options
from realmos_agent.tee.storage import StoreError
from realmos_agent.tee.wire import WireError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_NAMES = {
    "--ta-dir": "ta_dir",
    "--storage": "storage",
    "--identity": "identity",
    "--broker": "broker",
    "--runner": "runner",
    "--edge": "edge",
    "--qemu-user": "qemu_user",
    "--ta-key": "ta_key",
    "--debug": "debug",
    "--sockets": "sockets",
    "--plugins": "plugins",
}
_DEFAULTS = {"runner": "/usr/libexec/realmos/ta-runner"}


def _parse(arguments: list[str]) -> Options:
    pairs = dict(zip(arguments[::2], arguments[1::2], strict=False))
    if len(arguments) != 2 * len(pairs) or not pairs.keys() <= _NAMES.keys():
        raise SystemExit(f"tee: usage: {' '.join(f'[{name} X]' for name in _NAMES)}")
    given = {_NAMES[name]: value for name, value in pairs.items()}
    if "ta_dir" not in given:
        raise SystemExit("tee: --ta-dir DIR is missing: where the .ta files are")
    return Options(**_DEFAULTS | given)


def main() -> "NoReturn":
    """Serve until the input ends, and end this process.

    Raises:
        SystemExit: the options or the input are wrong.
    """
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    options, client = _parse(words[:at]), words[at + 1 :]
    keep_memory()
    try:
        status = _serve_client(options, client) if at < len(words) else _serve(options)
    except (OSError, StoreError, ValueError, WireError) as error:
        raise SystemExit(f"tee: {error}") from None
    # Nothing is left to be done, and the interpreter takes a while over that; threads may be left.
    os._exit(status)


def _serve(options: Options) -> int:
    # Nothing else may write where frames go.
    out = os.dup(1)
    os.dup2(2, 1)
    Core(options, out).serve(0)
    return 0


def _serve_client(options: Options, argv: list[str]) -> int:
    from realmos_agent.tee.inside import run_client

    if not argv:
        raise SystemExit("tee: there is no client behind --")
    return run_client(options, argv)


if __name__ == "__main__":
    main()
