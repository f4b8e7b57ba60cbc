# SPDX-License-Identifier: BSD-3-Clause
"""The generated C headers: they compile for both machines, and C sees what Python packs."""

import random
import subprocess
from pathlib import Path

import pytest
import realmos_abi
from realmos_abi import Member, Struct

WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wundef", "-Werror"]
BITS = {"u8": 8, "u16": 16, "u32": 32, "u64": 64, "i64": 64}
TABLES = realmos_abi.names()
STRUCTS = [
    (table, layout) for table in TABLES for layout in realmos_abi.load(table).structs.values()
]


def compile_c(argv: list[str | Path], source: str) -> None:
    """Compile a source text; fail with what the compiler printed."""
    done = subprocess.run(argv, input=source, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.fail(done.stderr, pytrace=False)


def includes() -> str:
    return "".join(f"#include <abi/{table}.h>\n" for table in TABLES)


@pytest.mark.parametrize("machine", ["native", "arm64"])
@pytest.mark.parametrize("language", ["c", "assembler-with-cpp"])
def test_headers_compile_together(
    generated: Path, cross_compile: str, machine: str, language: str
) -> None:
    prefix = cross_compile if machine == "arm64" else ""
    flags = ["-D__ASSEMBLER__"] if language != "c" else ["-ffreestanding", *WARNINGS]
    argv: list[str | Path] = [
        f"{prefix}gcc", *flags, f"-I{generated}", "-x", language, "-c", "-o", "/dev/null", "-",
    ]  # fmt: skip
    compile_c(argv, includes())


@pytest.mark.parametrize("table", TABLES)
def test_header_compiles_alone(generated: Path, table: str) -> None:
    argv: list[str | Path] = ["gcc", *WARNINGS, f"-I{generated}", "-fsyntax-only", "-x", "c", "-"]
    compile_c(argv, f"#include <abi/{table}.h>\nint not_empty;\n")


def random_value(member: Member, rng: random.Random) -> int | bytes | tuple[int, ...]:
    if member.type == "u8" and member.count > 1:
        return rng.randbytes(member.count)
    bits = BITS[member.type]
    low = -(1 << (bits - 1)) if member.type.startswith("i") else 0
    values = tuple(rng.randrange(low, low + (1 << bits)) for _ in range(member.count))
    return values if member.count > 1 else values[0]


def random_image(layout: Struct, rng: random.Random) -> bytes:
    return layout.pack(**{name: random_value(m, rng) for name, m in layout.members.items()})


@pytest.mark.parametrize("layout", [pytest.param(layout, id=layout.name) for _, layout in STRUCTS])
def test_pack_and_unpack_are_inverse(layout: Struct) -> None:
    rng = random.Random(layout.name)  # noqa: S311 -- test data
    values = {name: random_value(member, rng) for name, member in layout.members.items()}
    image = layout.pack(**values)
    assert len(image) == layout.size
    assert layout.unpack(image) == values
    assert layout.pack() == bytes(layout.size)


def reader(layout: Struct) -> str:
    """Return C statements that read one struct from stdin and print all its elements."""
    lines = ["{", f"\tstruct {layout.c_name} s;", "\tif (fread(&s, sizeof(s), 1, stdin) != 1)"]
    lines.append("\t\treturn 1;")
    lines.append('\tprintf("%zu", sizeof(s));')
    for member in layout.members.values():
        lines.append(f'\tprintf(" %zu", offsetof(struct {layout.c_name}, {member.name}));')
        element = f"s.{member.name}[i]" if member.count > 1 else f"s.{member.name}"
        print_it = f'printf(" %llx", (unsigned long long){element});'
        lines.append(f"\tfor (size_t i = 0; i < {member.count}; i++)\n\t\t{print_it}")
    return "\n".join([*lines, '\tprintf("\\n");', "}"])


def expected(layout: Struct, image: bytes) -> str:
    """Return the line that `reader`'s program must print for an image."""
    words = [str(layout.size)]
    for name, value in layout.unpack(image).items():
        member = layout.members[name]
        elements = [value] if isinstance(value, int) else list(value)
        words.append(str(member.offset))
        words += [f"{element & ((1 << 64) - 1):x}" for element in elements]
    return " ".join(words)


def test_c_reads_what_python_packs(generated: Path, tmp_path: Path) -> None:
    program = tmp_path / "layout"
    body = "\n".join(reader(layout) for _, layout in STRUCTS)
    source = f"#include <stdio.h>\n{includes()}int main(void)\n{{\n{body}\nreturn 0;\n}}\n"
    compile_c(["gcc", *WARNINGS, f"-I{generated}", "-x", "c", "-o", program, "-"], source)
    rng = random.Random("layout")  # noqa: S311 -- test data
    images = [random_image(layout, rng) for _, layout in STRUCTS]
    done = subprocess.run([program], input=b"".join(images), check=True, capture_output=True)
    lines = done.stdout.decode().splitlines()
    assert lines == [expected(s, image) for (_, s), image in zip(STRUCTS, images, strict=True)]
