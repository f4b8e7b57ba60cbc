# SPDX-License-Identifier: BSD-3-Clause
"""The command line without a machine: how words are read, and what is said when things go wrong."""

import argparse
import json
import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from realmos import cli
from realmos.agent import AgentClient, RunResult
from realmos.cli._examples import EXAMPLES
from realmos.cli._parser import make_parser
from realmos.cli._run import exit_status, explain
from realmos.cli._transfers import check_transfers, fetch
from realmos.errors import ConfigError, PeerRefusedError, RealmosError

MIB = 1 << 20


def parse(words: str) -> argparse.Namespace:
    return make_parser().parse_args(shlex.split(words))


@pytest.fixture
def _handlers() -> Iterator[None]:
    """Put back the signal handlers that `main` replaces."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def run_main(monkeypatch: pytest.MonkeyPatch, command: object) -> int:
    parser = SimpleNamespace(parse_args=lambda _: argparse.Namespace(command=command))
    monkeypatch.setattr(cli, "make_parser", lambda: parser)
    return cli.main([])


@pytest.mark.parametrize(
    ("words", "gdb", "program"),
    [
        ("run --gdb hello.py --gdb x", "realm", ["hello.py", "--gdb", "x"]),
        ("run --gdb -- uname -a", "realm", ["--", "uname", "-a"]),
        ("run --gdb rmm hello.py", "rmm", ["hello.py"]),
        ("run --gdb=monitor hello.py", "monitor", ["hello.py"]),
        ("run --memory 1G -e A=--gdb --gdb --cold hello.py", "realm", ["hello.py"]),
        ("run hello.py --gdb rmm", None, ["hello.py", "--gdb", "rmm"]),
        ("run -- cmd --gdb rmm", None, ["--", "cmd", "--gdb", "rmm"]),
    ],
)
def test_gdb_takes_the_next_word_only_if_it_names_what_to_stop(
    words: str, gdb: str | None, program: list[str]
) -> None:
    arguments = parse(words)
    assert (arguments.gdb, arguments.words) == (gdb, program)


def test_sizes_have_units() -> None:
    assert parse("run --memory 512M x").memory == 512 * MIB
    assert parse("run --memory 1GiB x").memory == 1024 * MIB


@pytest.mark.parametrize(
    "words",
    [
        "run --memory big x",
        "run --timeout 0 x",
        "run --timeout nan x",
        "run --boot-timeout -- x",
        "run --env NAME x",
        "run --put file x",
        "run --rpv xyz x",
        f"run --rpv {'00' * 65} x",
        "bench boot --count 0",
        "bench boot --cold",
        "bench",
        "bench rmm --memory 1G",
        "bench tee --local --peer",
    ],
)
def test_words_that_make_no_sense_are_refused(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(words)
    assert caught.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("command", sorted(EXAMPLES))
def test_help_teaches_by_examples_that_can_be_typed(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(f"{command} --help")
    examples = capsys.readouterr().out.partition("\nexamples:\n")[2].splitlines()
    typed = [line for line in examples if f"realmos {command}" in line]
    assert typed
    for line in typed:
        words = re.split(r"\s{2,}| \| ", line.strip())[0].partition("realmos ")[2]
        assert parse(words).command


WITH_KINDS = {"bench", "broker", "ta"}
KINDS = [
    "bench boot",
    "bench rmm",
    "bench tee",
    "broker serve",
    "broker add",
    "broker identity",
    "broker sign",
]


@pytest.mark.parametrize("command", [*sorted({*EXAMPLES} - WITH_KINDS), *KINDS])
def test_every_option_says_what_it_does(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(f"{command} --help")
    options = re.findall(r"^  (-.*(?:\n {3,}.*)*)", capsys.readouterr().out, re.MULTILINE)
    assert len(options) > 1
    assert [text for text in options if not re.search(r"\s{2,}[A-Za-z]", text)] == []


@pytest.mark.parametrize(
    ("result", "status", "said"),
    [
        (RunResult(3), 3, ""),
        (RunResult(137, signal=9, timed_out=True), 124, "after 1.5 s"),
        (RunResult(137, signal=9, oom=True), 137, "512 MiB of memory"),
        (RunResult(139, signal=11), 139, "SIGSEGV"),
        (RunResult(191, signal=63), 191, "signal 63"),
    ],
)
def test_a_workload_that_did_not_end_by_itself_is_explained_with_a_next_step(
    result: RunResult, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_status(result) == status
    explain(result, memory=512 * MIB, timeout=1.5)
    text = capsys.readouterr().err
    assert said in text
    assert ("next:" in text) == bool(said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--put {0}/nowhere:/run/x", "--put: {0}/nowhere is not there"),
        ("--put {0}:/run/x", "--put: {0} is a directory"),
        ("--get /run/x:{0}", "--get: {0} is a directory"),
        (
            "--get /run/x:{0}/no/x",
            "--get: {0}/no/x cannot be written: there is no directory {0}/no",
        ),
    ],
)
def test_a_copy_that_cannot_work_is_refused_before_anything_is_built(
    words: str, said: str, tmp_path: Path
) -> None:
    arguments = parse(f"run {words.format(tmp_path)} -- true")
    with pytest.raises(ConfigError, match=re.escape(said.format(tmp_path))) as caught:
        check_transfers(arguments.put, arguments.get)
    assert "PATH" in caught.value.hint


class Shelf:
    """As much of an agent as `fetch` needs: it has one file."""

    def get(self, remote: str, path: Path) -> None:
        if remote != "/run/here":
            raise PeerRefusedError(f"{remote}: no such file", code=1)
        path.write_text("cargo")


def test_what_can_be_fetched_is_though_something_else_is_not_there(tmp_path: Path) -> None:
    wanted = [("/run/gone", str(tmp_path / "gone")), ("/run/here", str(tmp_path / "here"))]
    failures = fetch(cast("AgentClient", Shelf()), wanted)
    assert [str(failure) for failure in failures] == ["/run/gone: no such file"]
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


@pytest.mark.usefixtures("_handlers")
def test_an_error_is_printed_to_the_letter_with_its_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(_: object) -> int:
        raise RealmosError(r"no [/such] thing: \[red]", hint="make [one]")

    assert run_main(monkeypatch, command) == 1
    assert capsys.readouterr().err == "realmos: no [/such] thing: \\[red]\n  next: make [one]\n"


@pytest.mark.usefixtures("_handlers")
def test_trouble_with_files_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(_: object) -> int:
        raise OSError(28, "No space left on device", "/cache/tmp/x")

    assert run_main(monkeypatch, command) == 1
    text = capsys.readouterr().err
    assert "No space left on device: '/cache/tmp/x'" in text
    assert "next:" in text


@pytest.mark.usefixtures("_handlers")
def test_a_hangup_that_is_ignored_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert run_main(monkeypatch, lambda _: 0) == 0
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL


def test_pruning_can_be_read_by_machines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REALMOS_CACHE", str(tmp_path))
    arguments = parse("cache --prune --json")
    assert arguments.command(arguments) == 0
    assert json.loads(capsys.readouterr().out) == {"freed": 0}
