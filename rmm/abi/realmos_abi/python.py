# SPDX-License-Identifier: BSD-3-Clause
"""Python modules of constants made from ABI tables, for code that cannot afford to read TOML.

The agent starts inside a realm on an emulated processor, where importing `tomllib` and this
package costs more than the agent itself. It imports a generated module, which is kept in the
tree and compared with its table by a test.

`python -m realmos_abi.python TABLE FILE` writes one.
"""

import sys
from pathlib import Path

from realmos_abi import Calls, Struct, Table, load


def _number(value: int) -> str:
    return f"0x{value:X}" if value > 9 else str(value)


def _format(layout: Struct) -> str:
    at = 0
    for member in layout.members.values():
        if member.offset != at:
            raise ValueError(f"{layout.name}.{member.name} does not follow the member before it")
        at += member.size
    if at != layout.size:
        raise ValueError(f"{layout.name} ends before its size")
    return "<" + "".join(
        member.format[1:] if member.count > 1 else member.format[2:]
        for member in layout.members.values()
    )


def _calls(calls: Calls, common: str) -> list[str]:
    prefix = calls.c_prefix.removeprefix(common)
    kinds = calls.kinds.removeprefix(common)
    out = ["", "# calls"]
    out += [f"{prefix}{name} = {_number(number)}" for name, number in calls.numbers.items()]
    out += ["", "# number: (name, ((argument, kind, size of its struct), ...))", "# fmt: off"]
    out.append("CALLS: dict[int, tuple[str, tuple[tuple[str, int, int], ...]]] = {")
    for name, number in calls.numbers.items():
        out.append(f'    {number}: ("{name.lower()}", (')
        out += [f'        ("{a.name}", {kinds}{a.kind}, {a.size}),' for a in calls.arguments[name]]
        out.append("    )),")
    return [*out, "}", "# fmt: on"]


def module(table: Table) -> str:
    """Return the source of a module with all constants of `table`, without their common prefix.

    A struct becomes NAME_FORMAT and NAME_SIZE for the `struct` module; it must have no gaps. The
    calls become constants and the dict CALLS, which describes each by its arguments.

    Raises:
        ValueError: a struct has a gap.
    """
    out = [
        "# SPDX-License-Identifier: BSD-3-Clause",
        f'"""{table.title}.',
        "",
        f"Generated from the ABI table {table.name}: do not edit.",
        '"""',
    ]
    common = table.name.upper() + "_"
    for group in table.groups.values():
        out += ["", f"# {group.name}"]
        prefix = group.c_prefix.removeprefix(common)
        out += [f"{prefix}{name} = {_number(value)}" for name, value in group.values.items()]
    for layout in table.structs.values():
        name = layout.c_name.removeprefix(table.name + "_").upper()
        out += ["", f"# {layout.name}"]
        out += [f'{name}_FORMAT = "{_format(layout)}"', f"{name}_SIZE = {_number(layout.size)}"]
    if table.calls:
        out += _calls(table.calls, common)
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(module(load(sys.argv[1])), "utf-8")
