# SPDX-License-Identifier: BSD-3-Clause
"""Where the anchor of an installation is kept: `<data>/anchor/development.json`.

The file is 0600 in a directory that is 0700. It appears whole or not at all, and once it is there
it is never written again: whatever is wrong with it is an error that says what to do, for another
anchor would make every policy that names the old one fail.
"""

import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import platformdirs
from realmos_abi import load

from realmos.anchor.development import RAK_ROOT_SIZE, DevelopmentAnchor, key_of, scalar
from realmos.errors import ConfigError

AnchorChoice = Literal["development", "sample"]
ANCHOR_CHOICES: Final[tuple[AnchorChoice, ...]] = ("development", "sample")
"""What a user can let a machine attest with: this installation's anchor, or TF-A's sample."""

_FORMAT = "realmos development anchor 1"
_SIZE_LIMIT = 4096
_ELSEWHERE = "set REALMOS_DATA to a directory of yours, or use --anchor sample"


def load_anchor(home: Path | None = None) -> DevelopmentAnchor:
    """Return the anchor of this installation; on first use it is made.

    Two processes that make it at once get the same one.

    Args:
        home: the directory for data; the user's (or `REALMOS_DATA`) when absent.

    Raises:
        ConfigError: it cannot be made or read, is not private to the user, or is no anchor.
    """
    path = (home or data_dir()) / "anchor" / "development.json"
    with _naming(path, "made"):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_private(path.parent, path.parent.stat(), "700")
        if not path.exists():
            _create(path, _write(DevelopmentAnchor.new()))
    with _naming(path, "read"):
        data = _read(path)
    try:
        return _parse(data)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(
            f"{path} is not the anchor that was kept there: {error}",
            hint=f"restore it; or move it away, and the next run makes a new anchor, which no "
            f"policy for the old one accepts: mv {path} {path}.broken",
        ) from error


def choose_anchor(choice: AnchorChoice) -> DevelopmentAnchor | None:
    """Return the anchor that a user chose; None for TF-A's sample, which anybody can forge.

    Raises:
        ConfigError: as `load_anchor`.
    """
    return load_anchor() if choice == "development" else None


def data_dir() -> Path:
    """Return where an installation keeps what must last (`REALMOS_DATA` overrides it)."""
    chosen = os.environ.get("REALMOS_DATA")
    return Path(chosen) if chosen else platformdirs.user_data_path("realmos")


@contextmanager
def _naming(path: Path, what: str) -> Iterator[None]:
    """Turn a failure of the system's into an error that names the anchor's file."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"the anchor {path} cannot be {what}: {error.strerror}", hint=_ELSEWHERE
        ) from error


def _require_private(path: Path, status: os.stat_result, mode: str) -> None:
    if status.st_uid != os.geteuid():
        raise ConfigError(f"{path} belongs to another user", hint=_ELSEWHERE)
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise ConfigError(
            f"others may have read the anchor's keys: {path} is open to them",
            hint=f"chmod {mode} {path}; if others use this machine, remove the anchor, too, and "
            f"the next run makes a new one",
        )


def _create(path: Path, data: bytes) -> None:
    """Make a file of the given content, private and whole, unless there is one by now."""
    descriptor, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)  # 0600
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 # pathlib opens no descriptors
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process came first: its one counts
            os.link(name, path)
    finally:
        os.unlink(name)  # noqa: PTH108 # as it came from tempfile


def _read(path: Path) -> bytes:
    """Return a private file's content."""
    # Without waiting, for a pipe in its place would never end.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 # pathlib opens no descriptors
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"the anchor {path} is not a file", hint=_ELSEWHERE)
        _require_private(path, status, "600")
        return file.read(_SIZE_LIMIT + 1)


def _write(anchor: DevelopmentAnchor) -> bytes:
    members = {
        "format": _FORMAT,
        "about": "private keys: whoever has them can forge what this installation attests",
        "cpak": scalar(anchor.cpak).hex(),
        "rak_root": anchor.rak_root.hex(),
        "instance_id": anchor.instance_id.hex(),
    }
    return json.dumps(members, indent=1).encode() + b"\n"


def _parse(data: bytes) -> DevelopmentAnchor:
    """Return the anchor that a file's content is.

    Raises:
        ValueError, KeyError, TypeError, RecursionError: it is none.
    """
    if len(data) > _SIZE_LIMIT:
        raise ValueError("it is too large")
    members = json.loads(data)
    if not isinstance(members, dict) or members.get("format") != _FORMAT:
        raise ValueError(f"it is not marked as {_FORMAT!r}")
    instance_id = bytes.fromhex(members["instance_id"])
    cca = load("attestation")
    kind = bytes([cca["CCA_INSTANCE_ID_TYPE"]])
    if len(instance_id) != cca["CCA_INSTANCE_ID_SIZE"] or instance_id[:1] != kind:
        raise ValueError("its instance identity has a wrong form")
    rak_root = bytes.fromhex(members["rak_root"])
    if len(rak_root) != RAK_ROOT_SIZE:
        raise ValueError("its secret has a wrong size")
    return DevelopmentAnchor(key_of(bytes.fromhex(members["cpak"])), rak_root, instance_id)
