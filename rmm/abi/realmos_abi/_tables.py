# SPDX-License-Identifier: BSD-3-Clause
"""Reading of the ABI tables into frozen Python objects, with their consistency checks."""

import struct
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any

_FORMATS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i64": "q"}


@dataclass(frozen=True)
class Group:
    """A set of integer constants that belong together, such as one enumeration.

    `c_prefix` is what the C names of the constants begin with.
    """

    name: str
    spec: str
    c_prefix: str
    values: Mapping[str, int]


@dataclass(frozen=True)
class Bitfield:
    """The bits `msb` down to `lsb` of a word; `mask` and `shift` select them."""

    name: str
    spec: str
    msb: int
    lsb: int

    @property
    def shift(self) -> int:
        """Position of the lowest bit."""
        return self.lsb

    @property
    def mask(self) -> int:
        """The field's bits set, in place."""
        return ((1 << (self.msb - self.lsb + 1)) - 1) << self.lsb

    def get(self, word: int) -> int:
        """Return the field's value in `word`."""
        return (word & self.mask) >> self.lsb


@dataclass(frozen=True)
class Member:
    """One member of a struct: `count` elements of `type` at byte `offset`."""

    name: str
    offset: int
    type: str
    count: int

    @property
    def size(self) -> int:
        """Size in bytes."""
        return struct.calcsize(_FORMATS[self.type]) * self.count

    @property
    def format(self) -> str:
        """The little-endian `struct` format of the member."""
        if self.type == "u8" and self.count > 1:
            return f"<{self.count}s"
        return f"<{self.count}{_FORMATS[self.type]}"


@dataclass(frozen=True)
class Struct:
    """A memory layout of `size` bytes; what lies between members is zero."""

    name: str
    spec: str
    c_name: str
    size: int
    members: Mapping[str, Member]

    def pack(self, **values: int | bytes | tuple[int, ...]) -> bytes:
        """Return the layout's bytes with the given members set and all else zero.

        Raises:
            KeyError: a name is not a member.
            struct.error: a value does not fit its member.
        """
        out = bytearray(self.size)
        for name, value in values.items():
            member = self.members[name]
            parts = value if isinstance(value, tuple) else (value,)
            struct.pack_into(member.format, out, member.offset, *parts)
        return bytes(out)

    def unpack(self, data: bytes) -> dict[str, int | bytes | tuple[int, ...]]:
        """Return every member's value in `data`, which must be `size` bytes or more."""
        out: dict[str, int | bytes | tuple[int, ...]] = {}
        for member in self.members.values():
            values = struct.unpack_from(member.format, data, member.offset)
            out[member.name] = values[0] if len(values) == 1 else values
        return out


@dataclass(frozen=True)
class Argument:
    """One argument of a call: its kind, and the bytes of the struct that it points to or 0."""

    name: str
    kind: str
    size: int


@dataclass(frozen=True)
class Calls:
    """Numbered calls that are described by their arguments.

    `kinds` is the C prefix of the constants that number the kinds of arguments.
    """

    spec: str
    c_prefix: str
    kinds: str
    numbers: Mapping[str, int]
    arguments: Mapping[str, tuple[Argument, ...]]


@dataclass(frozen=True)
class Table:
    """All groups, bit fields, structs and calls of one TOML file."""

    name: str
    title: str
    groups: Mapping[str, Group]
    fields: Mapping[str, Bitfield]
    structs: Mapping[str, Struct]
    calls: Calls | None = None

    def __getitem__(self, c_name: str) -> int:
        """Return a constant by its full C name, for example `RMI_ERROR_RTT`."""
        try:
            return self._values[c_name]
        except KeyError:
            raise KeyError(f"{c_name} is not in the ABI table {self.name}") from None

    @cached_property
    def _values(self) -> Mapping[str, int]:
        return dict(self.constants())

    def constants(self) -> Iterator[tuple[str, int]]:
        """Yield each constant's full C name and value, in the table's order."""
        for group in self.groups.values():
            for name, value in group.values.items():
                yield group.c_prefix + name, value
        if self.calls:
            for name, number in self.calls.numbers.items():
                yield self.calls.c_prefix + name, number

    def name_of(self, group: str, value: int) -> str:
        """Return the full C name of `value` in `group`, or its number when it has none."""
        for name, known in self.groups[group].values.items():
            if known == value:
                return self.groups[group].c_prefix + name
        return str(value)


def _struct(name: str, raw: Mapping[str, object]) -> Struct:
    members: dict[str, Member] = {}
    end = 0
    raw_members = raw["members"]
    assert isinstance(raw_members, list)
    for item in raw_members:
        member = Member(item["name"], item["offset"], item["type"], item.get("count", 1))
        if member.offset < end:
            raise ValueError(f"{name}.{member.name} overlaps the member before it")
        end = member.offset + member.size
        members[member.name] = member
    size = raw["size"]
    assert isinstance(size, int)
    if end > size:
        raise ValueError(f"{name} is larger than its size")
    return Struct(name, str(raw["spec"]), str(raw["c_name"]), size, members)


def _argument(text: str, kinds: Mapping[str, int], structs: Mapping[str, Struct]) -> Argument:
    name, kind, *layout = text.split()
    if kind not in kinds:
        raise ValueError(f"{kind} is no kind of argument")
    if bool(layout) != kind.endswith("STRUCT"):
        raise ValueError(f"the argument {name} needs a struct exactly if its kind has one")
    return Argument(name, kind, structs[layout[0]].size if layout else 0)


def _calls(
    raw: Mapping[str, Any], groups: Mapping[str, Group], structs: Mapping[str, Struct]
) -> Calls:
    kinds = groups[raw["kinds"]]
    numbers = {name: item["number"] for name, item in raw["list"].items()}
    if len(set(numbers.values())) != len(numbers):
        raise ValueError("two calls have one number")
    arguments = {
        name: tuple(_argument(text, kinds.values, structs) for text in item["args"])
        for name, item in raw["list"].items()
    }
    return Calls(raw["spec"], raw["prefix"], kinds.c_prefix, numbers, arguments)


@cache
def load(name: str) -> Table:
    """Load the table `name` (the file's name without its ending).

    Raises:
        FileNotFoundError: there is no such table.
        ValueError: the table contradicts itself (overlapping members, a constant named twice).
    """
    text = resources.files("realmos_abi").joinpath(f"tables/{name}.toml").read_text("utf-8")
    raw = tomllib.loads(text)
    groups = {
        key: Group(key, item["spec"], item.get("prefix", ""), item["values"])
        for key, item in raw.get("group", {}).items()
    }
    fields = {
        key: Bitfield(key, spec, bits[0], bits[-1])
        for spec, items in ((f["spec"], f["bits"]) for f in raw.get("field", []))
        for key, bits in items.items()
    }
    structs = {key: _struct(key, item) for key, item in raw.get("struct", {}).items()}
    calls = _calls(raw["calls"], groups, structs) if "calls" in raw else None
    table = Table(name, raw["title"], groups, fields, structs, calls)
    seen = [constant for constant, _ in table.constants()]
    if len(set(seen)) != len(seen):
        raise ValueError(f"a constant is named twice in the ABI table {name}")
    return table


def names() -> list[str]:
    """Return the names of all tables, sorted."""
    files = resources.files("realmos_abi").joinpath("tables").iterdir()
    return sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))
