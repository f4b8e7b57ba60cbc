# SPDX-License-Identifier: BSD-3-Clause
"""Clients in the realm of their TAs, and TAs that show what they are: predicted, run, verified."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from realmos import cli

pytest_plugins = ["ta_examples"]
pytestmark = [pytest.mark.qemu, pytest.mark.fetch, pytest.mark.timeout(3600)]

SIGNER = "edb617fa-9fed-4d89-825b-716277701d5b"
NONCE = "2a" * 32
SCRIPT = """#!/bin/sh
# The core is this one's parent.
kill -0 $PPID 2>/dev/null && echo "it reaches the core"
( exec 3</proc/$PPID/mem ) 2>/dev/null && echo "it reads the core"
cat /proc/$PPID/environ >/dev/null 2>&1 && echo "it sees what the core was given"
( exec 3<>/dev/realm-rsi ) 2>/dev/null && echo "it extends measurements"
mkdir /sys/kernel/config/tsm/report/client 2>/dev/null && echo "it gets tokens of its own"
touch /run/tee/more.ta 2>/dev/null && echo "it adds TAs"
id -u
"$@" key
"$@" attest "$NONCE"
"""


@pytest.fixture
def signer(make_own: Callable[..., Path]) -> Path:
    """The signer TA's client for arm64, linked with our library."""
    return make_own("signer", "arm64")


def test_a_tas_token_is_what_was_predicted_of_it_and_its_client(
    build: Callable[[str], Path],
    signer: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", None)
    ta = str(build("signer"))
    script = tmp_path / "both.sh"
    script.write_text(SCRIPT, "utf-8")
    script.chmod(0o700)
    given = ("-e", f"NONCE={NONCE}", "--put", f"{signer}:/run/tee/client/signer")
    words = ("--", str(script), "./signer")
    assert cli.main(
        ["measure", *given, "--policy", "policy.toml", "--ta", ta, *words]
    ) == 0  # fmt: skip
    capfd.readouterr()
    assert cli.main(["ta", "run", "--client-inside", *given, ta, *words]) == 0
    said = capfd.readouterr()
    user, key, token = said.out.split()
    assert user == "1000"
    assert "making a key" in said.err
    (tmp_path / "key").write_bytes(bytes.fromhex(key))
    (tmp_path / "token").write_bytes(bytes.fromhex(token))
    judged = ["verify", "token", "--json", "--policy", "policy.toml", "--nonce", NONCE]
    assert cli.main([*judged, "--ta", SIGNER, "--statement", "key"]) == 0
    found = json.loads(capfd.readouterr().out)["verdict"]
    assert (found["passed"], found["first_failure"]) == (True, None)
    assert cli.main([*judged, "--ta", SIGNER, "--statement", "policy.toml"]) == 3
    assert cli.main(judged) == 3
