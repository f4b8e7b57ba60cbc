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
from realmos.agent import RunResult
from realmos.cli._debug import announce, gdb_command
from realmos.cli._parser import make_parser
from realmos.cli._run import exit_status, explain
from realmos.errors import ConfigError, RealmosError
from realmos.session import Prepared

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
    ],
)
def test_words_that_make_no_sense_are_refused(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(words)
    assert caught.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "shell", "build", "logs", "cache", "bench"])
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


def prepared(symbols: dict[str, Path]) -> Prepared:
    made = SimpleNamespace(
        flash=SimpleNamespace(symbols=lambda: symbols),
        realms=[SimpleNamespace(entry=0x40200000)],
        options=SimpleNamespace(gdb=1234),
    )
    return cast("Prepared", made)


def test_an_image_brought_in_has_no_symbols_to_stop_at() -> None:
    with pytest.raises(ConfigError, match="brought in with --rmm") as caught:
        gdb_command(prepared({"monitor": Path("/m.elf")}), "rmm", 1234)
    assert caught.value.hint
    assert "hbreak *0x40200000" in gdb_command(prepared({}), "realm", 1234)


def test_the_gdb_command_is_printed_to_the_letter(capsys: pytest.CaptureFixture[str]) -> None:
    announce(prepared({"rmm": Path("/a [bold]/rmm.elf")}), "rmm")
    command = capsys.readouterr().err.splitlines()[1]
    assert shlex.split(command)[4] == "file /a [bold]/rmm.elf"


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
