# SPDX-License-Identifier: BSD-3-Clause
"""Images that a user brings, on the command line and to the pytest plugin: used, or named.

Our own images, given as files with a byte added, stand for good ones: same code, another hash.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import realmos_abi
from realmos import process
from realmos.cache import Cache
from realmos.errors import ToolError
from realmos.firmware import Flash, build_firmware
from realmos.progress import Silent

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.qemu

BRANCH_TO_SELF = 0x14000000.to_bytes(4, "little")
REALMOS = [sys.executable, "-m", "realmos.cli"]
BARE_METAL = ["-nostdlib", "-static", "-Wl,--build-id=none", "-D__ASSEMBLER__"]
FACTS_OF_A_REALM = """
import json
from dataclasses import asdict

def test_it(realm_factory):
    with realm_factory(cold=True) as session:
        report = session.agent.report()
        facts = asdict(session.evidence()) | {
            "cpus": report.cpus,
            "memory": session.prepared.realms[0].config.memory,
            "rim_matches": session.evidence().rim_matches,
        }
        with open("facts.json", "w") as file:
            json.dump(facts, file)
        assert "on purpose" == ""
"""

Assemble = Callable[[str, int], Path]


@pytest.fixture
def assemble(top: Path, generated: Path, cross_compile: str, tmp_path: Path) -> Assemble:
    """Return a function that builds the raw image of a payload in assembly, for an address."""

    def build(name: str, address: int) -> Path:
        elf, image = tmp_path / f"{name}.elf", tmp_path / f"{name}.img"
        place = [f"-Wl,-Ttext={address:#x}", f"-Wl,-e,{name}_entry"]
        source = top / f"tests/payloads/{name}.S"
        gcc = f"{cross_compile}gcc"
        process.run([gcc, *BARE_METAL, *place, f"-I{generated}", "-o", elf, source])
        process.run([f"{cross_compile}objcopy", "-O", "binary", elf, image])
        return image

    return build


@pytest.fixture(scope="module")
def ours() -> Flash:
    """The firmware that is built here."""
    return build_firmware(Cache(), Silent())


@pytest.fixture
def nested(
    cache_path: Path, data_path: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A pytest in the pytest, with a home of its own but our cache and anchor."""
    monkeypatch.setenv("REALMOS_CACHE", str(cache_path))
    monkeypatch.setenv("REALMOS_DATA", str(data_path))
    return pytester


def with_a_byte_added(image: Path, folder: Path) -> Path:
    copy = folder / image.name
    copy.write_bytes(image.read_bytes() + b"\0")
    return copy


def realmos(*words: str | Path) -> str:
    return process.run([*REALMOS, *words], env=dict(os.environ))


def test_a_normal_world_without_realms_is_shown_and_told_what_is_missing(
    assemble: Assemble,
) -> None:
    image = assemble("normal_world", realmos_abi.load("platform")["QEMU_BL33_BASE"])
    with pytest.raises(ToolError, match="exit status 1") as caught:
        realmos("run", "--bl33", image, "--", "true")
    shown = str(caught.value)
    assert "realmos: the machine was powered off (stopped in: monitor)" in shown
    assert "A normal world at EL2 without realms." in shown
    assert "must start the realms" in shown
    assert "Traceback" not in shown


def test_a_monitor_brought_as_a_file_runs_the_workload(ours: Flash, tmp_path: Path) -> None:
    image = with_a_byte_added(ours.bl33.path, tmp_path)
    facts = json.loads(realmos("run", "--cold", "--json", "--bl33", image, "--", "true"))
    assert facts["status"] == 0
    assert facts["rim_matches"] is True


def test_the_plugins_options_shape_the_machine_and_its_report_shows_every_layer(
    ours: Flash, nested: pytest.Pytester
) -> None:
    image = with_a_byte_added(ours.rmm.path, nested.path)
    nested.makepyfile(FACTS_OF_A_REALM)
    options = ("--realm-rmm", str(image), "--realm-memory", "384", "--realm-vcpus", "2")
    result = nested.runpytest(*options)
    result.assert_outcomes(failed=1)
    facts = json.loads((nested.path / "facts.json").read_text("utf-8"))
    assert facts["rmm_sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()
    assert facts["rmm_origin"] == f"file {image}"
    assert (facts["cpus"], facts["memory"]) == (2, 384 << 20)
    assert facts["rim_matches"] is True
    result.stdout.fnmatch_lines(
        [
            "furthest layer: workload; QEMU's exit status: None",
            "--- BL31",
            "NOTICE:  BL31: *",
            "--- RMM",
            "RMM: ready: *",
            "--- monitor",
            "MON: realm 0 linux: running",
            "--- kernel",
            "init: ready*",
        ]
    )


def test_the_plugin_says_where_a_wrong_rmm_stopped_and_what_to_do(
    assemble: Assemble, nested: pytest.Pytester
) -> None:
    nested.makepyfile("def test_it(realm):\n    pass")
    result = nested.runpytest("--realm-rmm", str(assemble("other_rmm", 0)))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*BootError: *RMM speaks RMI 2.0*(stopped in: monitor)"])
    result.stdout.fnmatch_lines(["*- what to do *", "*realmos logs*"])


def test_the_plugin_gives_a_silent_rmm_up_in_the_time_it_is_told(
    nested: pytest.Pytester,
) -> None:
    (nested.path / "rmm.img").write_bytes(BRANCH_TO_SELF + bytes(8192))
    nested.makepyfile("def test_it(realm):\n    pass")
    result = nested.runpytest("--realm-rmm", "rmm.img", "--realm-boot-timeout", "10")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*did not answer within 10 s (stopped in: BL31)", "*NOTICE:  BL31: *"]
    )
    result.stdout.fnmatch_lines(["is the RMM image built for PLAT=qemu?*"])
