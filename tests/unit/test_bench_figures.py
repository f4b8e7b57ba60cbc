# SPDX-License-Identifier: BSD-3-Clause
"""`realmos bench boot` without a machine: statistics, tables, JSON, and what is compared."""

import io
import itertools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from realmos import tree
from realmos.cache import Cache
from realmos.cli import _bench, _bench_machines, _bench_sizes
from realmos.cli._bench_figures import COLD, PLAIN, RESTORED, Figures
from realmos.cli._bench_first_run import FirstRun
from realmos.cli._bench_machines import Machines
from realmos.cli._bench_sizes import code_of, lines_of_code
from realmos.cli._parser import make_parser
from realmos.errors import ConfigError, MachineError
from realmos.image import Image
from realmos.image import recipe as recipes
from realmos.image.devicetree import UART, render_cmdline
from realmos.machine import MachineSpec, RunDir, argv, place_realms, plain_argv
from realmos.progress import Silent
from realmos.realm import Plan, Realm, RealmConfig, RealmParams
from realmos.session import Options, Prepared
from rich.console import Console

SECONDS = {COLD: [9.0, 6.0, 6.5], PLAIN: [4.0, 2.0, 3.0], RESTORED: [1.3, 0.9, 1.0]}
FIRST = FirstRun(
    seconds=60.0,
    stages={"Building TF-A": 40.5, "[odd] title": 19.5},
    downloaded={"packages": 100_000_000, "pip": 1_500_000},
    disk={"cache": 500_000_000},
    not_counted=("git clone",),
)
LINES = {"rmm": {"C": 4000, "assembly": 400}, "shared": {"C": 700, "assembly": 23}}


def figures(first: FirstRun | None = None) -> Figures:
    sizes = {"rmm": 40960, "kernel": 30_000_000}
    return Figures(Options(), SECONDS, sizes, LINES, first)


def printed(made: Figures) -> str:
    text = io.StringIO()
    made.print(Console(file=text, width=100))
    return text.getvalue()


def row(text: str, title: str) -> list[str]:
    line = next(line for line in text.splitlines() if title in line)
    return re.split(r" *[│┃] *", line)[1:-1]


def test_ratios_are_those_of_medians() -> None:
    made = figures()
    assert made.medians == {COLD: 6.5, PLAIN: 3.0, RESTORED: 1.0}
    assert made.ratios == {
        "cold_to_plain": pytest.approx(6.5 / 3.0),
        "restored_to_cold": pytest.approx(1.0 / 6.5),
    }


def test_a_single_run_is_its_own_median() -> None:
    made = replace(figures(), seconds={kind: [values[0]] for kind, values in SECONDS.items()})
    assert made.medians == {COLD: 9.0, PLAIN: 4.0, RESTORED: 1.3}
    assert ", 1 run " in printed(made)


def test_the_table_shows_each_kind_and_its_ratios() -> None:
    text = printed(figures())
    assert ", 3 runs " in text
    assert row(text, "realm, booted")[1:] == ["6.50", "6.00", "9.00", "2.17", "1.00"]
    assert row(text, "without RME")[1:] == ["3.00", "2.00", "4.00", "1.00", "0.46"]
    assert row(text, "restored")[1:] == ["1.00", "0.90", "1.30", "0.33", "0.15"]


def test_the_table_shows_bytes_and_lines() -> None:
    text = printed(figures())
    assert row(text, "rmm") == ["rmm", "40,960", "4,000", "400"]
    assert row(text, "in both") == ["in both", "", "700", "23"]
    assert row(text, "│ kernel") == ["kernel", "30,000,000", "", ""]
    assert "scripts/run" not in text


def test_the_table_of_a_first_run_says_what_it_leaves_out() -> None:
    text = printed(figures(FIRST))
    assert row(text, "[odd] title") == ["[odd] title", "19.5", ""]
    assert row(text, "in all")[:2] == ["in all", "60.0"]
    assert row(text, "downloaded, in all")[2] == "101.5"
    assert row(text, "disk, in all")[2] == "500.0"
    assert "Not counted: git clone" in text


def test_json_has_every_figure_under_a_name_of_its_own() -> None:
    made = json.loads(json.dumps(figures().as_json()))
    assert made == {
        "image": "linux",
        "memory": 512 << 20,
        "vcpus": 1,
        "count": 3,
        "seconds": SECONDS,
        "medians": {COLD: 6.5, PLAIN: 3.0, RESTORED: 1.0},
        "ratios": figures().ratios,
        "bytes": {"rmm": 40960, "kernel": 30_000_000},
        "lines": LINES,
        "first_run": None,
    }


def test_json_of_a_first_run_has_sums() -> None:
    made = json.loads(json.dumps(figures(FIRST).as_json()))["first_run"]
    assert made["stages"] == FIRST.stages
    assert made["downloaded_in_all"] == 101_500_000
    assert made["disk_in_all"] == 500_000_000
    assert made["not_counted"] == ["git clone"]


def test_kinds_take_turns() -> None:
    ticks = itertools.count()

    def measure() -> float:
        return float(next(ticks))

    found = _bench.interleaved(dict.fromkeys("abc", measure), 2, Silent())
    assert found == {"a": [0.0, 3.0], "b": [1.0, 4.0], "c": [2.0, 5.0]}


@dataclass
class Sessions:
    """In place of `realmos.session`: machines that boot in 8 s and are restored in 1 s."""

    prepared: Prepared
    snapshot: bool = True
    started: list[Options] = field(default_factory=list)

    def prepare(self, *_: object, **__: object) -> Prepared:
        return self.prepared

    @contextmanager
    def running(self, options: Options, *_: object) -> Iterator[SimpleNamespace]:
        self.started.append(options)
        restored = self.snapshot and not options.cold
        yield SimpleNamespace(
            restored=restored,
            booted_because="" if restored else "its snapshot is gone",
            seconds_to_answer=1.0 if restored else 8.0,
        )


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sessions:
    """Every machine is a stand-in; the one without RME answers after 4 s."""
    for name in ("REALMOS_CACHE", "REALMOS_STATE", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    sessions = Sessions(cast("Prepared", SimpleNamespace(options=Options(image="small"))))
    monkeypatch.setattr(_bench, "sessions", sessions)
    monkeypatch.setattr(_bench_machines, "sessions", sessions)
    monkeypatch.setattr(Machines, "plain", lambda _: 4.0)
    monkeypatch.setattr(_bench, "sizes", lambda _: {"rmm": 4096})
    return sessions


def bench(words: str) -> int:
    arguments = make_parser().parse_args(["bench", "boot", *words.split()])
    status: int = arguments.command(arguments)
    return status


def test_the_command_prints_json_alone(faked: Sessions, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("--image small --vcpus 2 --count 2 --json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["seconds"] == {COLD: [8.0, 8.0], PLAIN: [4.0, 4.0], RESTORED: [1.0, 1.0]}
    assert made["ratios"] == {"cold_to_plain": 2.0, "restored_to_cold": 0.125}
    assert (made["image"], made["vcpus"], made["count"]) == ("small", 2, 2)
    assert made["first_run"] is None
    assert [options.cold for options in faked.started] == [False, True, False, True, False]


def test_the_command_prints_tables(
    faked: Sessions, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_bench, "measure_first_run", lambda *_: FIRST)
    assert bench("--count 1 --first-run") == 0
    text = capsys.readouterr().out
    assert row(text, "without RME")[1] == "4.00"
    assert row(text, "Building TF-A")[1] == "40.5"
    assert len(faked.started) == 3


def test_a_boot_is_not_passed_off_as_a_restore(faked: Sessions) -> None:
    faked.snapshot = False
    with pytest.raises(MachineError, match="restored: its snapshot is gone"):
        bench("--count 1")


def test_a_first_run_without_scripts_is_refused_before_anything_is_measured(
    faked: Sessions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "root", lambda: tmp_path)
    with pytest.raises(ConfigError, match="scripts/run") as caught:
        bench("--first-run")
    assert "checkout" in caught.value.hint
    assert faked.started == []


@pytest.mark.parametrize("words", ["bench", "bench disk", "bench boot --count 1.5", "bench boot x"])
def test_words_that_name_no_measurement_are_refused(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        make_parser().parse_args(words.split())
    assert caught.value.code == 2
    assert "error: " in capsys.readouterr().err


def spec(config: RealmConfig) -> MachineSpec:
    blobs = (Path("/images/kernel"),)
    realm = Realm(config, "linux", blobs, Plan(RealmParams(), ()), b"rim", 0x40000000)
    return MachineSpec(
        qemu=("qemu-system-aarch64",),
        flash=Path("/flash.bin"),
        realms=place_realms((realm,)),
        logs=Path("/logs"),
        sockets=Path("/run"),
    )


def options_of(words: list[str], *names: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in itertools.pairwise(words) if name in names]


def test_both_machines_have_the_same_processors_devices_and_accelerator() -> None:
    made = spec(RealmConfig(vcpus=2, memory=384 << 20))
    ours = argv(made)
    plain = plain_argv(made, kernel=Path("/k"), initrd=Path("/i"), cmdline="words")
    names = ("-smp", "-accel", "-global", "-chardev", "-device", "-serial", "-qmp")
    assert options_of(plain, *names) == options_of(ours, *names)
    assert ("-smp", "2") in itertools.pairwise(plain)
    assert ("-m", "384M") in itertools.pairwise(plain)
    (cpu,) = options_of(ours, "-cpu")
    assert options_of(plain, "-cpu") == [("-cpu", cpu[1].replace(",x-rme=on", ""))]
    assert plain[plain.index("-append") + 1] == "words"


@pytest.mark.parametrize("name", ["linux", "small"])
def test_both_kernels_get_the_same_command_line_but_for_the_uarts_address(name: str) -> None:
    recipe = recipes.load(name)
    image = Image(recipe, *[cast("Any", None)] * 3)
    plain = image.plain_cmdline("realmos.test=1 debug")
    realms = render_cmdline(recipe.boot, extra="realmos.test=1 debug", earlycon=UART)
    assert "earlycon=pl011,mmio32,0x9000000 " in plain
    assert plain.replace("0x9000000", f"{UART:#x}") == realms


class Stopped(Exception):  # noqa: N818 -- ends a test where the rest is QEMU's
    """Raised instead of starting QEMU."""


def test_the_baseline_gets_the_words_that_are_appended_to_the_realms(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("REALMOS_STATE", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    config = RealmConfig(cmdline="realmos.test=1")
    file = SimpleNamespace(path=Path("/images/kernel"))
    image = SimpleNamespace(
        kernel=file, initrd=file, plain_cmdline=lambda extra: f"console=hvc0 {extra}"
    )
    prepared = SimpleNamespace(
        image=image, options=Options(realms=(config,)), spec=lambda _: spec(config)
    )
    commands: list[list[str]] = []

    def machine(_: MachineSpec, *, command: list[str]) -> None:
        commands.append(command)
        raise Stopped

    monkeypatch.setattr(_bench_machines, "Machine", machine)
    with pytest.raises(Stopped):
        Machines(cast("Prepared", prepared), Cache(tmp_path), Silent()).plain()
    assert commands[0][commands[0].index("-append") + 1] == "console=hvc0 realmos.test=1"
    assert not list(tmp_path.glob("realmos-*")), "sockets stayed behind"


@pytest.mark.parametrize(
    ("image", "makefile"), [("rmm", "rmm/Makefile"), ("monitor", "host/monitor/Makefile")]
)
def test_the_code_that_is_counted_is_the_code_that_is_built(
    image: str, makefile: str, top: Path
) -> None:
    built = " ".join((top / makefile).read_text("utf-8").split())
    sources = [path for path in code_of(image) if path.suffix in {".c", ".S"}]
    programs = [path for path in sources if not path.name.endswith(".ld.S")]
    missing = [path.name for path in programs if not re.search(rf"\b{path.stem}\b", built)]
    assert len(programs) > 20
    assert missing == [], "counted, but not in the image"


def test_code_of_others_is_not_counted() -> None:
    counted = [path for image in ("rmm", "monitor", "shared") for path in code_of(image)]
    assert counted
    assert len(set(counted)) == len(counted)
    assert not [path for path in counted if path.name.startswith("fdt")]


def test_lines_are_counted_by_language(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tree, "root", lambda: tmp_path)
    files = {
        "rmm/src/a.c": 5, "rmm/src/core/a.h": 3, "rmm/src/core/b.S": 2, "rmm/rmm.ld.S": 4,
        "rmm/src/README": 7, "host/monitor/m.c": 11, "rmm/lib/src/l.c": 13,
    }  # fmt: skip
    for name, lines in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("line\n" * lines, "utf-8")
    assert lines_of_code() == {
        "rmm": {"C": 8, "assembly": 6},
        "monitor": {"C": 11, "assembly": 0},
        "shared": {"C": 13, "assembly": 0},
    }


def test_sizes_are_those_of_the_files_that_boot(tmp_path: Path) -> None:
    parts = {}
    for name, size in (("rmm", 4096), ("bl33", 8192), ("kernel", 10), ("initrd", 20)):
        (tmp_path / name).write_bytes(bytes(size))
        parts[name] = SimpleNamespace(path=tmp_path / name)
    flash = SimpleNamespace(rmm=parts["rmm"], bl33=parts["bl33"])
    image = SimpleNamespace(kernel=parts["kernel"], initrd=parts["initrd"])
    made = cast("Prepared", SimpleNamespace(flash=flash, image=image))
    assert _bench_sizes.sizes(made) == {
        "rmm": 4096, "monitor": 8192, "kernel": 10, "initramfs": 20,
    }  # fmt: skip


def test_sockets_are_removed_whatever_happens(
    faked: Sessions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    directory = RunDir.create()
    assert directory.sockets.parent == tmp_path
    monkeypatch.setattr(_bench, "RunDir", SimpleNamespace(create=lambda: directory))
    faked.snapshot = False
    with pytest.raises(MachineError):
        bench("--count 1")
    assert not directory.sockets.exists()
