# SPDX-License-Identifier: BSD-3-Clause
"""What a newcomer's first run costs: scripts/run itself, from a fresh copy, with nothing cached."""

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from realmos import process, tree
from realmos.cache import Cache, disk_use
from realmos.cli._bench_fetched import list_bytes, local_wheel_bytes, package_bytes, pip_bytes
from realmos.cli._stages import STAGES_VARIABLE, read_stages
from realmos.errors import ConfigError
from realmos.progress import Reporter

_SCRIPT = Path("scripts", "run")
_NOT_CLONED = {
    ".git", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv",
    "__pycache__", "build", "dist",
}  # fmt: skip
_OURS = "REALMOS_"
_MIRROR = "REALMOS_DEBIAN_MIRROR"
# What would let the copy's environment be this process's own, or pip go without its cache, from
# which it is seen what came over the network.
_FORGOTTEN = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PIP_NO_CACHE_DIR"}
_INSTALLING = "realmos: installing "
_INTO = f"{_INSTALLING}into "

APT = "Debian packages"
VENV = "Virtual environment and pip"
REST = "Everything else: starting, the program, its evidence"


@dataclass(frozen=True)
class FirstRun:
    """What a first run cost.

    Args:
        seconds: in all.
        stages: seconds of each stage, which add up to `seconds`.
        downloaded: bytes as they were transferred, by what they are.
        disk: bytes on disk afterwards, by where they are.
        not_counted: what a newcomer may have to wait for or download besides.
    """

    seconds: float
    stages: dict[str, float]
    downloaded: dict[str, int]
    disk: dict[str, int]
    not_counted: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Return it for machines."""
        return {
            "seconds": self.seconds,
            "stages": self.stages,
            "downloaded": self.downloaded,
            "downloaded_in_all": sum(self.downloaded.values()),
            "disk": self.disk,
            "disk_in_all": sum(self.disk.values()),
            "not_counted": list(self.not_counted),
        }


def checkout() -> Path:
    """Return the checkout that realmos runs from.

    Raises:
        ConfigError: it runs from an installed wheel, which has no scripts.
    """
    top = tree.root()
    if not (top / _SCRIPT).is_file():
        raise ConfigError(
            f"a first run is one of {_SCRIPT}, which this installation does not have",
            hint="run scripts/bench --first-run in a checkout",
        )
    return top


def measure_first_run(cache: Cache, reporter: Reporter) -> FirstRun:
    """Run scripts/run of a fresh copy with empty caches, and remove all of it.

    Args:
        cache: it happens on this cache's file system; nothing of its content is used.
        reporter: progress, and told what the script prints.

    Raises:
        ConfigError: there is no checkout to copy.
        ToolError: the script fails.
    """
    source = checkout()
    with cache.scratch() as home, reporter.task("Running scripts/run for the first time"):
        places = _Places(home)
        _copy(source, places.top, without=cache.path)
        watch = _Watch(reporter)
        began = time.monotonic()
        process.run(
            [places.top / _SCRIPT],
            cwd=places.top,
            env=_environment(os.environ, places),
            on_line=watch.line,
            hint="does scripts/run work by itself?",
        )
        ended = time.monotonic()
        return FirstRun(
            seconds=ended - began,
            stages=_stages(watch, places, began, ended),
            downloaded=_downloaded(places),
            disk=_disk(places),
            not_counted=_not_counted(watch, places),
        )


@dataclass(frozen=True)
class _Places:
    """Where a first run has its files."""

    home: Path

    @property
    def top(self) -> Path:
        return self.home / "realmos"

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def state(self) -> Path:
        return self.home / "state"

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def pip_cache(self) -> Path:
        return self.home / "pip"

    @property
    def pip_log(self) -> Path:
        return self.home / "pip.log"

    @property
    def stages(self) -> Path:
        return self.home / "stages"


@dataclass
class _Watch:
    """Notes when the script said that it installs something."""

    reporter: Reporter
    packages: str = ""
    venv_began: float | None = None

    def line(self, text: str) -> None:
        self.reporter.note(text)
        if text.startswith(_INTO):
            self.venv_began = time.monotonic()
        elif text.startswith(_INSTALLING) and self.venv_began is None:
            self.packages = text.removeprefix(_INSTALLING)


def _copy(source: Path, target: Path, *, without: Path) -> None:
    """Copy what a clone would have."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        inside = {name for name in names if Path(folder, name) == without}
        return inside | (_NOT_CLONED & set(names))

    shutil.copytree(source, target, symlinks=True, ignore=ignored)


def _environment(outer: Mapping[str, str], places: _Places) -> dict[str, str]:
    kept = {
        name: value
        for name, value in outer.items()
        if name not in _FORGOTTEN and (name == _MIRROR or not name.startswith(_OURS))
    }
    return {
        **kept,
        "REALMOS_CACHE": str(places.cache),
        "REALMOS_STATE": str(places.state),
        "REALMOS_DATA": str(places.data),
        STAGES_VARIABLE: str(places.stages),
        "PIP_CACHE_DIR": str(places.pip_cache),
        "PIP_LOG": str(places.pip_log),
    }


def _stages(watch: _Watch, places: _Places, began: float, ended: float) -> dict[str, float]:
    """Return the seconds of each stage; what is in none of them is a row of its own."""
    stages = read_stages(places.stages)
    first = min((stage.began for stage in stages), default=ended)
    venv_began = first if watch.venv_began is None else watch.venv_began
    seconds = {APT: venv_began - began, VENV: first - venv_began}
    for stage in stages:
        seconds[stage.title] = seconds.get(stage.title, 0.0) + stage.ended - stage.began
    seconds[REST] = ended - began - sum(seconds.values())
    return seconds


def _downloaded(places: _Places) -> dict[str, int]:
    return {
        "packages": package_bytes(places.cache),
        "package lists": list_bytes(places.cache),
        "pip": pip_bytes(places.pip_cache),
    }


def _disk(places: _Places) -> dict[str, int]:
    venv = _on_disk(places.top / "build")
    return {
        "cache": _on_disk(places.cache),
        "virtual environment": venv,
        "checkout": _on_disk(places.top) - venv,
        "logs": _on_disk(places.state),
        "pip's cache": _on_disk(places.pip_cache),
    }


def _on_disk(path: Path) -> int:
    return disk_use(path) if path.exists() else 0


def _not_counted(watch: _Watch, places: _Places) -> tuple[str, ...]:
    wheels = local_wheel_bytes(places.pip_log)
    found = ["git clone"]
    if watch.packages:
        found.append(f"the download and disk use of what apt installed ({watch.packages})")
    else:
        found.append("Debian packages that scripts/run installs, for this machine has them all")
    if wheels:
        found.append(f"{wheels / 1e6:.1f} MB of wheels that pip found on this machine's disk")
    return tuple(found)
