# SPDX-License-Identifier: BSD-3-Clause
"""Realms with several vCPUs, and several realms in one machine."""

import pytest
from realmos.agent import AgentClient
from realmos.pytest_plugin import RealmFactory
from realmos.realm import RealmConfig
from realmos.session import Session

pytestmark = pytest.mark.qemu

MIB = 1 << 20
VCPUS = 4
SPREAD = """
import os, threading

online = open("/sys/devices/system/cpu/online").read().strip()
rounds = 50
passing = [os.pipe() for _ in range(os.cpu_count())]

def work(cpu):
    # A token goes round: each vCPU is woken by another, over and over, and computes between.
    os.sched_setaffinity(0, {cpu})
    for _ in range(rounds):
        os.read(passing[cpu][0], 1)
        total = sum(range(2000))
        os.write(passing[(cpu + 1) % os.cpu_count()][1], b".")
    sum(range(200000))
    with open("/proc/thread-self/stat") as stat:
        return int(stat.read().rsplit(")", 1)[1].split()[36]) == cpu

def child(cpu):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if work(cpu) else 1)
    return pid

children = [child(cpu) for cpu in range(os.cpu_count())]
os.write(passing[0][1], b".")
processes = [os.waitpid(pid, 0)[1] for pid in children]
os.read(passing[0][0], 1)
threads = [None] * os.cpu_count()

def thread(cpu):
    threads[cpu] = work(cpu)

running = [threading.Thread(target=thread, args=(cpu,)) for cpu in range(os.cpu_count())]
for each in running:
    each.start()
os.write(passing[0][1], b".")
for each in running:
    each.join()
print(online, processes, threads)
"""


def timer_interrupts(agent: AgentClient) -> list[int]:
    """How many each vCPU has taken."""
    rows = agent.run(["cat", "/proc/interrupts"]).stdout.decode().splitlines()
    counts = next(row.split() for row in rows if "arch_timer" in row)
    return [int(count) for count in counts[1 : VCPUS + 1]]


def work_on_all_vcpus(session: Session) -> None:
    """Run processes, then threads, on each vCPU, that wake each other and take interrupts."""
    agent = session.agent
    assert agent.report().cpus == VCPUS
    before = timer_interrupts(agent)
    result = agent.run(["spread.py"], script=SPREAD.encode(), timeout=300)
    assert result.stdout == b"0-3 [0, 0, 0, 0] [True, True, True, True]\n", result
    after = timer_interrupts(agent)
    assert all(new > old for old, new in zip(before, after, strict=True)), (before, after)
    assert session.evidence().rim_matches is True


def test_four_vcpus_all_work_and_go_on_after_a_restore(realm_factory: RealmFactory) -> None:
    config = RealmConfig(vcpus=VCPUS, memory=512 * MIB)
    with realm_factory(realms=(config,)) as session:
        work_on_all_vcpus(session)
    with realm_factory(realms=(config,)) as session:
        assert session.restored
        work_on_all_vcpus(session)


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
