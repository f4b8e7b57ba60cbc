# SPDX-License-Identifier: BSD-3-Clause
"""What the peer's Linux runs: tee-supplicant, its store empty, and beside it a client of OP-TEE.

    client TRACE PROGRAM [ARG …]

If TRACE is not `-`, then every call by which the client's processes reach OP-TEE, and its answer,
is noted by the kernel. What was noted is left in two files of this name: `TRACE.text` says what,
`TRACE.raw` says when, in nanoseconds; a line of one belongs to a line of the other.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_SUPPLICANT = "/usr/sbin/tee-supplicant"
_STORE = "/var/lib/optee-client/data/tee"
_TRACING = Path("/sys/kernel/tracing")
_EVENTS = "events/optee/enable"
_BUFFER_KB = 32 << 10


def main() -> int:
    """Do what the command line says; return the client's status."""
    trace, client = sys.argv[1], sys.argv[2:]
    shutil.rmtree(_STORE, ignore_errors=True)
    with subprocess.Popen([_SUPPLICANT]) as supplicant:
        try:
            if trace == "-":
                return subprocess.run(client, check=False).returncode
            return _traced(client, trace)
        finally:
            supplicant.kill()


def _traced(client: list[str], trace: str) -> int:
    if not (_TRACING / "trace").exists():
        subprocess.run(["mount", "-t", "tracefs", "tracefs", _TRACING], check=True)
    for name, value in (
        ("trace", ""),
        ("trace_clock", "mono"),  # the client's
        ("buffer_size_kb", str(_BUFFER_KB)),
        ("trace_options", "event-fork"),
        ("set_event_pid", str(os.getpid())),
        (_EVENTS, "1"),
    ):
        (_TRACING / name).write_text(value, "ascii")
    status = subprocess.run(client, check=False).returncode
    (_TRACING / _EVENTS).write_text("0", "ascii")
    for ending, option in (("text", "noraw"), ("raw", "raw")):
        (_TRACING / "trace_options").write_text(option, "ascii")
        Path(f"{trace}.{ending}").write_bytes((_TRACING / "trace").read_bytes())
    return status


if __name__ == "__main__":
    sys.exit(main())
