# SPDX-License-Identifier: BSD-3-Clause
"""What the agent reads in the kernel's log: the RSI version, and whom the kernel killed."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_LOG = "/dev/kmsg"
_RECORD_MAX = 8 << 10
_RSI = "Using RSI version "


def records(path: str = _LOG) -> "Iterator[tuple[int, str]]":
    """Yield the time (microseconds since boot) and text of each record that is still there.

    Yields nothing when the log cannot be read: it only adds to what is known otherwise.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return
    while True:
        try:
            record = os.read(fd, _RECORD_MAX)
        except BrokenPipeError:
            continue  # overwritten while we read; the next read goes on behind it
        except OSError:
            break
        if not record:
            break
        head, _, text = record.decode("utf-8", "replace").partition(";")
        fields = head.split(",")
        if len(fields) > 2 and fields[2].isdecimal():
            yield int(fields[2]), text.partition("\n")[0]
    os.close(fd)


def rsi_version(path: str = _LOG) -> str:
    """Return the version of RSI that the kernel says it uses, or "" when it does not say."""
    for _, text in records(path):
        if _RSI in text:
            return text.partition(_RSI)[2].strip()
    return ""


def was_killed_for_memory(pid: int, since_us: int, path: str = _LOG) -> bool:
    """Tell whether the kernel killed process `pid` for want of memory after `since_us`."""
    killed = f"Killed process {pid} "
    return any(time >= since_us and killed in text for time, text in records(path))
