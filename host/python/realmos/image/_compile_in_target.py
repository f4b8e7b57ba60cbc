# SPDX-License-Identifier: BSD-3-Clause
"""Byte-compile files; runs under the image's own interpreter: `python -I -S THIS LEVEL JOBS N`.

JOBS is a text file; each line is `module path in the image <tab> source <tab> result`. A result is
an unchecked hash-based .pyc (PEP 552): no time of the build gets into it, and the interpreter in
the realm does not look for the source. One line is printed for each file. N processes share the
work, always in the same way: a compiler that has seen other files before might intern others'
strings. Only what the interpreter has loaded anyway is imported, for it starts from sources here.
"""

import _imp
import marshal
import os
import sys
from _frozen_importlib_external import MAGIC_NUMBER

_UNCHECKED_HASH = 0b01


def compile_file(name: str, source: str, result: str, level: int) -> None:
    """Compile one file; `name` is what tracebacks will show."""
    with open(source, "rb") as file:  # noqa: PTH123 -- pathlib would be one more import
        text = file.read()
    code = compile(text, name, "exec", dont_inherit=True, optimize=level)
    digest = _imp.source_hash(int.from_bytes(MAGIC_NUMBER, "little"), text)
    header = MAGIC_NUMBER + _UNCHECKED_HASH.to_bytes(4, "little") + digest
    with open(result, "wb") as file:  # noqa: PTH123 -- ditto
        file.write(header + marshal.dumps(code))


def work(lines: list[str], level: int) -> None:
    """Compile one process's share."""
    for line in lines:
        name, source, result = line.rstrip("\n").split("\t")
        compile_file(name, source, result, level)
        os.write(1, name.encode() + b"\n")


def main(level: int, jobs: str, count: int) -> int:
    """Share the jobs out to `count` processes; return 1 if any of them failed."""
    with open(jobs, encoding="utf-8") as file:  # noqa: PTH123 -- ditto
        lines = list(file)
    children = []
    for number in range(count):
        child = os.fork()
        if child == 0:
            work(lines[number::count], level)
            return 0
        children.append(child)
    failures = [child for child in children if os.waitpid(child, 0)[1] != 0]
    return int(bool(failures))


sys.exit(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
