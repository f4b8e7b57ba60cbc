# SPDX-License-Identifier: BSD-3-Clause
"""A realm that floods its console does not fill the disk of the build machine."""

import pytest
from realmos.machine import _console, realm_log
from realmos.pytest_plugin import RealmFactory

pytestmark = pytest.mark.qemu

# Linux gives virtio consoles 16 bytes at a time: filling a log of the real size takes minutes.
HEAD, TAIL, LIMIT = 64 << 10, 64 << 10, 256 << 10
LINES = 640
FLOOD = f"""
with open("/dev/hvc0", "wb", buffering=0) as console:
    for number in range({LINES}):
        console.write((b"line %09d " % number).ljust(1022, b".") + b"\\n")
"""


def test_a_realm_that_floods_its_console_has_a_bounded_log(
    realm_factory: RealmFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, size in (("LOG_HEAD", HEAD), ("LOG_TAIL", TAIL), ("LOG_LIMIT", LIMIT)):
        monkeypatch.setattr(_console, name, size)
    with realm_factory() as session:
        log = realm_log(session.machine.spec, 0)
        assert session.agent.run(["flood.py"], script=FLOOD.encode(), timeout=600).status == 0
        session.machine.poll_consoles()
        assert log.stat().st_size <= LIMIT
        text = log.read_text("utf-8", "replace")
        assert "init: " in text  # what the realm said first
        assert "bytes are left out here" in text
        assert session.agent.run(["true"]).status == 0
    assert f"line {LINES - 1:09}" in log.read_text("utf-8", "replace")
