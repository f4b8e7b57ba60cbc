# SPDX-License-Identifier: BSD-3-Clause
"""A realm that floods its console fills neither the disk nor the memory of the build machine."""

import pytest
from realmos.machine import realm_log
from realmos.machine._console import LOG_LIMIT
from realmos.pytest_plugin import RealmFactory

pytestmark = pytest.mark.qemu

MEBIBYTES = 12
FLOOD = f"""
with open("/dev/hvc0", "wb", buffering=0) as console:
    for number in range({MEBIBYTES} << 10):
        console.write((b"line %09d " % number).ljust(1022, b".") + b"\\n")
"""


def test_a_realm_that_floods_its_console_has_a_bounded_log(realm_factory: RealmFactory) -> None:
    with realm_factory() as session:
        log = realm_log(session.machine.spec, 0)
        assert session.agent.run(["flood.py"], script=FLOOD.encode(), timeout=600).status == 0
        session.machine.poll_consoles()
        assert log.stat().st_size <= LOG_LIMIT
        text = log.read_text("utf-8", "replace")
        assert "init: " in text  # what the realm said first
        assert "bytes are left out here" in text
        assert session.agent.run(["true"]).status == 0
    assert f"line {(MEBIBYTES << 10) - 1:09}" in log.read_text("utf-8", "replace")
