# SPDX-License-Identifier: BSD-3-Clause
"""Where two accounts part: the first command that differs, and what differs in the files behind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from realmos.errors import ConfigError
from realmos.image import archive, fdt
from realmos.realm._account import Account, Line, SourceFile

_CHUNK = 1 << 16
_DETAILS_MAX = 8
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class FileDifference:
    """A file that is not the same on both sides.

    Attributes:
        what: which file.
        offset: of the first byte, or where that is not known the granule, that differs.
        exact: whether it is the byte.
        sizes: in bytes, of both; None where there is no such file.
        details: what is known about it, for people.
    """

    what: str
    offset: int
    exact: bool
    sizes: tuple[int | None, int | None]
    details: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """What two accounts differ in.

    Attributes:
        index: of the first command that differs; None when all are equal.
        lines: that command on both sides; None where a side has ended.
        settings: (name, one side's, the other's) of the settings that differ.
        files: those that differ.
    """

    index: int | None
    lines: tuple[Line | None, Line | None]
    settings: tuple[tuple[str, str, str], ...]
    files: tuple[FileDifference, ...]


def compare(one: Account, other: Account) -> Comparison:
    """Return what two accounts differ in; files are read again where they still are the same."""
    index = _first_difference(one.lines, other.lines)
    lines = (None, None) if index is None else (_at(one.lines, index), _at(other.lines, index))
    names = sorted({*one.settings, *other.settings})
    left, right = one.settings, other.settings
    settings = [(name, left.get(name, ""), right.get(name, "")) for name in names]
    if one.image != other.image:
        settings.insert(0, ("image", one.image, other.image))
    return Comparison(
        index,
        lines,
        tuple(entry for entry in settings if entry[1] != entry[2]),
        tuple(_file_differences(one, other)),
    )


def _at(lines: Sequence[Line], index: int) -> Line | None:
    return lines[index] if index < len(lines) else None


def _identity(line: Line) -> tuple[object, ...]:
    """Return what makes a command the same.

    Which file is behind a granule does not matter, only what is in it.
    """
    return line.operation, line.ipa, line.size, line.detail, line.rim


def _first_difference(one: Sequence[Line], other: Sequence[Line]) -> int | None:
    """Return the first command that is another, or has another value after it."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if _identity(left) != _identity(right):
            return index
    return None if len(one) == len(other) else min(len(one), len(other))


def _file_differences(one: Account, other: Account) -> list[FileDifference]:
    left = {file.what: file for file in one.files}
    right = {file.what: file for file in other.files}
    found = []
    for what in dict.fromkeys((*left, *right)):
        if what not in left or what not in right:
            sizes = tuple(side[what].size if what in side else None for side in (left, right))
            found.append(
                FileDifference(what, 0, False, (sizes[0], sizes[1]), ("only on one side",))
            )
        elif left[what].sha256 != right[what].sha256:
            found.append(_file_difference(one, left[what], other, right[what]))
    return found


def _file_difference(
    one: Account, left: SourceFile, other: Account, right: SourceFile
) -> FileDifference:
    sizes = (left.size, right.size)
    here, there = left.read(), right.read()
    if here is None or there is None:
        offset = _first_granule(one, left, other, right)
        details = ["the file is not here any more: compared by granules"]
        if here is not None or there is not None:
            details += _name_member(left, here if here is not None else there or b"", offset)
        return FileDifference(left.what, offset, False, sizes, tuple(details))
    offset = _first_byte(here, there)
    explain = _EXPLAIN.get(left.what)
    try:
        lines = explain(here, there) if explain else []
    except ConfigError as error:
        lines = [str(error)]
    return FileDifference(left.what, offset, True, sizes, _shortened(lines))


def _first_granule(one: Account, left: SourceFile, other: Account, right: SourceFile) -> int:
    """Return the offset of the first granule with another hash; 0 if the hashes are different."""
    if one.settings.get("hash") != other.settings.get("hash"):
        return 0
    pairs = zip(_granules(one, left), _granules(other, right), strict=False)
    for (offset, content), (_, wanted) in pairs:
        if content != wanted:
            return offset
    return min(left.size, right.size)


def _granules(side: Account, file: SourceFile) -> list[tuple[int, str]]:
    number = side.files.index(file)
    return [(line.offset, line.content) for line in side.lines if line.file == number]


def _first_byte(one: bytes, other: bytes) -> int:
    shorter = min(len(one), len(other))
    for at in range(0, shorter, _CHUNK):
        left, right = one[at : at + _CHUNK], other[at : at + _CHUNK]
        if left != right:
            pairs = enumerate(zip(left, right, strict=False))
            return at + next((n for n, (a, b) in pairs if a != b), min(len(left), len(right)))
    return shorter


def _name_member(file: SourceFile, data: bytes, offset: int) -> list[str]:
    if file.what != "initramfs":
        return []
    try:
        return [f"about {archive.member_at(data, offset)}, in the one that is here"]
    except ConfigError as error:
        return [str(error)]


def _explain_tree(here: bytes, there: bytes) -> list[str]:
    return _changes(fdt.properties(here), fdt.properties(there), fdt.show)


def _explain_archive(here: bytes, there: bytes) -> list[str]:
    left, right = (
        {member.path: (member.mode, member.sha256) for member in archive.members(data)}
        for data in (here, there)
    )
    lines = _changes(left, right, lambda value: f"mode {value[0]:o}, SHA-256 {value[1][:16]}…")
    if not lines:
        return ["every file in it is the same: only the order or the packing differs"]
    return lines


def _changes(
    left: dict[str, _Value], right: dict[str, _Value], show: Callable[[_Value], str]
) -> list[str]:
    """Return a line for each name whose value is not the same, in their order."""
    lines = []
    for name in dict.fromkeys((*left, *right)):
        if name not in right:
            lines.append(f"{name}: {show(left[name])} → absent")
        elif name not in left:
            lines.append(f"{name}: absent → {show(right[name])}")
        elif left[name] != right[name]:
            lines.append(f"{name}: {show(left[name])} → {show(right[name])}")
    return lines


def _shortened(lines: Sequence[str]) -> tuple[str, ...]:
    if len(lines) <= _DETAILS_MAX:
        return tuple(lines)
    return (*lines[:_DETAILS_MAX], f"and {len(lines) - _DETAILS_MAX} more")


_EXPLAIN: dict[str, Callable[[bytes, bytes], list[str]]] = {
    "device tree": _explain_tree,
    "initramfs": _explain_archive,
}
