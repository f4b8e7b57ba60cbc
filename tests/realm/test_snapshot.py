# SPDX-License-Identifier: BSD-3-Clause
"""A restored realm: alive in every part, unlike its siblings where it must be, and private."""

import time

import pytest
from realmos.agent import AgentClient
from realmos.cache import Cache
from realmos.machine import SnapshotStore, identity
from realmos.pytest_plugin import RealmFactory
from realmos.realm import RealmConfig
from realmos.session import Options, Session

pytestmark = pytest.mark.qemu

ENTROPY = "import os, random; print(os.urandom(16).hex(), random.random())"
CLOCKS = """
import time
a = time.monotonic()
time.sleep(0.5)
print(time.monotonic() - a)
"""


# What a message to the agent, and the start of a script, may take on a busy machine.
CLOCK_ERROR = 20.0


def check_wall_clock(realm: AgentClient) -> None:
    """Check that a realm has this machine's time."""
    before = time.time()
    seen = float(realm.run(["now.py"], script=b"import time; print(time.time())").stdout)
    assert before - CLOCK_ERROR < seen < time.time() + CLOCK_ERROR


def saved(session: Session) -> bool:
    spec, prepared = session.machine.spec, session.prepared
    key = identity(spec, flash_sha256=prepared.flash.sha256, qemu_version=prepared.qemu.version)
    return SnapshotStore(Cache()).find(key) is not None


@pytest.fixture(scope="module", autouse=True)
def snapshot(realm_factory: RealmFactory) -> None:
    """Make sure that there is one."""
    with realm_factory() as session:
        assert saved(session)


def test_the_second_machine_of_a_kind_is_restored(realm_factory: RealmFactory) -> None:
    with realm_factory() as session:
        assert session.restored
        assert session.evidence().rim_matches is True
        check_wall_clock(session.agent)


def test_cold_neither_uses_nor_leaves_a_snapshot(realm_factory: RealmFactory) -> None:
    config = RealmConfig(cmdline="realmos.never-saved")
    with realm_factory(realms=(config,), cold=True) as session:
        assert not session.restored
        assert not saved(session)
        check_wall_clock(session.agent)
        # An open of the console before the kernel has it whole ends in a kernel bug, now or later.
        assert b"hvc_open" not in session.agent.run(["dmesg"]).stdout


def test_timers_and_interrupts_go_on_after_a_restore(realm_factory: RealmFactory) -> None:
    with realm_factory() as session:
        result = session.agent.run(["clocks.py"], script=CLOCKS.encode())
        assert 0.5 <= float(result.stdout) < 60
        before = session.agent.run(["cat", "/proc/interrupts"]).stdout
        time.sleep(0.2)
        assert session.agent.run(["cat", "/proc/interrupts"]).stdout != before


def test_two_copies_of_one_realm_do_not_share_randomness(realm_factory: RealmFactory) -> None:
    seen = set()
    nonces = set()
    for _ in range(2):
        with realm_factory() as session:
            seen.add(session.agent.run(["entropy.py"], script=ENTROPY.encode()).stdout)
            nonces.add(session.agent.hello().nonce)
    assert len(seen) == 2
    assert len(nonces) == 2


def test_what_one_copy_does_another_does_not_see(realm_factory: RealmFactory) -> None:
    with realm_factory() as session:
        assert session.agent.run(["touch", "/run/mark"]).status == 0
    with realm_factory() as session:
        assert session.agent.run(["test", "-e", "/run/mark"]).status == 1


def test_a_restored_realm_runs_workload_after_workload(realm_factory: RealmFactory) -> None:
    with realm_factory() as session:
        for number in range(10):
            assert session.agent.run(["echo", str(number)]).stdout == f"{number}\n".encode()
        data = bytes(1 << 20)
        session.agent.put_bytes(data, "/run/file")
        assert session.agent.get_bytes("/run/file") == data


def test_snapshots_are_private_to_their_user(realm_options: Options) -> None:
    assert realm_options.image
    root = Cache().path / "snapshots"
    assert root.stat().st_mode & 0o077 == 0
    for path in root.glob("*/machine.ram"):
        assert path.stat().st_mode & 0o077 == 0


def test_a_snapshot_that_does_not_come_back_is_replaced_by_a_boot(
    realm_factory: RealmFactory,
) -> None:
    config = RealmConfig(cmdline="realmos.spoilt")
    with realm_factory(realms=(config,)) as session:
        spec, prepared = session.machine.spec, session.prepared
        key = identity(spec, flash_sha256=prepared.flash.sha256, qemu_version=prepared.qemu.version)
    found = SnapshotStore(Cache()).find(key)
    assert found is not None
    found.ram.write_bytes(b"spoilt")
    with realm_factory(realms=(config,)) as session:
        assert not session.restored
        assert session.agent.run(["true"]).status == 0
