# SPDX-License-Identifier: BSD-3-Clause
"""A policy of the user's in place of what was built: which of it counts when."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from realmos.attest import Policy, ReferenceRem, ReferenceRim, Verdict, sample_anchor
from realmos.realm import RealmConfig
from realmos.session import Attested, Options, Session, _boot

GIVEN = Policy(
    anchors=(sample_anchor(),),
    nonce_max_size=16,
    rims=(ReferenceRim("theirs", bytes(32)),),
    rems=(ReferenceRem(1, (b"\x11" * 32,)), ReferenceRem(2, (b"\x22" * 32,))),
)
GOOD = Verdict(passed=True, anchor="", checks=(), token=None, first_failure=None)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[Policy]:
    """The policies that a session judges by, in order."""
    policies: list[Policy] = []

    def attested(_: object, policy: Policy, nonce: bytes) -> Attested:
        policies.append(policy)
        return Attested(nonce, b"", b"", GOOD)

    monkeypatch.setattr(_boot, "judge", lambda policy, _: policies.append(policy))
    monkeypatch.setattr(_boot, "attested", attested)
    return policies


@pytest.fixture
def session() -> Session:
    """A session whose realm was built to have another RIM."""
    realm = SimpleNamespace(config=RealmConfig(), image_name="ours", rim=b"\x33" * 32, rpv=None)
    flash = SimpleNamespace(anchor=sample_anchor(), references=tuple)
    prepared = SimpleNamespace(options=Options(policy=GIVEN), realms=(realm,), flash=flash)
    agent = SimpleNamespace(secure=lambda *_, **__: None)
    return Session(
        cast("Any", prepared), cast("Any", None), restored=False, agents=[cast("Any", agent)]
    )


def test_measurements_count_once_there_are_some(session: Session, judged: list[Policy]) -> None:
    session.secure()
    session.attest()
    session.attest(events=[])
    before, without, after = judged
    unused = (ReferenceRem(1, log=()),)
    assert before == replace(GIVEN, nonce_max_size=64, rems=unused)
    assert without == replace(GIVEN, rems=())
    assert after == GIVEN


def test_without_one_the_realm_has_to_be_what_was_built(
    session: Session, judged: list[Policy]
) -> None:
    session.prepared.options = Options()  # type: ignore[misc] # a stand-in, not frozen
    session.attest(events=[])
    assert [rim.name for rim in judged[0].rims] == ["ours"]
