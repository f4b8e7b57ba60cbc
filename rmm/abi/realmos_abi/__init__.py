# SPDX-License-Identifier: BSD-3-Clause
"""Every ABI number of the project, loaded from the TOML tables beside this module.

A table is one TOML file. It holds named *groups* of integer constants, *fields* (bit ranges of a
register or flag word), *structs* (memory layouts) and *calls* (numbers with the kinds of their
arguments), each with the section of the specification that it comes from. `emit` turns the same
tables into C headers, so a number is written once.
"""

from realmos_abi._tables import (
    Argument,
    Bitfield,
    Calls,
    Group,
    Member,
    Struct,
    Table,
    load,
    names,
)

__all__ = [
    "Argument",
    "Bitfield",
    "Calls",
    "Group",
    "Member",
    "Struct",
    "Table",
    "load",
    "names",
]
