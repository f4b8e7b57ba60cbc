# SPDX-License-Identifier: BSD-3-Clause
"""Commands on a cache: what they say they built, what they build again, and two of them at once."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Command

pytestmark = pytest.mark.qemu

CLOSED_PORT = "127.0.0.1:9"
SHA256 = re.compile(r"[0-9a-f]{64}")
BUILDERS = ("make", "aarch64-linux-gnu-gcc", "gcc", "apt-get", "dpkg-deb")
"""What builds and downloads use."""
OUR_MAKEFILES = {"tree/rmm/Makefile", "tree/host/monitor/Makefile", "init/Makefile"}
"""The RMM's, the monitor's, and that of PID 1."""

OwnCache = Callable[..., Path]
Watched = Callable[..., Callable[[], list[str]]]


def entries(cache: Path) -> dict[str, int]:
    """Everything that was downloaded, built or saved, and when it was put there."""
    found = [path for part in ("files", "built", "apt") for path in (cache / part).glob("*")]
    found += (cache / "snapshots").glob("*/machine.ram")
    return {str(path): path.stat().st_mtime_ns for path in found}


def makefile_of(call: str) -> str:
    """What a call of make makes: its makefile below the directory that it works in, or TF-A."""
    found = re.search(r" -f \S+/realmos-[^/ ]+/(\S*Makefile) ", call)
    return found[1] if found else call


def test_build_tells_versions_and_hashes_of_all_that_it_made(command: "Command") -> None:
    done = command.run("build", "--json")
    assert done.returncode == 0
    made = json.loads(done.stdout)
    parts = made["firmware"]["components"]
    assert set(parts) == {"bl1", "bl2", "bl31", "rmm", "bl33"}
    for facts in (made["firmware"], *parts.values(), made["image"]["initramfs"]):
        assert SHA256.fullmatch(facts["sha256"])
    assert all(facts["version"] and facts["origin"] for facts in parts.values())
    measured = {
        each["type"]: each["measurement"] for each in made["firmware"]["components_measured"]
    }
    names = {"AP_BL1": "bl1", "AP_BL2": "bl2", "AP_BL31": "bl31", "RMM": "rmm"}
    assert measured == {kind: parts[name]["sha256"] for kind, name in names.items()}
    assert made["firmware"]["anchor"]["kind"] == "development"
    assert made["image"]["name"] == "linux"
    assert made["image"]["kernel"]["release"] in made["image"]["kernel"]["origin"]
    assert made["image"]["packages"]["busybox"]
    for what in ("firmware", "image"):
        assert json.loads(command.run("build", what, "--json").stdout) == {what: made[what]}
    table = command.run("build").stdout
    hashes = [facts["sha256"] for facts in (*parts.values(), made["image"]["kernel"])]
    assert [digest for digest in hashes if digest[:16] not in table] == []


def test_a_second_run_builds_and_downloads_nothing(
    command: "Command", own_cache: OwnCache, watched: Watched
) -> None:
    cache = own_cache()
    assert command.run("run", "--", "echo", "first").returncode == 0
    before = entries(cache)
    calls = watched(*BUILDERS, forbidden=True)
    command.environment["REALMOS_DEBIAN_MIRROR"] = f"http://{CLOSED_PORT}/debian"
    done = command.run("run", "--json", "--", "echo", "second")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["restored"] is True
    assert done.stderr == "second\n"
    assert entries(cache) == before
    assert calls() == []


@pytest.mark.parametrize(
    "without",
    [
        "rmm monitor flash initramfs",
        pytest.param("*", marks=[pytest.mark.exhaustive, pytest.mark.timeout(3600)]),
    ],
)
def test_two_runs_at_once_on_a_cold_cache_build_everything_once(
    command: "Command", own_cache: OwnCache, watched: Watched, without: str
) -> None:
    cache = own_cache(without=without)
    calls = watched("make")
    both = [command.start("run", "--", "echo", name) for name in ("one", "two")]
    for child, name in zip(both, ("one", "two"), strict=True):
        done = command.finish(child)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"{name}\n")
    made = Counter(makefile_of(call) for call in calls())
    assert made.keys() >= OUR_MAKEFILES
    assert set(made.values()) == {1}, made
    assert list((cache / "tmp").iterdir()) == []
    assert command.left_over() == []
    before = entries(cache)
    assert command.run("build").returncode == 0  # what is not whole is found by hash, and built
    assert entries(cache) == before
