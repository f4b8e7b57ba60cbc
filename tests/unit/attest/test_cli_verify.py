# SPDX-License-Identifier: BSD-3-Clause
"""`realmos verify` on tokens made here: what it prints, how it ends, what it cannot read."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from realmos import cli
from realmos.attest import Anchor, Policy, ReferenceComponent, ReferenceRem, write_policy
from realmos.cli import _policies
from realmos_agent.protocol import eventlog, measurement
from realmos_agent.protocol.evidence import ta_challenge

MakeToken = Callable[..., bytes]
NONCE = bytes(range(64))
HASH = b"\x5a" * 32
EVENTS = [
    measurement.encode(event)
    for event in (
        measurement.FileEvent(b"/data/in", 0o644, HASH),
        measurement.RunEvent((b"ls", b"\x1b[2J"), (), b"\0work", python=False, program=None),
    )
]
LOG = b"".join(map(eventlog.entry, EVENTS))
REM = measurement.replay(EVENTS, "sha-256")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, empty."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def files(here: Path, make_token: MakeToken, policy: Policy) -> Path:
    """A directory with a token, the policy that accepts it, and the log that explains it."""
    rems = [REM, bytes(32), bytes(32), bytes(32)]
    (here / "token.cbor").write_bytes(make_token(realm={44239: rems}))
    (here / "policy.toml").write_text(write_policy(policy), "utf-8")
    (here / "events.log").write_bytes(LOG)
    return here


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Return the status, and what went to stdout and to stderr."""
    try:
        status = cli.main(["verify", *words])
    except SystemExit as ended:
        status = int(ended.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def verify(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    return run(capsys, "token.cbor", "--policy", "policy.toml", "--nonce", NONCE.hex(), *words)


@pytest.mark.usefixtures("files")
def test_a_token_that_a_policy_accepts_passes(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = verify(capsys)
    assert (status, err) == (0, "")
    assert "verdict: pass (development anchor of this machine)" in out
    assert "next:" not in out
    status, out, _ = verify(capsys, "--json")
    assert status == 0
    assert json.loads(out)["verdict"]["passed"] is True


@pytest.mark.parametrize(
    ("changes", "field", "hint"),
    [
        ({"rims": ()}, None, ""),
        ({"rems": (ReferenceRem(1, (bytes(32),)),)}, "realm.rem1", "--log FILE shows"),
        ({"rpvs": (bytes(64),)}, "realm.rpv", "do not trust"),
        ({"configs": (b"other",)}, "platform.config", "do not trust"),
        ({"anchors": ()}, "platform.anchor", "--policy with its anchor"),
    ],
)
def test_a_failure_names_the_field_and_what_to_do(  # noqa: PLR0917 -- parameters and fixtures
    files: Path,
    policy: Policy,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    field: str | None,
    hint: str,
) -> None:
    (files / "policy.toml").write_text(write_policy(replace(policy, **changes)), "utf-8")
    status, out, _ = verify(capsys)
    assert status == (3 if field else 0)
    assert field is None or f"\n{field}: expected " in out
    assert hint in out
    found = json.loads(verify(capsys, "--json")[1])["verdict"]["first_failure"]
    assert found is None if field is None else found.startswith(f"{field}: ")


@pytest.mark.usefixtures("files")
def test_an_image_and_firmware_that_differ_are_told_apart(
    files: Path, make_token: MakeToken, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "token.cbor").write_bytes(make_token(realm={44238: bytes(31) + b"\x01"}))
    status, out, _ = verify(capsys)
    assert status == 3
    assert "realm.rim: expected " in out
    assert "next: the realm is of another image or other options" in out
    part = {1: "RMM", 2: b"\xab" * 32, 4: "1.0", 5: b"\x51" * 32}
    (files / "token.cbor").write_bytes(make_token(platform={2399: [part]}))
    status, out, _ = verify(capsys)
    assert status == 3
    assert "the component that differs: RMM" in out
    assert "next: the firmware is another build" in out


@pytest.mark.usefixtures("files")
def test_a_nonce_is_what_makes_a_token_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["--nonce", "2a"]):
        status, out, _ = run(capsys, "token.cbor", "--policy", "policy.toml", *words)
        assert status == 3
        assert "realm.challenge: expected " in out
        assert "next: give --nonce as the realm was given it" in out


def test_without_a_policy_the_anchor_of_this_installation_counts(
    files: Path,
    anchor: Anchor,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    chosen = {"development": SimpleNamespace(attest_anchor=lambda: anchor), "sample": None}
    monkeypatch.setattr(_policies, "choose_anchor", chosen.__getitem__)
    status, out, err = run(capsys, "token.cbor")
    assert status == 0
    assert "verdict: pass (development anchor of this machine)" in out
    assert "compared with nothing, for there is no --policy: platform.components.RMM" in err
    for name in ("realm.rim", "realm.rem1", "realm.challenge"):
        assert name in err
    assert "next: `realmos measure --policy FILE`" in err
    _, out, err = run(capsys, "token.cbor", "--nonce", NONCE.hex(), "--json")
    assert json.loads(out)["verdict"]["passed"] is True
    assert "realm.challenge" not in err
    status, out, _ = run(capsys, "token.cbor", "--anchor", "sample")
    assert status == 3
    assert "platform.anchor: expected sample anchor, forgeable" in out
    assert sorted(path.name for path in files.iterdir()) == [
        "events.log", "policy.toml", "token.cbor",
    ]  # fmt: skip


@pytest.mark.usefixtures("files")
def test_a_log_is_replayed_and_shown_event_by_event(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = verify(capsys, "--log", "events.log")
    assert status == 0
    lines = out.partition("REM 1 has taken:\n")[2].splitlines()
    assert lines == [
        f"  1 file /data/in (mode 644, SHA-256 {HASH.hex()})",
        r"  2 run ls '\x1b[2J' (in {work})",
    ]
    log = json.loads(verify(capsys, "--log", "events.log", "--json")[1])["log"]
    assert (log["explains_rem1"], log["problem"]) == (True, "")
    assert [bytes.fromhex(event["cbor"]) for event in log["events"]] == EVENTS


@pytest.mark.parametrize(
    ("log", "shown", "problem"),
    [
        (b"", 0, f"replaying it gives {'00' * 32}, and REM 1 is {REM.hex()}"),
        (eventlog.entry(EVENTS[0]), 1, "replaying it gives "),
        (eventlog.entry(EVENTS[1]) + eventlog.entry(EVENTS[0]), 2, "replaying it gives "),
        (LOG[:-1], 1, "event 2: a log of events with one longer than what is there"),
        (LOG + b"\0", 2, "event 3: a log of events that ends within a size"),
        (eventlog.entry(b"\x80"), 0, "event 1: an event is an array that begins with its kind"),
    ],
)
def test_a_log_that_does_not_explain_rem_1_fails(
    files: Path, capsys: pytest.CaptureFixture[str], log: bytes, shown: int, problem: str
) -> None:
    (files / "events.log").write_bytes(log)
    status, out, _ = verify(capsys, "--log", "events.log")
    assert status == 3
    assert "verdict: pass" in out
    assert f"the log does not explain REM 1: {problem}" in out
    assert f"\n  {shown + 1} " not in out
    found = json.loads(verify(capsys, "--log", "events.log", "--json")[1])
    assert found["log"]["explains_rem1"] is False
    assert len(found["log"]["events"]) == shown


def test_a_token_cut_short_anywhere_fails_and_says_so(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (files / "token.cbor").read_bytes()
    for size in (0, 1, *range(7, len(whole), 151), len(whole) - 1):
        (files / "token.cbor").write_bytes(whole[:size])
        status, out, _ = verify(capsys, "--log", "events.log")
        assert status == 3
        assert f"token: expected a CCA token, found {size} bytes" in out
        assert "next: the file is no token, or cut short: fetch it again" in out
        assert "there is no token to compare it with" in out


def test_a_file_without_an_end_is_not_read_to_its_end(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "token.cbor").unlink()
    (files / "token.cbor").symlink_to("/dev/zero")
    status, out, _ = verify(capsys)
    assert status == 3
    assert "more than 65536" in out


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["absent"], "the token absent cannot be read: No such file", "attest --out token.cbor"),
        (["."], "the token . cannot be read: Is a directory", "attest --out token.cbor"),
        (["token.cbor", "--policy", "absent"], "the policy absent cannot be read", "measure"),
        (["token.cbor", "--policy", "token.cbor"], "token.cbor: no policy: byte 0", "policy.md"),
        (
            ["token.cbor", "--policy", "policy.toml", "--log", "absent"],
            "the log absent cannot be read", "attest --out token.cbor",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str, hint: str
) -> None:
    status, out, err = run(capsys, *words)
    assert (status, out) == (1, "")
    assert said in err
    assert hint in err.partition("next: ")[2]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[realm]", "[realm]\nrimm = 1", "policy line {line}: realm.rimm is not a known key"),
        ("index = 1", 'index = "x"', "policy line {line}: realm.rem.index must be a whole number"),
        ("[realm]", "[realm", "policy: not TOML"),
    ],
)
def test_a_policy_that_is_none_is_refused_by_file_line_and_key(  # noqa: PLR0917 -- ditto
    files: Path,
    policy: Policy,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    said: str,
) -> None:
    text = write_policy(replace(policy, rems=(ReferenceRem(1, (REM,)),))).replace(old, new)
    (files / "policy.toml").write_text(text, "utf-8")
    line = next(n for n, each in enumerate(text.splitlines(), 1) if each == new.splitlines()[-1])
    status, _, err = verify(capsys)
    assert status == 1
    assert f"realmos: policy.toml: {said.format(line=line)}" in err
    assert "next: docs/policy.md lists every key" in err


@pytest.mark.parametrize(
    ("nonce", "said"),
    [
        ("xyz", "'xyz' is not hexadecimal, two digits for each byte"),
        ("2a5", "'2a5' is not hexadecimal, two digits for each byte"),
        ("00" * 65, "a nonce has 1 to 64 bytes, and this one 65"),
        ("", "a nonce has 1 to 64 bytes, and this one 0"),
    ],
)
def test_a_nonce_that_cannot_be_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str], nonce: str, said: str
) -> None:
    status, _, err = run(capsys, "token.cbor", "--nonce", nonce)
    assert status == 2
    assert f"argument --nonce: {said}" in err
    assert not list(here.iterdir())


@pytest.fixture
def for_others(files: Path, policy: Policy) -> Path:
    """The same directory, with the policy's values in every other format, too."""
    zeros = [ReferenceRem(index, (bytes(32),)) for index in (2, 3, 4)]
    every = replace(
        policy,
        rims=policy.rims[1:],
        rems=(ReferenceRem(1, (REM,)), *zeros),
        components=(
            ReferenceComponent("RMM", b"\xaa" * 32, b"\x51" * 32, "1.0"),
            ReferenceComponent("AP_BL31", b"\xbb" * 32, b"\x51" * 32),
        ),
    )
    written = _policies.export_policy(every, files / "policy.toml", _policies.FORMATS)
    assert sorted(path.name for path in written) == [
        "policy.platform.corim", "policy.realm.corim", "policy.rv.json", "policy.ta.json",
    ]  # fmt: skip
    return files


@pytest.mark.parametrize(
    "names",
    [
        ("policy.realm.corim", "policy.platform.corim"),
        ("policy.ta.json", "policy.rv.json"),
        ("policy.rv.json", "policy.ta.json"),
    ],
)
def test_reference_values_of_others_judge_as_the_policy_does(
    for_others: Path, make_token: MakeToken, capsys: pytest.CaptureFixture[str], names: list[str]
) -> None:
    words = [word for name in names for word in ("--policy", name)]
    status, out, _ = run(capsys, "token.cbor", "--nonce", NONCE.hex(), *words)
    assert status == 0, out
    (for_others / "token.cbor").write_bytes(make_token())
    status, out, _ = run(capsys, "token.cbor", "--nonce", NONCE.hex(), *words)
    assert status == 3
    assert f"realm.rem1: expected {REM.hex()}" in out


@pytest.mark.usefixtures("for_others")
def test_values_of_a_realm_alone_go_with_the_anchor_of_this_installation(
    anchor: Anchor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = SimpleNamespace(attest_anchor=lambda: anchor)
    monkeypatch.setattr(_policies, "choose_anchor", lambda _: chosen)
    words = ["token.cbor", "--nonce", NONCE.hex(), "--policy", "policy.realm.corim"]
    status, out, _ = run(capsys, *words)
    assert (status, "development anchor of this machine" in out) == (0, True)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["policy.rv.json"], "the stores of rust-ccatoken are two"),
        (["policy.rv.json", "policy.rv.json"], "the stores of rust-ccatoken are two"),
        (["policy.toml", "policy.toml"], "only .corim files, or ta.json and rv.json, make one"),
        (["policy.realm.corim", "policy.ta.json"], "only .corim files, or ta.json and rv.json"),
        (["cut.corim"], "cut.corim: "),
    ],
)
def test_files_that_make_no_policy_are_named(
    for_others: Path, capsys: pytest.CaptureFixture[str], names: list[str], said: str
) -> None:
    whole = (for_others / "policy.realm.corim").read_bytes()
    (for_others / "cut.corim").write_bytes(whole[:-1])
    words = [word for name in names for word in ("--policy", name)]
    status, _, err = run(capsys, "token.cbor", *words)
    assert status == 1
    assert f"realmos: {', '.join(names)}: " in err
    assert said in err
    assert "next: " in err


@pytest.mark.usefixtures("files")
def test_an_attestation_result_is_for_the_tools_of_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, _ = verify(capsys, "--ear")
    result = json.loads(out)
    assert status == 0
    assert result["submods"]["CCA_REALM"]["ear.status"] == "affirming"
    assert result["iat"] > 1_700_000_000
    status, _, err = verify(capsys, "--ear", "--json")
    assert status == 2
    assert "not allowed with" in err


TA = UUID("edb617fa-9fed-4d89-825b-716277701d5b")


@pytest.mark.usefixtures("files")
def test_a_tas_token_is_judged_by_ta_nonce_and_statement(
    here: Path, policy: Policy, make_token: MakeToken, capsys: pytest.CaptureFixture[str]
) -> None:
    rems = [REM, bytes(32), bytes(32), bytes(32)]
    named = replace(policy, rems=(ReferenceRem(1, (REM,)),))
    (here / "policy.toml").write_text(write_policy(named), "utf-8")
    challenge = ta_challenge(TA.bytes, b"\x2a", b"my key")
    (here / "ta.cbor").write_bytes(make_token(realm={44239: rems, 10: challenge}))
    (here / "key").write_bytes(b"my key")
    (here / "other").write_bytes(b"other key")
    words = ("ta.cbor", "--policy", "policy.toml", "--nonce")
    said = ("--ta", str(TA), "--statement")
    assert run(capsys, *words, "2a", *said, "key")[0] == 0
    for wrong in (
        ("2b", *said, "key"),
        ("2a", *said, "other"),
        ("2a", "--ta", str(TA)),
        ("2a", "--ta", str(UUID(int=7)), "--statement", "key"),
        ("2a",),
    ):
        status, out, _ = run(capsys, *words, *wrong)
        assert status == 3
        assert "realm.challenge: expected " in out


@pytest.mark.usefixtures("files")
def test_without_rem_1_anybody_could_speak_for_a_ta(
    here: Path, policy: Policy, make_token: MakeToken, capsys: pytest.CaptureFixture[str]
) -> None:
    """A client of the realm can ask the agent for this very token; REM 1 alone tells."""
    challenge = ta_challenge(TA.bytes, b"\x2a", b"")
    (here / "ta.cbor").write_bytes(make_token(realm={10: challenge}))
    (here / "open.toml").write_text(write_policy(replace(policy, rems=())), "utf-8")
    words = ("ta.cbor", "--nonce", "2a", "--ta", str(TA))
    for given in (("--policy", "open.toml"), ()):
        status, _, err = run(capsys, *words, *given)
        assert status == 1
        assert "says what runs in the realm (REM 1)" in err
        assert "realmos measure --policy FILE --ta FILE.ta" in err


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        (("--ta", str(TA)), 1, "--ta needs the --nonce"),
        (("--nonce", "2a", "--statement", "token.cbor"), 1, "there is no --ta"),
        (("--nonce", "2a", "--ta", str(TA), "--statement", "none"), 1, "statement none cannot be"),
        (("--nonce", "2a", "--ta", "hello"), 2, "'hello' is not a UUID"),
    ],
)
def test_options_of_a_tas_token_go_together(
    words: tuple[str, ...], status: int, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, _, err = run(capsys, "token.cbor", *words)
    assert found == status
    assert complaint in err
