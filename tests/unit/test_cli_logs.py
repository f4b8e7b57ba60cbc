# SPDX-License-Identifier: BSD-3-Clause
"""`realmos logs`: whose line is whose, of realms and of the peer."""

from pathlib import Path

from realmos.cli._logs import tagged_lines
from realmos.machine import Layer


def test_each_line_has_its_layer_of_both_worlds(tmp_path: Path) -> None:
    for name, text in {
        "uart.log": "NOTICE:  BL31: Built\n[    0.5] Linux alone\n",
        "secure.log": "I/TC: Primary CPU initializing\n",
        "realm0.log": "init: ready\n",
        "qemu.log": "qemu: so\n",
    }.items():
        (tmp_path / name).write_text(text, "utf-8")
    assert list(tagged_lines(tmp_path)) == [
        (Layer.BL31, "NOTICE:  BL31: Built"),
        (Layer.KERNEL, "[    0.5] Linux alone"),
        (Layer.OPTEE, "I/TC: Primary CPU initializing"),
        (Layer.KERNEL, "init: ready"),
        (Layer.QEMU, "qemu: so"),
    ]
