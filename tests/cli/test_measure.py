# SPDX-License-Identifier: BSD-3-Clause
"""`realmos measure` on the default image: what a run measures, and what it knows."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from realmos.cache import Cache
from realmos.image import archive, build_image
from realmos.progress import Silent

if TYPE_CHECKING:
    from tests.cli.conftest import Command

pytestmark = pytest.mark.qemu

OPTIONS = ("--vcpus", "2", "--memory", "768M", "--hash", "sha-512")


def checks(nodes: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every check of a verdict by its name."""
    for node in nodes:
        yield node["name"], node
        yield from checks(node.get("children", []))


def test_a_prediction_is_what_a_run_measures(command: "Command") -> None:
    job = command.home / "job.py"
    job.write_text("import sys; print(open(sys.argv[1]).read())\n")
    words = ("-e", "MODE=fast", "--put", f"{job}:/data/in", str(job), "/data/in")
    predicted = command.run("measure", "--json", *OPTIONS, *words)
    assert predicted.returncode == 0, predicted.stderr
    done = command.run("run", "--json", "--cold", *OPTIONS, *words)
    assert done.returncode == 0, done.stderr
    expected, measured = json.loads(predicted.stdout), json.loads(done.stdout)
    assert expected["rim"] == measured["rim"]
    found = dict(checks(measured["verdict"]["checks"]))
    assert found["realm.rim"]["found"].startswith(expected["rim"])
    assert found["realm.rem1"]["found"] == expected["rem1"]


def test_all_files_of_the_initramfs_are_found_in_it() -> None:
    data = build_image("linux", Cache(), Silent()).initrd.path.read_bytes()
    assert len(archive.archives(data)) == 2
    paths = [member.path for member in archive.members(data)]
    assert {"init", "usr/bin/python3", "usr/bin/busybox"} <= set(paths)
    assert any(path.startswith("usr/lib/realmos/realmos_agent/") for path in paths)
    assert archive.member_at(data, len(data) // 2) in paths
