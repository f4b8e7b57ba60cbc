# SPDX-License-Identifier: BSD-3-Clause
"""`realmos logs`: every line that the last machine printed, tagged with its layer."""

import json
from collections.abc import Iterator
from pathlib import Path

from realmos.machine import Layer, Symboliser, log_lines, tag_lines


def tagged_lines(run: Path) -> Iterator[tuple[Layer, str]]:
    """Yield the lines of a run's logs: UART0's, the secure world's, each realm's, and QEMU's own.

    Crash reports are symbolised with the ELF files of that run's firmware.
    """
    symboliser = Symboliser.of_run(run)
    for layer, line in tag_lines(log_lines(run / "uart.log")):
        yield layer, symboliser.line(line)
    for line in log_lines(run / "secure.log"):
        yield Layer.OPTEE, line
    for path in sorted(run.glob("realm*.log")):
        for line in log_lines(path):
            yield Layer.KERNEL, line
    for line in log_lines(run / "qemu.log"):
        yield Layer.QEMU, line


def print_logs(run: Path, *, as_json: bool) -> None:
    """Print a run's logs, a line each, or one JSON object a line."""
    for layer, line in tagged_lines(run):
        print(json.dumps({"layer": layer, "line": line}) if as_json else f"{layer:>7} | {line}")
