# SPDX-License-Identifier: BSD-3-Clause
"""The inputs that atheris found, and changes of them, are answered in time and bounded memory.

`scripts/fuzz attest` looks for more.
"""

import importlib
import resource
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus.txt"
MAX_CORPUS_SIZE = 400_000
MEMORY = 1 << 30
"""Bytes of address space, of which the interpreter and its libraries take most."""
PATIENCE = 120


def fuzz_attest(*arguments: str | Path) -> str:
    """Run the program with little memory, and return what it prints."""
    done = subprocess.run(
        [sys.executable, HERE / "fuzz_attest.py", *arguments],
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def test_saved_inputs_raise_nothing_that_is_not_documented() -> None:
    said = fuzz_attest("run", CORPUS)
    inputs, _, passed = said.partition(" inputs, ")
    assert int(inputs) > 100
    assert int(passed.split()[0]) >= 3, "a token of each era passes, or the targets test nothing"


def test_the_saved_inputs_are_small() -> None:
    assert CORPUS.stat().st_size <= MAX_CORPUS_SIZE


def test_saved_inputs_are_packed_as_they_were_unpacked(tmp_path: Path) -> None:
    copy, folder = tmp_path / "corpus.txt", tmp_path / "inputs"
    copy.write_bytes(CORPUS.read_bytes())
    folder.mkdir()
    fuzz_attest("unpack", copy, folder)
    fuzz_attest("pack", copy, folder)
    assert copy.read_bytes() == CORPUS.read_bytes()


def test_a_corpus_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("VGhpcw=\n", "ascii")
    with pytest.raises(AssertionError, match="corpus"):
        fuzz_attest("run", corpus)


def test_changes_of_cbor_are_cbor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)
    mutate = importlib.import_module("mutate").mutate
    target = importlib.import_module("fuzz_attest")
    tokens = [data for data in target.load(CORPUS) if data[:1] in {b"T", b"R"}]
    changed = 0
    for seed, data in enumerate(tokens * 2):
        other = mutate(data[1:], seed)
        changed += other != data[1:]
        target.run(data[:1] + other)
    assert changed > len(tokens) / 2
