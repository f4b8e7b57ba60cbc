# SPDX-License-Identifier: BSD-3-Clause
"""Write the C headers of all ABI tables: `python -m realmos_abi OUTDIR` makes OUTDIR/abi/*.h."""

import sys
from pathlib import Path

from realmos_abi import Calls, Struct, Table, load, names

_C_TYPES = {
    "u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "u64": "uint64_t", "i64": "int64_t",
}  # fmt: skip


def _number(value: int) -> str:
    return f"({value})" if value < 0 else hex(value) if value > 9 else str(value)


def _struct(layout: Struct) -> list[str]:
    out = [f"/* {layout.name}: {layout.spec} */", f"struct {layout.c_name} {{"]
    at = 0
    for member in layout.members.values():
        if member.offset > at:
            out.append(f"\tuint8_t pad_{at:x}[{member.offset - at:#x}];")
        suffix = f"[{member.count}]" if member.count > 1 else ""
        out.append(f"\t{_C_TYPES[member.type]} {member.name}{suffix};")
        at = member.offset + member.size
    if at < layout.size:
        out.append(f"\tuint8_t pad_{at:x}[{layout.size - at:#x}];")
    out.append("};")
    out.append(
        f'_Static_assert(sizeof(struct {layout.c_name}) == {layout.size:#x}, "{layout.name}");'
    )
    out.extend(
        f"_Static_assert(offsetof(struct {layout.c_name}, {m.name}) == {m.offset:#x}, "
        f'"{layout.name}.{m.name}");'
        for m in layout.members.values()
    )
    return [*out, ""]


def _calls(calls: Calls, table: str) -> list[str]:
    out = [f"/* calls: {calls.spec} */"]
    out += [f"#define {calls.c_prefix}{name} {number}" for name, number in calls.numbers.items()]
    out += [
        "",
        "/* One line a call: [number] = { count, { { kind, size of the struct }, ... } } */",
    ]
    out.append(f"#define {table.upper()}_CALL_TABLE \\")
    lines = []
    for name, number in calls.numbers.items():
        arguments = [f"{{ {calls.kinds}{a.kind}, {a.size} }}" for a in calls.arguments[name]]
        lines.append(f"\t[{number}] = {{ {len(arguments)}, {{ {', '.join(arguments)} }} }},")
    return [*out, " \\\n".join(lines), ""]


def header(table: Table) -> str:
    """Return the C header of one table; constants are usable from assembly too."""
    out = [
        "/* SPDX-License-Identifier: BSD-3-Clause */",
        f"/* {table.title}. Generated from {table.name}.toml: do not edit. */",
        "#pragma once",
        "",
    ]
    for group in table.groups.values():
        out.append(f"/* {group.name}: {group.spec} */")
        out += [f"#define {group.c_prefix}{n} {_number(v)}" for n, v in group.values.items()]
        out.append("")
    for field in table.fields.values():
        out.append(f"#define {field.name}_SHIFT {field.shift}")
        out.append(f"#define {field.name}_MASK {field.mask:#x}")
    if table.calls:
        out += _calls(table.calls, table.name)
    if table.structs:
        out += ["", "#ifndef __ASSEMBLER__", "#include <stddef.h>", "#include <stdint.h>", ""]
        for layout in table.structs.values():
            out += _struct(layout)
        out.append("#endif")
    return "\n".join(out) + "\n"


def main(out: Path) -> None:
    """Write one header per table into `out`/abi, touching only those that change."""
    folder = out / "abi"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names():
        path = folder / f"{name}.h"
        text = header(load(name))
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
