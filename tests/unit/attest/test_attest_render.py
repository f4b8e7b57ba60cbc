# SPDX-License-Identifier: BSD-3-Clause
"""Renderings of a verdict: all that it says, and always what its anchor is worth."""

import io
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from realmos.attest import Policy, Status, Verdict, verify
from rich.console import Console

MakeToken = Callable[..., bytes]
NONCE = bytes(range(64))


def table(verdict: Verdict) -> str:
    out = io.StringIO()
    Console(file=out, width=160, force_terminal=False).print(verdict.to_table())
    return out.getvalue()


@pytest.fixture
def sample(policy: Policy) -> Policy:
    """The policy with an anchor that anybody can sign for."""
    return replace(policy, anchors=(replace(policy.anchors[0], kind="sample"),))


@pytest.mark.parametrize("nonce", [NONCE, bytes(64)], ids=["pass", "fail"])
def test_every_rendering_says_what_the_anchor_is_worth(
    nonce: bytes, make_token: MakeToken, sample: Policy
) -> None:
    verdict = verify(make_token(), sample, nonce=nonce)
    assert verdict.anchor == verdict.to_json()["anchor"] == "sample anchor, forgeable"
    word = "pass" if verdict.passed else "fail"
    assert f"verdict: {word} (sample anchor, forgeable)" in table(verdict)


def test_the_table_has_a_row_for_every_check(make_token: MakeToken, policy: Policy) -> None:
    verdict = verify(make_token("C"), policy, nonce=NONCE)
    rows = table(verdict).splitlines()
    for root in verdict.checks:
        for check in root.walk():
            (row,) = (row for row in rows if row.split()[:1] == [check.name])
            assert row.split()[1] == check.status.value.split()[0]


def test_a_failure_is_shown_whole(make_token: MakeToken, policy: Policy) -> None:
    verdict = verify(make_token(realm={44238: b"\x99" * 64}), policy, nonce=NONCE)
    shown = "".join(table(verdict).split())
    assert "99" * 64 in shown
    assert "realm.rim:expected" in shown


def test_json_is_json_and_has_every_check(make_token: MakeToken, policy: Policy) -> None:
    unknown = {"\x1b[2J": ["\x1b[2J", {1: b"\1"}, True, None], 7: 1.5}
    verdict = verify(make_token(realm=unknown, platform={2395: 0}), policy, nonce=NONCE)
    document = json.loads(json.dumps(verdict.to_json()))
    assert document["passed"] is False
    assert document["era"] == "B"
    assert document["first_failure"].startswith("platform.lifecycle: expected secured")
    assert [check["name"] for check in document["checks"]] == [
        "token", "platform", "binding", "realm",
    ]  # fmt: skip
    (platform,) = (check for check in document["checks"] if check["name"] == "platform")
    assert platform["status"] == "fail"
    assert "\\u001b" not in json.dumps(document)
    assert "\x1b" not in table(verdict)


def test_a_group_fails_with_a_part_of_it(make_token: MakeToken, policy: Policy) -> None:
    components = (replace(policy.components[0], measurement=bytes(32)), policy.components[1])
    verdict = verify(make_token(), replace(policy, components=components), nonce=NONCE)
    names = ("platform", "platform.components", "platform.components.RMM")
    assert [check.status for name in names if (check := verdict.find(name))] == [Status.FAIL] * 3
    same = verdict.find("platform.components.AP_BL31")
    assert same is not None
    assert same.status is Status.PASS
    assert verdict.find("platform.components.SCP") is None


def test_what_is_no_token_is_shown_too(policy: Policy) -> None:
    verdict = verify(b"\xff", policy, nonce=None)
    assert "verdict: fail (no anchor)" in table(verdict)
    assert verdict.to_json()["era"] is None
