# SPDX-License-Identifier: BSD-3-Clause
"""`realmos bench rmm` without a machine: what a console says, and what becomes of it."""

import io
import json
import re
from pathlib import Path

import pytest
from realmos.cache import Cache
from realmos.cli import _bench_rmm
from realmos.cli._bench_rmm import Cost, Measured, bench_rmm, make_table, read_costs
from realmos.cli._parser import make_parser
from realmos.errors import MachineError
from realmos.machine import MachineSpec, firmware_argv
from realmos.progress import Reporter, Silent
from rich.console import Console

CONSOLE = """\
NOTICE:  BL31: v2.12.1
RMM: ready: RMI 1.0 RSI 1.0
bench: PSCI_VERSION median 250 min 250 max 251 samples 32
bench: RMI_VERSION median 1500 min 1499 max 1600 samples 32
bench: RMI_DATA_CREATE:measured median 9000 min 8000 max 9999 samples 32
RMM: realm 33 active: rim sha-256 c0c6
bench: RSI_VERSION median 300 min 300 max 300 samples 32
bench: RSI_MEASUREMENT_EXTEND median 1400 min 1400 max 1400 samples 32
bench: RSI_ATTESTATION_TOKEN not offered
bench: end
"""


def printed(*measured: Measured) -> dict[str, list[str]]:
    """The table's cells by operation."""
    text = io.StringIO()
    Console(file=text, width=120).print(make_table(measured))
    cells = [re.split(r" *[│┃] *", line)[1:-1] for line in text.getvalue().splitlines()]
    return {row[0]: row[1:] for row in cells if len(row) > 2}


def rmm(name: str = "ours", *, times: int = 1, token: int | None = None) -> Measured:
    costs = read_costs(CONSOLE.splitlines())
    for operation, cost in costs.items():
        if cost is not None:
            costs[operation] = Cost(cost.median * times, cost.least, cost.most, cost.samples)
    if token is not None:
        costs["RSI_ATTESTATION_TOKEN"] = Cost(token, token, token, 2)
    return Measured(name, "ab" * 32, 4096, costs)


def test_costs_are_read_from_among_other_lines_in_their_order() -> None:
    costs = read_costs(CONSOLE.splitlines())
    assert list(costs) == [
        "PSCI_VERSION", "RMI_VERSION", "RMI_DATA_CREATE:measured", "RSI_VERSION",
        "RSI_MEASUREMENT_EXTEND", "RSI_ATTESTATION_TOKEN",
    ]  # fmt: skip
    assert costs["RMI_VERSION"] == Cost(1500, 1499, 1600, 32)
    assert costs["RSI_ATTESTATION_TOKEN"] is None


def test_program_that_gives_up_says_what_it_could_not_measure() -> None:
    lines = ["bench: Bail out! RMI_RTT_FOLD: answer 0x304"]
    with pytest.raises(MachineError, match="RMI_RTT_FOLD: answer 0x304"):
        read_costs(lines)


def test_one_rmm_is_shown_with_and_without_the_way_to_it() -> None:
    cells = printed(rmm())
    assert cells["RMI_VERSION"] == ["1500", "", "1600"]
    assert cells["RMI_DATA_CREATE:measured"] == ["9000", "7500", "9999"]
    assert cells["RSI_MEASUREMENT_EXTEND"] == ["1400", "1100", "1400"]
    assert cells["RSI_ATTESTATION_TOKEN"] == ["not offered", "", ""]


def test_two_rmms_stand_side_by_side_with_their_ratio() -> None:
    cells = printed(rmm(), rmm("a/other.bin", times=2, token=6_000_000))
    assert cells["operation"] == ["ours", "a/other.bin", "to ours"]
    assert cells["RMI_VERSION"] == ["1500", "3000", "2.00"]
    assert cells["RSI_ATTESTATION_TOKEN"] == ["not offered", "6000000", ""]


def test_json_has_every_figure_of_every_rmm(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(image: Path | None, cache: Cache, reporter: Reporter) -> Measured:
        del cache, reporter
        return rmm() if image is None else rmm(str(image), times=3)

    monkeypatch.setattr(_bench_rmm, "_measure", measure)
    bench_rmm([Path("other.bin")], Cache(), Silent(), as_json=True)
    made = json.loads(capsys.readouterr().out)
    assert made["floor"] == "RMI_VERSION"
    assert [each["name"] for each in made["rmms"]] == ["ours", "other.bin"]
    assert made["rmms"][1]["costs"]["RMI_VERSION"]["median"] == 4500
    assert made["rmms"][0]["costs"]["RSI_ATTESTATION_TOKEN"] is None


def test_options_name_the_images() -> None:
    parse = make_parser().parse_args
    assert parse(["bench", "rmm"]).rmm == []
    assert parse(["bench", "rmm", "--rmm", "a", "--rmm", "b"]).rmm == [Path("a"), Path("b")]


def test_machine_counts_instructions_on_one_pe(tmp_path: Path) -> None:
    spec = MachineSpec(("qemu",), tmp_path / "flash", (), logs=tmp_path, sockets=tmp_path)
    words = firmware_argv(spec, counting=True)
    assert words[words.index("-icount") + 1] == "shift=0,sleep=off"
    assert words[words.index("-smp") + 1] == "1"
    assert "-fw_cfg" not in words
