# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta run` in a realm: TAs and clients as on this machine, attested and confined."""

import contextlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from realmos import cli, process
from realmos.agent import AgentClient
from realmos.cache import Cache
from realmos.errors import AttestationError, ToolError
from realmos.progress import Silent
from realmos.pytest_plugin import RealmFactory
from realmos.realm import encoded_events
from realmos.session import Session
from realmos.tee import (
    Context,
    RealmCore,
    Value,
    find_applications,
    find_optee_tests,
    tee_workload,
)
from realmos.tee.local import find_client
from realmos.tee.plugins import opened_plugins
from ta_sessions import open_every
from xtest_report import Case, differences, read_cases, read_expected

pytest_plugins = ["pytester", "ta_examples"]
pytestmark = [pytest.mark.qemu, pytest.mark.fetch, pytest.mark.timeout(3600)]

EXPECTED = Path(__file__).parent / "xtest.toml"
HELLO = "1d08b4ae-afde-4c31-aaf9-9e1ebcbe02ca"
INCREMENT = 0
FAST = ("1004", "1025", "1033", "2001", "4001", "4016", "6001")
BY_FIXTURE = """
from realmos.tee import Value

def test_it(ta_session, realm_machine):
    number = Value(1)
    ta_session().invoke(0, number)
    assert number.a == 2
    assert realm_machine.evidence().rim_matches
"""
LOOK = """
import os
from pathlib import Path
from realmos_agent.tee.runner_start import start

def facts(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":", 1) for line in lines)

def spaces(pid):
    return {path.name: os.readlink(path) for path in Path(f"/proc/{pid}/ns").iterdir()}

runner = start(("/usr/libexec/realmos/ta-runner",))
processes = filter(str.isdigit, os.listdir("/proc"))
pid = max((p for p in processes if facts(p)["Name"].strip() == "ta-runner"), key=int)
found = facts(pid)
for name in ("Seccomp", "NoNewPrivs", "CapEff", "CapPrm", "Uid", "Groups", "Threads"):
    print(name, *found[name].split())
print("missing", *runner.missing)
print("root", *os.listdir(f"/proc/{pid}/root"))
print("open", *sorted(os.listdir(f"/proc/{pid}/fd")))
mine, its = spaces("self"), spaces(pid)
print("shared", *sorted(name for name in mine if mine[name] == its[name]))
runner.close()
"""

AHEAD = """
import os
import time
from pathlib import Path
from realmos_agent.tee import housekeeper as tidying
from realmos_agent.tee.budget import Budget
from realmos_agent.tee.housekeeper import Housekeeper
from realmos_agent.tee.runners import SPARES, Runners

def running():
    # Each is two processes: the one that holds a TA has a user of its own.
    found = []
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        facts = dict(line.split(":", 1) for line in lines)
        if facts["Name"].strip() == "ta-runner":
            found.append(int(facts["Uid"].split()[0]))
    return sorted(filter(None, found))

def ended(before):
    end = time.monotonic() + 60
    while (left := set(running()) - set(before)) and time.monotonic() < end:
        time.sleep(0.01)
    return not left

tidying.QUIET_S = 3600.0  # one that is replaced while this counts would be one more
before = running()
housekeeper, memory = Housekeeper(print), Budget(1 << 30)
runners = Runners(
    "/usr/libexec/realmos/ta-runner", "", 1 << 28, print, shared=memory, housekeeper=housekeeper
)
runners.prepare()
housekeeper.finish()
used = [runners.start() for _ in range(SPARES + 1)]
users = set(running()) - set(before)
print("users", len(users) == len(used))
housekeeper.finish()
housekeeper.close()
for runner in used:
    runner.close()
runners.close()
print("ended", ended(before), memory.take(1 << 30))
"""


def test_client_of_arm64_calls_a_ta_in_a_realm_that_shows_what_it_was_given(
    build: Callable[[str], Path], arm64_hello: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["--json", str(build("hello")), "--", str(arm64_hello), "41", "Hi, you"]
    assert cli.main(["ta", "run", *words]) == 0
    said = capfd.readouterr()
    assert "41 becomes 42\nHi, you becomes HI, YOU\n" in said.err
    assert "hello from a Trusted Application" in said.err
    assert "confined" not in said.err
    facts = json.loads(said.out)
    assert facts["rim_matches"] is True
    assert facts["verdict"]["passed"] is True
    assert facts["status"] == 0


@contextmanager
def tee_in(
    session: Session, paths: Sequence[Path], home: Path, plugins: Sequence[Path] = ()
) -> Iterator[Path]:
    """A TEE in a session's realm, and its socket."""
    (home / "copies").mkdir()
    applications = find_applications(paths, None)
    workload = tee_workload(
        applications, None, home / "copies", sockets=True, plugins=bool(plugins)
    )
    events = encoded_events(workload)
    with (
        opened_plugins(plugins, Cache(), Silent()) as callee,
        RealmCore(session.agent, workload, io.BytesIO()) as core,
    ):
        assert session.attest(events=events).verdict.passed
        with pytest.raises(AttestationError, match=f"file {workload.put[0][1]} "):
            session.attest(events=[*events[1:], events[0]])
        with core.serve(home / "tee", Silent(), connects=True, plugins=callee) as hub:
            yield hub.path


def check_confined(agent: AgentClient) -> None:
    """Look from outside at what a runner in this realm is kept apart by."""
    look = agent.run(["look.py"], script=LOOK.encode())
    assert not look.stderr
    found = {line.split()[0]: line.split()[1:] for line in look.stdout.decode().splitlines()}
    assert found.pop("Uid") == ["65534"] * 4
    assert {found.pop(name)[0] for name in ("CapEff", "CapPrm")} == {"0" * 16}
    # What there is of these namespaces is all that there is: nobody makes others in a realm.
    shared = {"cgroup", "time", "time_for_children"}
    assert shared.issuperset(found.pop("shared"))
    assert found == {
        "Seccomp": ["2"],
        "NoNewPrivs": ["1"],
        "Groups": [],
        "Threads": ["1"],
        "missing": [],
        "root": [],
        "open": ["3"],
    }


def check_ahead(agent: AgentClient) -> None:
    """Have runners started ahead in this realm, for users of their own, and none left."""
    look = agent.run(["ahead.py"], script=AHEAD.encode())
    assert not look.stderr
    assert look.stdout.decode().splitlines() == ["users True", "ended True True"]


def test_tas_are_measured_and_confined(
    realm_machine: Session, build: Callable[[str], Path], tmp_path: Path
) -> None:
    with (
        tee_in(realm_machine, [build("hello")], tmp_path) as path,
        Context(path) as context,
        context.open(HELLO) as ta,
    ):
        number = Value(41)
        ta.invoke(INCREMENT, number)
        assert number.a == 42
    check_confined(realm_machine.agent)
    check_ahead(realm_machine.agent)


def test_fixture_opens_a_session_in_a_realm(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    build: Callable[[str], Path],
    cache_path: Path,
    data_path: Path,
) -> None:
    monkeypatch.setenv("REALMOS_CACHE", str(cache_path))
    monkeypatch.setenv("REALMOS_DATA", str(data_path))
    pytester.makepyfile(BY_FIXTURE)
    words = ("--ta", str(build("hello")), "--ta-realm")
    pytester.runpytest(*words).assert_outcomes(passed=1)


@pytest.mark.exhaustive
def test_tas_are_confined_by_the_kernel_that_is_built_here(
    realm_factory: RealmFactory, build: Callable[[str], Path], tmp_path: Path
) -> None:
    with realm_factory(image="small", cold=True) as session:
        with tee_in(session, [build("hello")], tmp_path) as path, Context(path) as context:
            context.open(HELLO).close()
        check_confined(session.agent)


def run_xtest(session: Session, suite: str, cases: Sequence[str], home: Path) -> dict[str, Case]:
    """Run cases of xtest, or all of a suite, with all its TAs in a session's realm."""
    cache, log = Cache(), home / "xtest.log"
    tests = find_optee_tests(cache, Silent())
    words = [str(tests.xtest), "-l", "0", "-t", suite, *cases]
    with tee_in(session, tests.applications, home, tests.plugins) as path:
        client = find_client(words, path, cache=cache, reporter=Silent())
        env = process.base_env(**client.environment)
        with contextlib.suppress(ToolError):  # its status is the number of cases that failed
            process.run(client.argv, env=env, log=log, on_line=print)  # for who is cut off
    return read_cases(log.read_text("utf-8", "replace"))


def test_some_of_optees_own_tests_pass_in_a_realm(realm_machine: Session, tmp_path: Path) -> None:
    cases = run_xtest(realm_machine, "regression", FAST, tmp_path)
    expected = read_expected(EXPECTED, "regression", realm=True)
    assert cases.keys() >= {f"regression_{name}" for name in FAST}
    assert differences(cases, expected.only(cases)) == []


@pytest.mark.exhaustive
def test_every_ta_of_debian_opens_a_session_in_a_realm(
    realm_machine: Session, tmp_path: Path
) -> None:
    applications = find_optee_tests(Cache(), Silent()).applications
    with tee_in(realm_machine, applications, tmp_path) as path:
        assert open_every(path, applications) == []


@pytest.mark.exhaustive
@pytest.mark.timeout(6 * 3600)  # regression_1013 alone makes some 10^5 calls
@pytest.mark.parametrize("suite", ["regression", "pkcs11"])
def test_suite_goes_in_a_realm_as_the_data_file_says(
    suite: str, realm_machine: Session, tmp_path: Path
) -> None:
    cases = run_xtest(realm_machine, suite, (), tmp_path)
    assert differences(cases, read_expected(EXPECTED, suite, realm=True)) == []
