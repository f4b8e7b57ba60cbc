# SPDX-License-Identifier: BSD-3-Clause
"""Measuring a first run, of a script that stands in for scripts/run and reaches no network."""

import time
from pathlib import Path

import pytest
from realmos import tree
from realmos.cache import Cache
from realmos.cli._bench_fetched import list_bytes, local_wheel_bytes, pip_bytes
from realmos.cli._bench_first_run import APT, REST, VENV, measure_first_run
from realmos.cli._stages import STAGES_VARIABLE, Stopwatch, read_stages, timed
from realmos.errors import ToolError
from realmos.progress import Silent

SCRIPT = """\
#!/bin/sh
set -eu
test ! -e build && test ! -e .git && test -z "${VIRTUAL_ENV-}"
test ! -e "$REALMOS_CACHE" && test ! -e "$REALMOS_STATE" && test ! -e "$REALMOS_DATA"
test ! -e "$PIP_CACHE_DIR"
echo "realmos: installing into build/venv" >&2
mkdir -p build/venv "$REALMOS_CACHE/files" "$PIP_CACHE_DIR/http/a"
head -c 1000 /dev/zero >"$REALMOS_CACHE/files/package"
head -c 200 /dev/zero >"$PIP_CACHE_DIR/http/a/wheel"
now=$(cut -d' ' -f1 /proc/uptime)
echo '{"title": "Building", "began": '"$now"', "ended": '"$now"'}' >>"$REALMOS_STAGES"
echo "hello, $REALMOS_DEBIAN_MIRROR"
"""
RELEASE = """\
MD5Sum:
 00112233445566778899aabbccddeeff 77 main/binary-arm64/Packages.xz
SHA256:
 {0} 9000 main/binary-arm64/Packages
 {0}  800 main/binary-arm64/Packages.gz
 {0}  700 main/binary-arm64/Packages.xz
 {0}   10 main/binary-arm64/Release
 {0}  500 main/source/Sources.xz
""".format("ab" * 32)


class Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with traces of use, from which this program seems to run."""
    top = tmp_path / "checkout"
    for name in ("scripts", "build/venv", ".git", "rmm"):
        (top / name).mkdir(parents=True)
    (top / "scripts/run").write_text(SCRIPT, "utf-8")
    (top / "scripts/run").chmod(0o755)
    monkeypatch.setattr(tree, "root", lambda: top)
    monkeypatch.setenv("VIRTUAL_ENV", str(top / "build/venv"))
    monkeypatch.setenv("REALMOS_CACHE", str(tmp_path / "warm"))
    monkeypatch.setenv("REALMOS_DEBIAN_MIRROR", "file:/mirror")
    return top


def test_a_first_run_is_of_the_script_itself_with_nothing_there(fresh: Path) -> None:
    # Within the checkout, where a copy of the copy must not be made.
    cache = Cache(fresh / "cache")
    notes = Notes()
    found = measure_first_run(cache, notes)
    assert notes.notes == ["realmos: installing into build/venv", "hello, file:/mirror"]
    assert list(found.stages) == [APT, VENV, "Building", REST]
    assert sum(found.stages.values()) == pytest.approx(found.seconds)
    assert found.downloaded == {"packages": 1000, "package lists": 0, "pip": 200}
    assert found.disk["cache"] >= 1000
    assert set(found.disk) == {
        "cache", "virtual environment", "checkout", "logs", "pip's cache",
    }  # fmt: skip
    assert found.not_counted[0] == "git clone"
    assert "this machine has them all" in found.not_counted[1]
    assert not list((cache.path / "tmp").iterdir())


def test_packages_that_apt_installs_meanwhile_are_named(fresh: Path) -> None:
    line = 'echo "realmos: installing gcc make" >&2\n'
    text = SCRIPT.replace("echo", f"{line}echo", 1)
    (fresh / "scripts/run").write_text(text, "utf-8")
    found = measure_first_run(Cache(fresh.parent / "cache"), Silent())
    assert found.stages[APT] > 0
    assert "(gcc make)" in found.not_counted[1]


def test_a_first_run_that_fails_shows_why_and_leaves_nothing(fresh: Path) -> None:
    (fresh / "scripts/run").write_text("#!/bin/sh\necho no network\nexit 3\n", "utf-8")
    cache = Cache(fresh.parent / "cache")
    with pytest.raises(ToolError, match="no network") as caught:
        measure_first_run(cache, Silent())
    assert "exit status 3" in str(caught.value)
    assert not list((cache.path / "tmp").iterdir())


def test_lists_count_as_they_were_transferred(tmp_path: Path) -> None:
    for index, stored in (("arm64", "binary-arm64_Packages.lz4"), ("source", "source_Sources")):
        lists = tmp_path / "apt" / index / "lists"
        (lists / "partial").mkdir(parents=True)
        (lists / "host_debian_dists_stable_InRelease").write_text(RELEASE, "utf-8")
        (lists / f"host_debian_dists_stable_main_{stored}").write_bytes(bytes(4000))
        (lists / "host_debian_dists_stable-backports_InRelease").write_text("empty\n", "utf-8")
    releases = 2 * (len(RELEASE) + len("empty\n"))
    assert list_bytes(tmp_path) == releases + 700 + 500


def test_a_list_that_its_release_does_not_declare_counts_as_it_is(tmp_path: Path) -> None:
    lists = tmp_path / "apt" / "arm64" / "lists"
    lists.mkdir(parents=True)
    (lists / "host_InRelease").write_text("empty\n", "utf-8")
    (lists / "host_main_odd_Packages.lz4").write_bytes(bytes(4000))
    assert list_bytes(tmp_path) == 4006


def test_wheels_from_this_disk_are_told_from_downloads(tmp_path: Path) -> None:
    wheel = tmp_path / "rich-1.0-py3-none-any.whl"
    wheel.write_bytes(bytes(300))
    log = tmp_path / "pip.log"
    row = "2026-01-01T00:00:00,000 "
    log.write_text(
        f"{row}Processing {tmp_path}\n{row}Processing {wheel}\n{row}  Processing {wheel}\n"
        f"{row}Processing /nowhere/gone-1.0.whl\n",
        "utf-8",
    )
    assert local_wheel_bytes(log) == 300
    assert local_wheel_bytes(tmp_path / "none") == 0
    (tmp_path / "http-v2").mkdir()
    (tmp_path / "http-v2" / "body").write_bytes(bytes(20))
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "made-here").write_bytes(bytes(9))
    assert pip_bytes(tmp_path) == 20


def test_outermost_pieces_of_work_are_written_down(tmp_path: Path) -> None:
    watch = Stopwatch(Silent(), tmp_path / "stages")
    before = time.monotonic()
    with watch.task("outer") as task, watch.task("inner"):
        task.update(done=1)
    with pytest.raises(KeyError), watch.task("failed"):
        raise KeyError
    stages = read_stages(tmp_path / "stages")
    assert [stage.title for stage in stages] == ["outer", "failed"]
    assert before <= stages[0].began <= stages[0].ended <= stages[1].began


def test_without_being_asked_nothing_is_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = Silent()
    monkeypatch.delenv(STAGES_VARIABLE, raising=False)
    assert timed(silent) is silent
    monkeypatch.setenv(STAGES_VARIABLE, str(tmp_path / "stages"))
    with timed(silent).task("work"):
        pass
    assert read_stages(tmp_path / "stages")[0].title == "work"
    assert read_stages(tmp_path / "none") == []
