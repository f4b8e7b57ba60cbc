# SPDX-License-Identifier: BSD-3-Clause
"""The options that keep objects: what goes together, and what the core is told."""

from pathlib import Path
from uuid import UUID

import pytest
from realmos import cli
from realmos.errors import ConfigError
from realmos.tee import Keeping, tee_workload

KEY = "ab" * 32


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REALMOS_BROKER_KEY", raising=False)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--identity", "x", "--broker", "a"], "are kept, and these are not"),
        (["--storage", "s", "--identity", "x"], "--identity and --broker go together"),
        (["--storage", "s", "--broker", "a"], "--identity and --broker go together"),
        (["--storage", "s", "--identity", "x", "--broker", "a"], "needs --broker-key"),
        (
            ["--storage", "s", "--identity", "x", "--broker", "a", "--broker-key", KEY[1:]],
            "needs --broker-key",
        ),
        (["--local", "--storage", "s", "--identity", "x", "--broker", "a"], "no broker trusts"),
        (["--client-inside", "--storage", "s"], "with --client-inside nobody holds objects"),
    ],
)
def test_options_that_do_not_go_together_are_told(
    words: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.ta"
    assert cli.main(["ta", "run", *words, str(file), "--", "true"]) == 1
    assert complaint in " ".join(capsys.readouterr().err.split())


def test_measure_has_no_storage_without_a_ta(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["measure", "--storage", "s"]) == 1
    assert "--storage is for a --ta" in capsys.readouterr().err


def test_the_core_is_told_whose_objects_it_keeps(tmp_path: Path) -> None:
    (tmp_path / "x.ta").write_bytes(b"a TA")
    (tmp_path / "copies").mkdir()
    given = {UUID(int=1): tmp_path / "x.ta"}, None, tmp_path / "copies"
    assert "--storage" not in tee_workload(*given).argv
    development = tee_workload(*given, Keeping(Path("here")))
    assert development.argv[-2:] == ("--storage", "hub")
    kept = tee_workload(*given, Keeping(Path("there"), "ledger", KEY))
    assert kept.argv[-6:] == (
        "--storage", "hub", "--identity", "ledger", "--broker", KEY,
    )  # fmt: skip


def test_a_store_is_opened_for_one(tmp_path: Path) -> None:
    keeping = Keeping(tmp_path / "store")
    with keeping.open(), pytest.raises(ConfigError, match="in use"), keeping.open():
        pass
    with keeping.open() as held:
        assert held.names() == []
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="File exists"), Keeping(tmp_path / "file").open():
        pass
