# SPDX-License-Identifier: BSD-3-Clause
"""What the peer's Linux runs: tee-supplicant, its store empty, and beside it a client of OP-TEE.

    client TRACE PROGRAM [ARG …]

If TRACE is not `-`, then every call by which the client's processes reach OP-TEE, and its answer,
is noted by the kernel. What was noted is left in two files of this name: `TRACE.text` says what,
`TRACE.raw` says when, in nanoseconds; a line of one belongs to a line of the other.
"""

import os
import shutil
import signal
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
    supplicant = _start([_SUPPLICANT])
    try:
        return _wait(_start(client)) if trace == "-" else _traced(client, trace)
    finally:
        os.kill(supplicant, signal.SIGKILL)
        _wait(supplicant)


def _traced(client: list[str], trace: str) -> int:
    if not (_TRACING / "trace").exists():
        _wait(_start(["mount", "-t", "tracefs", "tracefs", str(_TRACING)]))
    for name, value in (
        ("trace", ""),
        ("trace_clock", "mono"),  # the client's
        ("buffer_size_kb", str(_BUFFER_KB)),
        ("trace_options", "event-fork"),
        ("set_event_pid", str(os.getpid())),
        (_EVENTS, "1"),
    ):
        (_TRACING / name).write_text(value, "ascii")
    status = _wait(_start(client))
    (_TRACING / _EVENTS).write_text("0", "ascii")
    for ending, option in (("text", "noraw"), ("raw", "raw")):
        (_TRACING / "trace_options").write_text(option, "ascii")
        Path(f"{trace}.{ending}").write_bytes((_TRACING / "trace").read_bytes())
    return status


def _start(argv: list[str]) -> int:
    return os.posix_spawnp(argv[0], argv, os.environ)


def _wait(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    sys.exit(main())
