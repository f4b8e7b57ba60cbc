# SPDX-License-Identifier: BSD-3-Clause
"""Where a machine's files live: logs that outlast it, and sockets that do not.

<state>/runs/<time>-<pid>/   uart.log realm<r>.log qemu.log manifest.dtb plan<r>.bin run.json
<runtime>/realmos-<uid>-<pid>-…/  sockets, private to the user (mode 0700), removed with the
                                  machine, or with this process, however it ends
"""

import contextlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from realmos import process
from realmos.errors import ConfigError

_KEPT_RUNS = 8
_FACTS = "run.json"
_STARTED = "qemu.log"


@dataclass(frozen=True)
class RunDir:
    """The directories of one machine."""

    logs: Path
    sockets: Path
    _removal: process.Afterwards

    @classmethod
    def create(cls, state: Path | None = None) -> "RunDir":
        """Make the directories of a new machine and forget the oldest runs."""
        runs = (state or state_dir()) / "runs"
        runs.mkdir(parents=True, exist_ok=True, mode=0o700)
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        logs = Path(tempfile.mkdtemp(prefix=f"{stamp}-{os.getpid()}-", dir=runs))
        for old in sorted(p for p in runs.iterdir() if p.is_dir())[:-_KEPT_RUNS]:
            if not _in_use(old):
                shutil.rmtree(old, ignore_errors=True)
        sockets = _sockets()
        return cls(logs, sockets, process.Afterwards(["rm", "-rf", sockets]))

    def write_facts(self, facts: dict[str, object]) -> None:
        """Keep what `realmos logs` needs later: symbol files, components, names."""
        (self.logs / _FACTS).write_text(json.dumps(facts, indent=1, default=str), "utf-8")

    def remove_sockets(self) -> None:
        """Remove the sockets' directory."""
        self._removal.run()


def state_dir() -> Path:
    """Return where logs of past machines are kept (`REALMOS_STATE` overrides it)."""
    return Path(os.environ.get("REALMOS_STATE") or platformdirs.user_state_dir("realmos"))


def last_run(state: Path | None = None) -> Path:
    """Return the log directory of the newest machine that was started.

    Raises:
        ConfigError: there has been none.
    """
    runs = (state or state_dir()) / "runs"
    found = sorted(log.parent for log in runs.glob(f"*/{_STARTED}"))
    if not found:
        raise ConfigError("no machine has run yet", hint="realmos run SCRIPT.py")
    return found[-1]


def log_lines(path: Path) -> list[str]:
    """Return the lines of a log; none when nothing has been logged there."""
    return path.read_text("utf-8", "replace").splitlines() if path.is_file() else []


def facts(run: Path) -> dict[str, object]:
    """Return what was noted about a run; empty when its start did not come that far."""
    path = run / _FACTS
    loaded = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return loaded if isinstance(loaded, dict) else {}


def _sockets() -> Path:
    """Make a private directory for sockets, and remove those whose owner was killed."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    usable = runtime is not None and os.access(runtime, os.W_OK)
    parent = Path(runtime) if runtime and usable else Path(tempfile.gettempdir())
    prefix = f"realmos-{os.getuid()}-"
    for old in parent.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):  # others may be cleaning up, too
            if not _in_use(old) and old.lstat().st_uid == os.getuid():
                shutil.rmtree(old)
    return Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=parent))


def _in_use(run: Path) -> bool:
    """Whether the process that made the run (its pid is in the name) is still there."""
    _, _, pid, *_ = [*run.name.split("-"), "", ""]
    return pid.isdecimal() and Path("/proc", pid).exists()
