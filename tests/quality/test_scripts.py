# SPDX-License-Identifier: BSD-3-Clause
"""The set-up of the scripts: installs what is missing and no more, and says what it cannot."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

# What the set-up itself runs; everything else on its PATH is a stand-in.
PROGRAMS = ("bash", "cat", "dirname", "mktemp", "rm", "tail", "uname")
STAND_INS = {
    "dpkg-query": 'case "${@: -1}" in have-*) printf installed ;; *) echo "no packages" ;; esac',
    "apt-get": 'echo "apt-get $*" >>"$CALLS"; echo "a line of apt"; exit "${APT_STATUS:-0}"',
    "sudo": 'echo "sudo" >>"$CALLS"; exec "$@"',
}  # fmt: skip
NOBODY = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]


@dataclass
class Bench:
    """A machine whose package manager is a stand-in that writes down its calls."""

    home: Path

    def install(self, *names: str, user: bool = False, **env: str) -> tuple[int, str, list[str]]:
        """Ask for packages; return exit status, stderr, and the calls that were made."""
        calls = self.home / "calls"
        calls.write_text("", "utf-8")
        calls.chmod(0o666)
        line = 'set -euo pipefail; source "$0"; install_packages "$@"'
        as_user = NOBODY if user and os.geteuid() == 0 else []
        done = subprocess.run(
            [*as_user, f"{self.home}/bin/bash", "-c", line, f"{self.home}/_setup.sh", *names],
            env={"PATH": str(self.home / "bin"), "CALLS": str(calls), **env},
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        return done.returncode, done.stderr, calls.read_text("utf-8").splitlines()


@pytest.fixture
def bench(top: Path) -> Iterator[Bench]:
    """Stand-ins in a directory that any user can read, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        home.chmod(0o755)
        (home / "bin").mkdir()
        shutil.copy(top / "scripts" / "_setup.sh", home)
        for program in PROGRAMS:
            found = shutil.which(program)
            assert found is not None
            (home / "bin" / program).symlink_to(found)
        for program, body in STAND_INS.items():
            path = home / "bin" / program
            path.write_text(f"#!{home}/bin/bash\n{body}\n", "utf-8")
            path.chmod(0o755)
        yield Bench(home)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="shows what root is given")


def test_nothing_is_installed_when_nothing_is_missing(bench: Bench) -> None:
    assert bench.install("have-one", "have-two") == (0, "", [])


@needs_root
def test_missing_packages_alone_are_installed(bench: Bench) -> None:
    status, said, calls = bench.install("have-one", "lack-two", "lack-three")
    assert status == 0
    assert "installing lack-two lack-three" in said
    assert calls == [
        "apt-get update",
        "apt-get install -y --no-install-recommends lack-two lack-three",
    ]


@needs_root
def test_failing_apt_shows_what_it_said(bench: Bench) -> None:
    status, said, calls = bench.install("lack-one", APT_STATUS="100")
    assert status == 1
    assert "a line of apt" in said
    assert "this command failed: apt-get update" in said
    assert calls == ["apt-get update"]


def test_user_uses_sudo_for_apt_alone(bench: Bench) -> None:
    status, _, calls = bench.install("lack-one", user=True)
    assert status == 0
    assert calls == [
        "sudo",
        "apt-get update",
        "sudo",
        "apt-get install -y --no-install-recommends lack-one",
    ]


def test_user_without_sudo_is_told_the_command(bench: Bench) -> None:
    (bench.home / "bin" / "sudo").unlink()
    status, said, calls = bench.install("have-one", "lack-two", user=True)
    assert status == 1
    assert "as root, run: apt-get install --no-install-recommends lack-two" in said
    assert calls == []


@pytest.mark.parametrize("name", ["scripts/run", "scripts/test", "scripts/bench", ".ci/run"])
def test_scripts_can_be_run_as_they_are(top: Path, name: str) -> None:
    path = top / name
    assert os.access(path, os.X_OK)
    assert path.read_text("utf-8").startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in path.read_text("utf-8")
