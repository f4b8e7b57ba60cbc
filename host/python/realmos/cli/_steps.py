# SPDX-License-Identifier: BSD-3-Clause
"""How `realmos measure` shows steps and events, and where two predictions part."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from realmos.errors import ConfigError
from realmos.image import archive
from realmos.realm import Account, Comparison, Line

_WORDS = {
    "create": "RMI_REALM_CREATE",
    "table": "RMI_RTT_CREATE",
    "ripas": "RMI_RTT_INIT_RIPAS",
    "data": "RMI_DATA_CREATE",
    "unmeasured data": "RMI_DATA_CREATE, content not measured",
    "rec": "RMI_REC_CREATE",
    "activate": "RMI_REALM_ACTIVATE",
}


@dataclass(frozen=True)
class _Behind:
    """What lies behind a granule: a file, and the part of it from `start` on."""

    name: str
    start: int


def print_steps(found: Account, *, each: bool) -> None:
    """Print every command of an account with the RIM after it.

    Args:
        found: the account.
        each: a line for each command; else like ones in a row share one.
    """
    files = _Files(found)
    numbered = enumerate(found.lines)
    keyed = itertools.groupby(numbered, lambda entry: entry if each else files.key(entry[1]))
    for _, group in keyed:
        numbers, lines = zip(*group, strict=True)
        print(f"{numbers[0]}-{numbers[-1]}" if len(numbers) > 1 else numbers[0], files.show(lines))
        print(f"    RIM {lines[-1].rim}")


def print_comparison(one: Account, other: Account, found: Comparison) -> None:
    """Print where two accounts part, and what differs in the files."""
    if found.index is None:
        print(f"the same: {len(one.lines)} operations, RIM {one.rim}")
        return
    print(f"the builds part at operation {found.index}:")
    for name, side, line in zip("AB", (one, other), found.lines, strict=True):
        print(f"  {name}: {_show_line(side, line)}")
    for setting, left, right in found.settings:
        print(f"setting {setting}: {left or 'none'} → {right or 'none'}")
    for file in found.files:
        sizes = " and ".join("no" if size is None else str(size) for size in file.sizes)
        where = "byte" if file.exact else "the granule at byte"
        print(f"{file.what}: differs from {where} {file.offset:#x} on ({sizes} bytes)")
        for detail in file.details:
            print(f"    {detail}")


def _show_line(side: Account, line: Line | None) -> str:
    if line is None:
        return "has ended"
    return f"{_Files(side).show([line])}\n     RIM {line.rim}"


def _place(lines: Sequence[Line]) -> str:
    """Return the IPAs of some lines; a table's is where what it translates begins."""
    first, last = lines[0], lines[-1]
    if first.operation not in {"table", "ripas", "data", "unmeasured data"}:
        return ""
    return f"{first.ipa:#x} to {last.ipa + max(last.size, 1) - 1:#x}"


class _Files:
    """The files behind an account's granules; packed archives are told apart."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._parts = [list(_parts_of(account, number)) for number in range(len(account.files))]

    def key(self, line: Line) -> tuple[str, str, str]:
        """Return what lines that are shown together have in common."""
        return line.operation, line.detail, self._part(line)

    def show(self, lines: Sequence[Line]) -> str:
        """Return what lines of one key do, and what is behind them."""
        first, last = lines[0], lines[-1]
        behind = first.detail
        if first.file >= 0:
            end = min(last.offset + last.size, self._account.files[first.file].size)
            behind = f"{self._part(first)}, bytes {first.offset:#x} to {end - 1:#x}"
        return " ".join(filter(None, (_WORDS[first.operation], _place(lines), behind)))

    def _part(self, line: Line) -> str:
        if line.file < 0:
            return ""
        parts = [part.name for part in self._parts[line.file] if part.start <= line.offset]
        return parts[-1]


def _parts_of(account: Account, number: int) -> Iterator[_Behind]:
    file = account.files[number]
    starts: list[int] = []
    if file.what == "initramfs" and (data := file.read()):
        try:
            starts = archive.archives(data)
        except ConfigError:
            starts = []
    if len(starts) < 2:
        yield _Behind(file.what, 0)
        return
    for index, start in enumerate(starts, 1):
        yield _Behind(f"{file.what}, archive {index} of {len(starts)}", start)
