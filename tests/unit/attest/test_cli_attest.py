# SPDX-License-Identifier: BSD-3-Clause
"""`realmos attest` with a realm that is played: who judges, what is written, what it ends with."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest
from realmos import cli
from realmos.agent import RunResult
from realmos.attest import Policy, ReferenceRem, Verdict, verify, write_policy
from realmos.session import Attested, Options
from realmos_agent.protocol import eventlog, measurement

MakeToken = Callable[..., bytes]


@dataclass
class Player:
    """A realm and its session, as far as `realmos attest` looks at them."""

    make_token: MakeToken
    own: Policy
    trusted: bool = True
    status: int = 0
    options: Options = field(default_factory=Options)
    events: list[bytes] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    nonces: list[bytes] = field(default_factory=list)

    def put(self, source: Path, target: str) -> None:
        self.told.append(f"put {source} {target}")

    def run(self, argv: tuple[str, ...], *, stdout: BinaryIO, **_: object) -> RunResult:
        self.told.append(f"run {' '.join(argv)}")
        stdout.write(b"output\n")
        stdout.flush()
        return RunResult(self.status)

    @property
    def policy(self) -> Policy:
        wanted = self.options.policy or self.own
        return wanted if self.trusted else replace(wanted, anchors=())

    @property
    def verdicts(self) -> list[Verdict]:
        """On the channel's certificate."""
        if self.options.plain:
            return []
        wanted = replace(self.policy, rems=(), nonce_max_size=64)
        return [verify(self.make_token(), wanted, nonce=bytes(range(64)))]

    def attest(self, *, events: list[bytes], nonce: bytes) -> Attested:
        self.events = events
        self.nonces.append(nonce)
        ran = events if self.told else []
        rem = measurement.replay(ran, "sha-256")
        changes = {10: nonce.ljust(64, b"\0"), 44239: [rem, *[bytes(32)] * 3]}
        token = self.make_token(realm=changes)
        log = b"".join(map(eventlog.entry, ran))
        return Attested(nonce, token, log, verify(token, self.policy, nonce=nonce))


@pytest.fixture
def player(
    make_token: MakeToken, policy: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Player:
    """The realm that the command will get."""
    made = Player(make_token, policy)

    @contextmanager
    def running(options: Options, *_: object) -> Iterator[SimpleNamespace]:
        made.options = options
        yield SimpleNamespace(agent=made, verdicts=made.verdicts, attest=made.attest, restored=True)

    monkeypatch.setattr("realmos.cli._attest.sessions.running", running)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("REALMOS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return made


def attest(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = cli.main(["attest", *words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def save(policy: Policy, **changes: Any) -> None:  # noqa: ANN401 -- of a policy
    Path("policy.toml").write_text(write_policy(replace(policy, **changes)), "utf-8")


def test_a_realm_is_challenged_anew_each_time(
    player: Player, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        status, out, err = attest(capsys)
        assert (status, err) == (0, "")
        assert "verdict: pass (development anchor of this machine)" in out
        assert "REM 1 has taken nothing" in out
        assert f"nonce: {player.nonces[-1].hex()}\n" in out
    assert len(set(player.nonces)) == 2
    assert [len(nonce) for nonce in player.nonces] == [32, 32]


def test_the_token_and_its_log_are_written_for_others(
    player: Player, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--nonce", "2a", "--out", "token.cbor", "--log", "events.log", "--", "ls", "/"]
    status, out, err = attest(capsys, *words)
    assert (status, err) == (0, "output\n")
    assert player.told == ["run ls /"]
    assert "REM 1 has taken:\n  1 run ls / (in {work})\n" in out
    assert player.nonces == [b"\x2a"]
    verdict = verify(Path("token.cbor").read_bytes(), player.own, nonce=b"\x2a")
    assert verdict.first_failure is None
    assert Path("events.log").read_bytes() == eventlog.entry(player.events[0])
    found = json.loads(attest(capsys, "--json", *words)[1])
    assert found["verdict"]["passed"] is True
    assert (found["nonce"], found["token"], found["restored"]) == ("2a", "token.cbor", True)
    assert found["log"]["explains_rem1"] is True


def test_a_policy_takes_the_place_of_what_was_built(
    player: Player, policy: Policy, capsys: pytest.CaptureFixture[str]
) -> None:
    save(policy, nonce_max_size=16, rems=(ReferenceRem(1, (b"\x11" * 32,)),))
    status, out, err = attest(capsys, "--policy", "policy.toml", "--", "ls")
    assert status == 3
    assert player.told == ["run ls"], "REMs count after the program, not before"
    assert f"realm.rem1: expected {'11' * 32}, found " in out
    assert "next: the realm was given other work" in out
    assert err == "output\n"
    assert [len(nonce) for nonce in player.nonces] == [16]
    assert not player.options.verify


def test_a_realm_that_fails_is_shown_and_gets_no_work(
    player: Player, capsys: pytest.CaptureFixture[str]
) -> None:
    player.trusted = False
    status, out, err = attest(capsys, "--put", "policy.toml:/in", "--", "ls")
    assert status == 1, "the file to put is not there"
    save(player.own)
    status, out, err = attest(capsys, "--put", "policy.toml:/in", "--", "ls")
    assert player.told == []
    assert status == 3
    assert "verdict: fail" in out
    assert "the program was not given to the realm: platform.anchor is not as it must be" in err
    for words in (["--no-verify"], ["--plain"]):
        player.told.clear()
        status, _, _ = attest(capsys, *words, "--put", "policy.toml:/in", "--", "ls")
        assert (status, player.told) == (3, ["put policy.toml /in", "run ls"])


def test_a_program_that_fails_is_told_and_does_not_count(
    player: Player, capsys: pytest.CaptureFixture[str]
) -> None:
    player.status = 7
    status, out, err = attest(capsys, "--", "false")
    assert status == 0
    assert "verdict: pass" in out
    assert "the program ended with status 7; the verdict is not on that" in err


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["--out", "no/token"], "no/token cannot be written: there is no directory no", "of yours"),
        (["--out", "."], "--out: . is a directory", "of yours"),
        (["--log", "no/log"], "--log: no/log cannot be written", "of yours"),
        (["--policy", "absent"], "the policy absent cannot be read", "realmos measure"),
        (["--policy", "bad"], "bad: policy line 1: colour is not a known key", "policy.md"),
        (["absent.py"], "absent.py cannot be read", "after --"),
        (["--put", "bad:/x"], "--put and --env are for a program", "SCRIPT.py"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_before_a_realm_is_brought_up(
    player: Player, capsys: pytest.CaptureFixture[str], words: list[str], said: str, hint: str
) -> None:
    Path("bad").write_text('colour = "red"\n')
    status, out, err = attest(capsys, *words)
    assert (status, out, player.nonces) == (1, "", [])
    assert said in err
    assert hint in err.partition("next: ")[2]


def test_a_file_that_turns_out_not_to_be_writable_is_named(
    player: Player, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    Path("token.cbor").write_text("old")
    monkeypatch.setattr(Path, "write_bytes", full)
    status, out, err = attest(capsys, "--out", "token.cbor")
    assert (status, out) == (1, "")
    assert "token.cbor cannot be written: No space left on device" in err
    assert player.nonces
    assert Path("token.cbor").read_text() == "old"


@pytest.mark.usefixtures("player")
def test_a_pipe_and_a_link_get_the_token_and_stay_what_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("link").symlink_to("file")
    assert attest(capsys, "--out", "link")[0] == 0
    assert Path("link").is_symlink()
    assert Path("file").stat().st_size > 1000
    assert attest(capsys, "--out", "/dev/null")[0] == 0
    assert Path("/dev/null").is_char_device()
