# SPDX-License-Identifier: BSD-3-Clause
"""Realms with several vCPUs, and several realms in one machine."""

import pytest
from realmos.pytest_plugin import RealmFactory
from realmos.realm import RealmConfig

pytestmark = pytest.mark.qemu

MIB = 1 << 20
SPREAD = """
import os, sys
children = []
for cpu in range(os.cpu_count()):
    pid = os.fork()
    if pid == 0:
        os.sched_setaffinity(0, {cpu})
        total = sum(range(200000))
        with open("/proc/self/stat") as stat:
            ran_on = int(stat.read().rsplit(")", 1)[1].split()[36])
        os._exit(0 if ran_on == cpu and total else 1)
    children.append(pid)
print([os.waitpid(pid, 0)[1] for pid in children])
"""


def test_four_vcpus_all_run_workloads_and_take_interrupts(realm_factory: RealmFactory) -> None:
    config = RealmConfig(vcpus=4, memory=512 * MIB)
    with realm_factory(realms=(config,)) as session:
        assert session.agent.report().cpus == 4
        result = session.agent.run(["spread.py"], script=SPREAD.encode())
        assert result.stdout == b"[0, 0, 0, 0]\n"
        rows = session.agent.run(["cat", "/proc/interrupts"]).stdout.decode().splitlines()
        timers = next(row.split() for row in rows if "arch_timer" in row)
        assert all(int(count) > 0 for count in timers[1:5])
        assert session.evidence().rim_matches is True


def test_two_realms_run_side_by_side_and_measure_alike(realm_factory: RealmFactory) -> None:
    config = RealmConfig(name="twin", memory=384 * MIB)
    other = RealmConfig(name="other", memory=384 * MIB, vcpus=2)
    with realm_factory(realms=(config, config, other), cold=True) as session:
        handles = [
            agent.start(
                ["sh", "-c", f"echo realm {number}; sleep 1; grep -c ^processor /proc/cpuinfo"]
            )
            for number, agent in enumerate(session.agents)
        ]
        texts = [handle.wait(120).stdout.decode().split() for handle in handles]
        assert texts == [["realm", "0", "1"], ["realm", "1", "1"], ["realm", "2", "2"]]
        lines = [line for line in session.machine.watch.lines if " active: rim " in line]
        rims = [line.split()[-1] for line in lines]
        predicted = [realm.rim.hex() for realm in session.prepared.realms]
        assert rims == predicted
        assert rims[0] == rims[1] != rims[2]


def test_one_realm_that_ends_leaves_the_other_running(realm_factory: RealmFactory) -> None:
    config = RealmConfig(memory=384 * MIB)
    with realm_factory(realms=(config, config), cold=True) as session:
        session.agents[0].shutdown()
        session.machine.wait_line("MON: realm 0 linux: off", timeout=120)
        assert session.agents[1].run(["echo", "alive"]).stdout == b"alive\n"
        session.agents[1].shutdown()
        assert session.machine.wait_power_off(timeout=120) == 0
