# SPDX-License-Identifier: BSD-3-Clause
"""`realmos measure` on an image of two small files: what it prints, and what it compares."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from realmos import cli
from realmos.anchor import DevelopmentAnchor
from realmos.attest import (
    ReferenceComponent,
    ReferenceRem,
    ReferenceRim,
    default_policy,
    import_ccatoken,
    import_corim,
    read_policy,
    sample_anchor,
    write_policy,
)
from realmos.cli import _measure, _references
from realmos.image import Image, Initramfs, Kernel, load
from realmos.realm import RealmConfig, build_realm
from realmos.source import Lock
from realmos_agent.protocol import measurement

MIB = 1 << 20


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    """An image that is there without being built, whatever its name."""
    paths = (tmp_path / "Image", tmp_path / "initramfs")
    for path in paths:
        path.write_bytes(path.name.encode() * 10000)
    made = Image(
        recipe=load("linux"),
        kernel=Kernel(paths[0], "", paths[0].stat().st_size, MIB, 0, "7.3", "test", None),
        initrd=Initramfs(paths[1], "", paths[1].stat().st_size, MIB),
        lock=Lock(),
    )
    monkeypatch.setattr(_measure, "build_image", lambda *_: made)
    monkeypatch.setenv("REALMOS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return made


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = cli.main(["measure", *words])
    captured = capsys.readouterr()
    return status, captured.out if status in {0, 1} and captured.out else captured.err


def facts(capsys: pytest.CaptureFixture[str], *words: str) -> Any:  # noqa: ANN401 -- JSON
    status, out = run(capsys, "--json", *words)
    assert status == 0, out
    return json.loads(out)


@pytest.mark.parametrize(
    ("words", "config"),
    [
        ("", RealmConfig()),
        ("linux", RealmConfig()),
        ("linux --vcpus 2 --hash sha-512", RealmConfig(vcpus=2, hash_algorithm="sha-512")),
        ("--memory 1G linux --append quiet", RealmConfig(memory=1 << 30, cmdline="quiet")),
    ],
)
def test_the_rim_is_that_of_a_run_with_the_same_words(
    image: Image,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: str,
    config: RealmConfig,
) -> None:
    expected = build_realm(image, config, out=tmp_path).rim.hex()
    assert facts(capsys, *words.split())["rim"] == expected
    status, out = run(capsys, *words.split())
    assert status == 0
    assert f"RIM ({config.hash_algorithm})" in out
    assert expected in out


@pytest.mark.usefixtures("image")
def test_steps_end_in_the_rim_and_name_files(capsys: pytest.CaptureFixture[str]) -> None:
    rim = facts(capsys)["rim"]
    _, grouped = run(capsys, "linux", "--steps")
    for part in ("kernel, bytes 0x0 to 0xc34f", "device tree, bytes 0x0", "initramfs, bytes 0x0"):
        assert grouped.count(part) == 1
    assert "1-256 RMI_RTT_INIT_RIPAS 0x40000000 to 0x5fffffff\n" in grouped
    _, each = run(capsys, "--steps", "all")
    lines = each.splitlines()
    assert "1 RMI_RTT_INIT_RIPAS 0x40000000 to 0x401fffff" in lines
    assert each.count("RMI_DATA_CREATE") == 13 + 1 + 22
    for out in (grouped, each):
        assert f"RMI_REALM_ACTIVATE\n    RIM {rim}\n" in out


@pytest.mark.usefixtures("image")
def test_a_program_has_events_and_makes_rem_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text("1,2,3\n")
    (tmp_path / "in.csv").chmod(0o640)
    (tmp_path / "job.py").write_text("print(6)\n")
    words = ["--put", "in.csv:/data/in.csv", "linux", "-e", "B=2", "-e", "A=1", "job.py", "-e", "7"]
    for algorithm in ("sha-256", "sha-512"):
        found = facts(capsys, "--hash", algorithm, *words)
        script = hashlib.sha256(b"print(6)\n").digest()
        path = b"\0work/scripts/1/job.py"
        events = [
            measurement.FileEvent(b"/data/in.csv", 0o640, hashlib.sha256(b"1,2,3\n").digest()),
            measurement.FileEvent(path, 0o644, script),
            measurement.RunEvent(
                (path, b"-e", b"7"), (b"A=1", b"B=2"), b"\0work", python=True, program=script
            ),
        ]
        encoded = [measurement.encode(event) for event in events]
        assert [bytes.fromhex(event["cbor"]) for event in found["events"]] == encoded
        assert found["rem1"] == measurement.replay(encoded, algorithm).hex()
    _, out = run(capsys, *words)
    assert "run {work}/scripts/1/job.py -e 7 (in {work}, script's SHA-256" in out
    assert facts(capsys)["rim"] == facts(capsys, *words)["rim"]


@pytest.mark.usefixtures("image")
def test_a_command_is_told_from_an_image_and_a_script(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = facts(capsys, "--", "linux", "--steps")["events"]
    assert found["event"] == "run linux --steps (in {work})"
    (tmp_path / "linux").write_text("pass\n")
    assert len(facts(capsys, "./linux")["events"]) == 2
    assert "events" not in facts(capsys, "linux")


@pytest.mark.usefixtures("image")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--put", "a:/b"], "--put and --env are for a program"),
        (["--put", "absent:/b", "--", "ls"], "--put: absent is not there"),
        (["absent.py"], "absent.py cannot be read"),
        (["--diff", "absent.json", "linux"], "neither a file nor an image"),
        (["--diff", "linux", "linux 'x"], "neither a file nor an image"),
        (["--diff", "bad.json", "linux"], "bad.json holds no steps"),
        (["--diff", "linux", "linux", "--", "ls"], "does nothing else"),
        (["--vcpus", "99"], "vCPUs"),
    ],
)
def test_what_cannot_be_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    (tmp_path / "bad.json").write_text("{}")
    status, out = run(capsys, *words)
    assert status == 1
    assert message in out
    assert "next: " in out


@pytest.mark.usefixtures("image")
def test_a_saved_prediction_is_compared_with_a_later_one(
    image: Image, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "before.json"
    saved.write_text(run(capsys, "--json")[1])
    status, out = run(capsys, "--diff", str(saved), "linux")
    assert (status, out.startswith("the same: ")) == (0, True)
    data = bytearray(image.kernel.path.read_bytes())
    data[12345] ^= 1
    image.kernel.path.write_bytes(data)
    status, out = run(capsys, "--diff", str(saved), "linux")
    assert status == 1
    assert "RMI_DATA_CREATE 0x40003000 to 0x40003fff kernel, bytes 0x3000 to 0x3fff" in out
    assert "kernel: differs from byte 0x3039 on (50000 and 50000 bytes)" in out


@pytest.mark.usefixtures("image")
def test_options_given_outside_hold_for_both_sides(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--memory", "1G", "--diff", "linux", "linux --vcpus 2"]
    status, out = run(capsys, *words)
    assert status == 1
    assert "setting vCPUs: 1 → 2" in out
    assert "memory:" not in out
    found = json.loads(run(capsys, "--json", *words)[1])
    assert found["settings"] == [["vCPUs", "1", "2"]]
    assert found["rims"][0] != found["rims"][1]


COMPONENT = ReferenceComponent("RMM", bytes(range(32)))


@pytest.fixture
def policy(image: Image, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001 -- has it made
    """Where a policy is to be written, on a machine whose firmware is there without being built."""
    flash = SimpleNamespace(anchor=sample_anchor(), references=lambda: (COMPONENT,))
    monkeypatch.setattr(_references, "build_firmware", lambda *_, **__: flash)
    monkeypatch.setattr(_references, "choose_anchor", lambda _: None)
    return Path("policy.toml")


def test_a_new_policy_accepts_what_was_predicted(
    policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = facts(capsys, "--policy", str(policy), "--rpv", "07", "--", "ls")
    made = read_policy(policy.read_text("utf-8"))
    assert made.rims == (
        ReferenceRim("linux, 512 MiB memory, 1 vCPUs, sha-256 hash", bytes.fromhex(found["rim"])),
    )
    assert made.rems == (ReferenceRem(1, (bytes.fromhex(found["rem1"]),)),)
    assert made.components == (COMPONENT,)
    assert made.anchors[0].worth == "sample anchor, forgeable"
    assert made.hash_algorithms == ("sha-256",)
    assert made.rpvs == (b"\x07" + bytes(63),)
    assert made.nonce_required


def test_a_policy_that_is_there_accepts_another_realm_too(
    policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = [
        ["--rpv", "07", "--", "ls"], ["--vcpus", "2", "--hash", "sha-512", "--rpv", "08"],
        ["--", "ls", "-l"], [],
    ]  # fmt: skip
    found = [facts(capsys, "--policy", str(policy), *words) for words in calls]
    made = read_policy(policy.read_text("utf-8"))
    assert {rim.value.hex() for rim in made.rims} == {entry["rim"] for entry in found}
    assert len(made.rims) == 2
    (rem,) = made.rems
    assert [value.hex() for value in rem.values] == [found[0]["rem1"], found[2]["rem1"]]
    assert made.hash_algorithms == ("sha-256", "sha-512")
    assert made.rpvs == (b"\x07" + bytes(63), b"\x08" + bytes(63))
    assert made.components == (COMPONENT,)


def test_a_policy_that_cannot_take_more_stays_as_it_was(
    policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logged = default_policy(
        sample_anchor(), components=[], rims=[], rems=[ReferenceRem(1, log=(b"x",))]
    )
    for text, message in ((write_policy(logged), "by its log"), ("[nonsense]\n", "nonsense")):
        policy.write_text(text)
        status, out = run(capsys, "--policy", str(policy), "--", "ls")
        assert (status, policy.read_text("utf-8")) == (1, text)
        assert message in out
    status, out = run(capsys, "--policy", "absent/policy.toml")
    assert status == 1
    assert "absent/policy.toml cannot be written" in out
    assert list(Path().glob(".*.part")) == []


def test_a_policy_is_written_for_others_too(
    policy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = DevelopmentAnchor.new().attest_anchor()
    flash = SimpleNamespace(
        anchor=key, references=lambda: (ReferenceComponent("RMM", bytes(32), bytes(32)),)
    )
    monkeypatch.setattr(_references, "build_firmware", lambda *_, **__: flash)
    words = ["--policy", str(policy), "--export", "corim", "--export", "ccatoken"]
    assert run(capsys, *words)[0] == 0
    ours = read_policy(policy.read_text("utf-8"))
    realm, platform = (Path(f"policy.{part}.corim").read_bytes() for part in ("realm", "platform"))
    stores = [Path(f"policy.{name}.json").read_text("utf-8") for name in ("ta", "rv")]
    for theirs in (import_corim(realm, platform), import_ccatoken(stores[0], stores[1])):
        assert [rim.value for rim in theirs.rims] == [rim.value for rim in ours.rims]
        assert (theirs.components, theirs.configs) == (ours.components, ours.configs)
        assert theirs.anchors[0].public_key == key.public_key


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["--export", "corim"], "--export writes a policy for others", "--policy policy.toml"),
        (["--policy", "a.corim"], "a.corim is not a name for a policy", "--export corim"),
        (["--policy", "bad"], "bad: policy line 1: x is not a known key", "docs/policy.md"),
        (
            ["--policy", "no/policy"],
            "no/policy cannot be written: there is no directory no",
            "of yours",
        ),
    ],
)
@pytest.mark.usefixtures("policy")
def test_a_policy_that_cannot_be_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str, hint: str
) -> None:
    (tmp_path / "bad").write_text("x = 1\n")
    status, err = run(capsys, *words)
    assert status == 1
    assert said in err
    assert hint in err
