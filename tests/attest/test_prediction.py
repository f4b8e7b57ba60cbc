# SPDX-License-Identifier: BSD-3-Clause
"""What is predicted without a machine is what live realms' tokens say, whatever their shape."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from realmos.attest import Status, Verdict
from realmos.errors import AttestationError
from realmos.pytest_plugin import RealmFactory
from realmos.realm import HASHES, RealmConfig, Workload, workload_events
from realmos.session import Session
from realmos_agent.protocol.measurement import encode, replay

pytestmark = [pytest.mark.qemu, pytest.mark.timeout(1200)]

MIB = 1 << 20
SHAPES = (
    RealmConfig(name="one", vcpus=1, memory=384 * MIB, hash_algorithm="sha-256"),
    RealmConfig(name="two", vcpus=2, memory=512 * MIB, hash_algorithm="sha-512"),
    RealmConfig(name="four", vcpus=4, memory=448 * MIB, hash_algorithm="sha-256"),
)
"""Together: 1, 2 and 4 vCPUs, three sizes of memory, both hash algorithms."""
SCRIPT = b"import os, sys; print(open(sys.argv[1]).read(), os.environ['MODE'])"


@pytest.fixture(scope="module")
def shapes(realm_factory: RealmFactory) -> Iterator[Session]:
    """One machine with a realm of each shape."""
    with realm_factory(realms=SHAPES, cold=True) as session:
        yield session


def check_rim(verdict: Verdict, session: Session, number: int) -> bytes:
    """Check that a token passed and says what was predicted of its realm; return the RIM."""
    realm = session.prepared.realms[number]
    assert verdict.first_failure is None
    assert verdict.token is not None
    claims = verdict.token.realm
    assert (claims.rim, claims.rpv) == (realm.rim, realm.rpv)
    assert claims.hash_algorithm == realm.config.hash_algorithm
    for name in ("realm.rim", "realm.rpv", "realm.hash_algorithm"):
        check = verdict.find(name)
        assert check is not None
        assert check.status is Status.PASS
    return claims.rim


def check_shapes(session: Session) -> None:
    """Check every realm's token, and that the realms are what they were meant to be."""
    rims = set()
    for number, (config, agent) in enumerate(
        zip((realm.config for realm in session.prepared.realms), session.agents, strict=True)
    ):
        rims.add(check_rim(session.verdicts[number], session, number))
        report = agent.report()
        assert report.cpus == config.vcpus
        assert config.memory * 3 // 4 < report.memory_total < config.memory
    assert len(rims) == len(session.agents)


def test_rims_of_one_two_and_four_vcpus_of_any_memory_and_both_hashes(shapes: Session) -> None:
    check_shapes(shapes)


@pytest.mark.exhaustive
@pytest.mark.parametrize("algorithm", HASHES)
@pytest.mark.parametrize("turn", range(len(SHAPES)))
def test_rims_of_every_combination(realm_factory: RealmFactory, turn: int, algorithm: str) -> None:
    turned = SHAPES[turn:] + SHAPES[:turn]
    realms = tuple(
        replace(shape, memory=other.memory, hash_algorithm=algorithm)
        for shape, other in zip(SHAPES, turned, strict=True)
    )
    with realm_factory(realms=realms, cold=True) as session:
        check_shapes(session)


@pytest.mark.parametrize("number", [0, 1])
def test_rem1_takes_several_runs_in_their_order(
    shapes: Session, tmp_path: Path, number: int
) -> None:
    """The realms differ in their hash."""
    file = tmp_path / "in"
    file.write_text("cargo")
    file.chmod(0o640)
    put, env = ((file, "/run/in"),), (("MODE", "fast"), ("A", "1"))
    job = Workload(("job.py", "/run/in"), SCRIPT, env=env, put=put)
    listing = Workload(("ls", "-l", "/run/in"), env=(("A", "2"),))
    agent = shapes.agents[number]
    check_events(shapes, number, [])
    agent.put(file, "/run/in")
    done = agent.run(job.argv, script=SCRIPT, env=dict(env))
    assert done.stdout == b"cargo fast\n"
    first = events_of(job)
    check_events(shapes, number, first)
    assert agent.run(listing.argv, env={"A": "2"}).status == 0
    second = events_of(listing)
    check_events(shapes, number, [*first, *second])
    assert agent.run(listing.argv, env={"A": "2"}).status == 0
    check_events(shapes, number, [*first, *second, *second])
    with pytest.raises(AttestationError, match=r"realm\.rem1: .*\n  event 1: expected run ls -l"):
        shapes.attest(number, events=[*second, *first, *second])
    with pytest.raises(AttestationError, match=r"event 5: expected nothing more, found run ls -l"):
        shapes.attest(number, events=[*first, *second])


def events_of(workload: Workload) -> list[bytes]:
    return [encode(event) for event in workload_events(workload)]


def check_events(session: Session, number: int, events: Sequence[bytes]) -> None:
    """Check that a realm's token has the REM 1 that these events lead to, and no other REM."""
    found = session.attest(number, events=events)
    algorithm = session.prepared.realms[number].config.hash_algorithm
    assert found.verdict.token is not None
    rem1, *rems = found.verdict.token.realm.rems
    assert rem1 == replay(events, algorithm)
    assert rems == [bytes(len(rem1))] * 3


def test_a_nonce_of_the_callers_that_is_long_is_in_rem1_too(shapes: Session) -> None:
    """Last of all in its realm."""
    number, nonce = 2, bytes(range(64))
    found = shapes.attest(number, events=[], nonce=nonce)
    assert found.verdict.passed
    assert found.verdict.token is not None
    assert found.verdict.token.realm.challenge == nonce
    with pytest.raises(AttestationError, match=r"event 1: expected nothing more, found token for"):
        shapes.attest(number, events=[])


def test_an_image_of_another_recipe_is_predicted_and_told_from_the_default_one(
    realm_factory: RealmFactory, shapes: Session, top: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "changed"
    shutil.copytree(top / "images/linux", recipe)
    etc = recipe / "files/etc"
    etc.mkdir(parents=True, exist_ok=True)
    (etc / "realmos-test").write_text("another image\n")
    with realm_factory(image=str(recipe), realms=SHAPES[:1], cold=True) as session:
        rim = check_rim(session.verdicts[0], session, 0)
        assert session.agent.run(["cat", "/etc/realmos-test"]).stdout == b"another image\n"
    assert rim != shapes.prepared.realms[0].rim
