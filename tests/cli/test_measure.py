# SPDX-License-Identifier: BSD-3-Clause
"""`realmos measure` on the default image: what a run measures, and what it knows."""

import json
from typing import TYPE_CHECKING

import pytest
from realmos.cache import Cache
from realmos.image import archive, build_image
from realmos.progress import Silent

if TYPE_CHECKING:
    from tests.cli.conftest import Command

pytestmark = pytest.mark.qemu

OPTIONS = ("--vcpus", "2", "--memory", "768M", "--hash", "sha-512")


def test_a_prediction_is_what_a_run_measures(command: "Command") -> None:
    job = command.home / "job.py"
    job.write_text("print('hello')\n")
    predicted = command.run("measure", "--json", *OPTIONS, "linux", str(job))
    assert predicted.returncode == 0, predicted.stderr
    done = command.run("run", "--json", "--cold", *OPTIONS, str(job))
    assert done.returncode == 0, done.stderr
    assert json.loads(predicted.stdout)["rim"] == json.loads(done.stdout)["rim"]


def test_all_files_of_the_initramfs_are_found_in_it() -> None:
    data = build_image("linux", Cache(), Silent()).initrd.path.read_bytes()
    assert len(archive.archives(data)) == 2
    paths = [member.path for member in archive.members(data)]
    assert {"init", "usr/bin/python3", "usr/bin/busybox"} <= set(paths)
    assert any(path.startswith("usr/lib/realmos/realmos_agent/") for path in paths)
    assert archive.member_at(data, len(data) // 2) in paths
