# SPDX-License-Identifier: BSD-3-Clause
"""The account of a prediction: each command that builds a realm, what is behind it, the RIM then.

It can be saved and read back, so that what two machines, or one on two days, would build can be
compared (`realmos.realm._compare`).
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from realmos.cache import sha256_file
from realmos.errors import ConfigError
from realmos.realm._build import Realm, mapped
from realmos.realm._plan import Activate, Data, InitRipas, Operation, RealmParams, Rec, RttCreate
from realmos.realm._rim import Step, steps

_FORMAT = "realmos-account-1"
_OPERATIONS = {"create", "table", "ripas", "data", "unmeasured data", "rec", "activate"}
_SMALL = 64 << 10
_Record = TypeVar("_Record", "SourceFile", "Line")


@dataclass(frozen=True)
class SourceFile:
    """A file that becomes measured memory.

    Attributes:
        what: `kernel`, `device tree`, `initramfs`.
        path: where it was, unless it is small; it may be gone or another by now.
        size: in bytes.
        sha256: hash of all of it.
        data: a small file's bytes, in hexadecimal; else empty.
    """

    what: str
    path: str
    size: int
    sha256: str
    data: str = ""

    def read(self) -> bytes | None:
        """Return the file's bytes, or None if they cannot be had any more."""
        if self.data:
            return bytes.fromhex(self.data)
        try:
            path = Path(self.path)
            return path.read_bytes() if sha256_file(path) == self.sha256 else None
        except OSError:
            return None


@dataclass(frozen=True, slots=True)
class Line:
    """A command: what it did to which IPAs, and the RIM after it.

    Attributes:
        operation: `create`, `table`, `ripas`, `data`, `unmeasured data`, `rec` or `activate`.
        ipa: where it begins, if it is about memory.
        size: bytes from there.
        file: index of the file behind a granule; -1 for none.
        offset: where in the file.
        detail: what else went into it.
        content: hash of the granule.
        rim: the value after it; the same as before when it is not measured.
    """

    operation: str
    ipa: int
    size: int
    file: int
    offset: int
    detail: str
    content: str
    rim: str


@dataclass(frozen=True)
class Account:
    """All commands that build a realm.

    Attributes:
        image: name of the image.
        settings: what was chosen about the realm: memory, vCPUs, hash, words appended.
        rim: what results, in hexadecimal.
        files: behind the measured memory.
        lines: the commands; none in a summary.
    """

    image: str
    settings: dict[str, str]
    rim: str
    files: tuple[SourceFile, ...] = ()
    lines: tuple[Line, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return it as `read_account` takes it back, after `json.dumps`."""
        names = [field.name for field in dataclasses.fields(Line)]
        return {
            "format": _FORMAT,
            "rim": self.rim,
            "image": self.image,
            "settings": self.settings,
            "files": [vars(file) for file in self.files],
            "steps": [{name: getattr(line, name) for name in names} for line in self.lines],
        }


def summary(realm: Realm) -> Account:
    """Return the account of a realm's prediction without its commands."""
    config = realm.config
    settings = {
        "memory": f"{config.memory >> 20} MiB",
        "vCPUs": str(config.vcpus),
        "hash": config.hash_algorithm,
        "appended": config.cmdline,
    }
    return Account(realm.image_name, settings, realm.rim.hex())


def account(realm: Realm) -> Account:
    """Return the account of a realm's prediction."""
    with mapped(realm.blobs) as views:
        lines = tuple(_line(step) for step in steps(realm.plan, views))
    assert lines[-1].rim == realm.rim.hex(), "a file was changed between two looks"
    files = tuple(_source(*named) for named in zip(realm.names, realm.blobs, strict=True))
    return dataclasses.replace(summary(realm), files=files, lines=lines)


def read_account(text: str, name: str) -> Account:
    """Return the account in a file that holds one.

    Args:
        text: the file's.
        name: the file's, for messages.

    Raises:
        ConfigError: it holds none.
    """
    try:
        return _parse(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ConfigError(
            f"{name} holds no steps of a measurement: {error}",
            hint=f"realmos measure --json > {name}",
        ) from error


def _parse(found: dict[str, object]) -> Account:
    if found["format"] != _FORMAT:
        raise ValueError("another format")
    files, rows, settings = found["files"], found["steps"], found["settings"]
    if not isinstance(files, list) or not isinstance(rows, list) or not isinstance(settings, dict):
        raise TypeError("files, steps or settings are none")
    sources = tuple(_checked(SourceFile(**file)) for file in files)
    lines = tuple(_checked(Line(**row)) for row in rows)
    if not lines or lines[-1].rim != found["rim"]:
        raise ValueError("no steps, or not those to its RIM")
    if not all(-1 <= line.file < len(sources) for line in lines):
        raise ValueError("a step of a file that is not there")
    if not {line.operation for line in lines} <= _OPERATIONS:
        raise ValueError("an unknown operation")
    if any(file.data and len(bytes.fromhex(file.data)) != file.size for file in sources):
        raise ValueError("a file with another size")
    chosen = {str(name): str(value) for name, value in settings.items()}
    return Account(str(found["image"]), chosen, lines[-1].rim, sources, lines)


def _checked(record: _Record) -> _Record:
    """Return the record, if its fields have their types.

    Raises:
        TypeError: one has another.
    """
    for field in dataclasses.fields(record):
        if type(getattr(record, field.name)) is not field.type:
            raise TypeError(f"{field.name} has another type")
    return record


def _line(step: Step) -> Line:
    kind, detail = _describe(step.operation)
    file, offset = -1, 0
    if isinstance(step.operation, Data):
        file = step.operation.blob
        offset = step.operation.offset + step.ipa - step.operation.ipa
    return Line(kind, step.ipa, step.size, file, offset, detail, step.content.hex(), step.rim.hex())


def _describe(operation: Operation | RealmParams) -> tuple[str, str]:
    """Return what a command is, and what of it is not in a line's other fields."""
    described = "activate", ""
    match operation:
        case RealmParams():
            values = vars(operation).items()
            measured = (f"{name}={value:#x}" for name, value in values if name[:3] != "rtt")
            described = "create", " ".join(measured)
        case RttCreate(_, level):
            described = "table", f"level={level}, not measured"
        case InitRipas():
            described = "ripas", ""
        case Data(measure=measure):
            described = "data" if measure else "unmeasured data", ""
        case Rec(mpidr, True, pc, gprs):
            words = ",".join(f"{value:#x}" for value in gprs)
            described = "rec", f"mpidr={mpidr:#x} (not measured) runnable pc={pc:#x} gprs={words}"
        case Rec(mpidr):
            described = "rec", f"mpidr={mpidr:#x} not runnable, not measured"
        case Activate():
            pass
    return described


def _source(what: str, path: Path) -> SourceFile:
    size = path.stat().st_size
    data = path.read_bytes().hex() if size <= _SMALL else ""
    return SourceFile(what, "" if data else str(path), size, sha256_file(path), data)
