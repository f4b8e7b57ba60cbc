# SPDX-License-Identifier: BSD-3-Clause
"""The README's way from a program to a verdict, by the commands that it names."""

import json
from typing import TYPE_CHECKING

import pytest
from realmos.attest import parse_token

if TYPE_CHECKING:
    from tests.cli.conftest import Command

pytestmark = pytest.mark.qemu

DEVELOPMENT = "development anchor of this machine"
NONCE = "6f8d2c"
PROGRAM = "print('Hello')\n"


def test_a_verdict_is_about_the_program_that_ran(command: "Command") -> None:
    home = command.home
    job, policy, token, log = (home / name for name in ("job.py", "policy.toml", "token", "log"))
    job.write_text(PROGRAM)
    done = command.run("measure", "--policy", str(policy), str(job))
    assert done.returncode == 0, done.stderr

    words = ("--nonce", NONCE, "--out", str(token), "--log", str(log))
    done = command.run("attest", "--json", *words, str(job))
    assert (done.returncode, done.stderr) == (0, "Hello\n")
    found = json.loads(done.stdout)
    assert (found["verdict"]["passed"], found["verdict"]["anchor"]) == (True, DEVELOPMENT)
    assert found["log"]["explains_rem1"] is True
    assert len(found["log"]["events"]) == 2

    judge = ("verify", "--policy", str(policy), "--log", str(log), str(token))
    done = command.run(*judge, "--nonce", NONCE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"verdict: pass ({DEVELOPMENT})" in done.stdout
    assert "2 run {work}/scripts/1/job.py" in done.stdout
    assert command.run(*judge, "--nonce", "00").returncode == 3

    job.write_text(PROGRAM.replace("H", "J"))
    done = command.run("attest", "--policy", str(policy), "--json", str(job))
    assert (done.returncode, done.stderr) == (3, "Jello\n")
    assert json.loads(done.stdout)["verdict"]["first_failure"].startswith("realm.rem1: expected ")

    other = ("--append", "quiet", "--out", str(token))
    done = command.run("attest", "--policy", str(policy), *other, str(job))
    assert done.returncode == 3
    assert "the program was not given to the realm: realm.rim is not as" in done.stderr
    assert parse_token(token.read_bytes()).realm.rems[0] == bytes(32)
    assert command.left_over() == []


def test_a_long_nonce_is_an_event_that_a_realm_s_own_verdict_expects(command: "Command") -> None:
    nonce = "5a" * 64
    done = command.run("attest", "--json", "--nonce", nonce)
    assert done.returncode == 0, done.stdout + done.stderr
    (event,) = json.loads(done.stdout)["log"]["events"]
    assert event["event"] == f"token for the nonce {nonce}"
