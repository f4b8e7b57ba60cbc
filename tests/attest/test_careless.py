# SPDX-License-Identifier: BSD-3-Clause
"""What `realmos run` says to who gives up its protection, and does for who does not."""

from dataclasses import replace

import pytest
from realmos import cli
from realmos.attest import Policy, default_policy
from realmos.session import _trust

pytestmark = pytest.mark.qemu


@pytest.fixture(autouse=True)
def no_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)


@pytest.fixture
def wrong_realm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Expect another realm than the one that there is."""

    def other(*args: object, **options: object) -> Policy:
        policy = default_policy(*args, **options)  # type: ignore[arg-type] # passed on
        return replace(policy, rpvs=(bytes(64),))

    monkeypatch.setattr(_trust, "default_policy", other)


@pytest.mark.usefixtures("wrong_realm")
def test_a_realm_that_fails_gets_no_work_unless_it_is_said_that_this_does_not_matter(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["run", "--", "echo", "work"]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert "realm 0 is not to be trusted\n  realm.rpv: expected 0000" in err
    assert "next: do not trust this realm; --no-verify goes on all the same" in err
    assert cli.main(["run", "--no-verify", "--", "echo", "work"]) == 0
    out, err = capfd.readouterr()
    assert out.startswith("work\n")
    assert "FAIL (development anchor of this machine)" in out
    assert "realmos: realm 0 is not to be trusted: realm.rpv: expected 0000" in err


def test_plain_is_warned_of(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--plain", "--", "echo", "work"]) == 0
    out, err = capfd.readouterr()
    assert out.startswith("work\n")
    assert err.startswith("realmos: --plain: nothing shows that this is a realm")
