# SPDX-License-Identifier: BSD-3-Clause
"""Clients in the realm of their TAs, and TAs that show what they are: predicted, run, verified."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from realmos import cli
from realmos.agent import AgentClient
from realmos.errors import PeerRefusedError
from realmos.progress import Silent
from realmos.tee import INPUT, OUTPUT, Context, RealmCore, buffer, find_applications, tee_workload

pytest_plugins = ["ta_examples"]
pytestmark = [pytest.mark.qemu, pytest.mark.fetch, pytest.mark.timeout(3600)]

SIGNER = "edb617fa-9fed-4d89-825b-716277701d5b"
ATTEST = 2
NONCE = "2a" * 32
SCRIPT = """#!/bin/sh
# The core is this one's parent.
kill -0 $PPID 2>/dev/null && echo "it reaches the core"
( exec 3</proc/$PPID/mem ) 2>/dev/null && echo "it reads the core"
cat /proc/$PPID/environ >/dev/null 2>&1 && echo "it sees what the core was given"
( exec 3<>/dev/realm-rsi ) 2>/dev/null && echo "it extends measurements"
mkdir /sys/kernel/config/tsm/report/client 2>/dev/null && echo "it gets tokens of its own"
touch /run/tee/more.ta 2>/dev/null && echo "it adds TAs"
[ "$(cat /proc/self/cgroup)" = 0::/client ] || echo "it has all memory for its own"
[ -w /run/realmos/broker ] && echo "it asks a broker"
cat /run/tee/*.ta >/dev/null && echo "it reads TAs, as it may"
id -u
"$@" key
"$@" attest "$NONCE"
"""
FILLS = """#!/bin/sh
./hello 1 before
dd if=/dev/zero of=fill bs=1M count=400 2>/dev/null || echo "no room for all of it"
rm fill
./hello 41 after
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
    can, user, key, token = said.out.splitlines()
    assert can == "it reads TAs, as it may"
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


def check_attacks_succeed(agent: AgentClient, ta: Path) -> None:
    """Run what a client inside tries as root: all of it is possible there."""
    agent.put(ta, f"/run/tee/{SIGNER}.ta", mode=0o644)
    agent.put_bytes(SCRIPT.encode(), "/run/script")
    said = agent.run(["/bin/sh", "/run/script", "true"], env={"NONCE": NONCE}).stdout.decode()
    *succeeded, user = said.splitlines()
    assert len(succeeded) == SCRIPT.count('echo "it ')
    assert user == "0"


def test_a_realm_that_gave_a_ta_a_token_takes_no_more_work(
    realm: AgentClient, build: Callable[[str], Path], tmp_path: Path
) -> None:
    """Whoever commands it would be root beside the TA that the token speaks for."""
    ta = build("signer")
    check_attacks_succeed(realm, ta)
    (tmp_path / "copies").mkdir()
    workload = tee_workload(find_applications([ta], None), None, tmp_path / "copies")
    with (
        RealmCore(realm, workload, io.BytesIO()) as core,
        core.serve(tmp_path / "tee", Silent()) as hub,
        Context(hub.path) as context,
        context.open(SIGNER) as signer,
    ):
        token = buffer(8192, OUTPUT)
        signer.invoke(ATTEST, buffer(bytes.fromhex(NONCE), INPUT), token)
        assert len(token.data) > 1000
    with pytest.raises(PeerRefusedError, match="does nothing else"):
        realm.run(["/bin/true"])
    with pytest.raises(PeerRefusedError, match="does nothing else"):
        realm.put(ta, f"/run/tee/{SIGNER}.ta")
    assert realm.get_bytes("/run/script") == SCRIPT.encode()


@pytest.mark.exhaustive
def test_a_client_that_fills_memory_takes_none_from_its_tas(
    build: Callable[[str], Path],
    make_own: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    script = tmp_path / "fills.sh"
    script.write_text(FILLS, "utf-8")
    script.chmod(0o700)
    put = f"{make_own('hello', 'arm64')}:/run/tee/client/hello"
    words = ("--put", put, str(build("hello")), "--", str(script))
    assert cli.main(["ta", "run", "--client-inside", *words]) == 0
    said = capfd.readouterr()
    assert said.out.splitlines() == [
        "1 becomes 2", "before becomes BEFORE", "no room for all of it",
        "41 becomes 42", "after becomes AFTER",
    ]  # fmt: skip
    assert "panicked" not in said.err
