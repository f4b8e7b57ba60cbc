# SPDX-License-Identifier: BSD-3-Clause
"""A Trusted Application in a few instructions, in a real runner, for tests of the two."""

import platform
import shutil
import subprocess
from pathlib import Path

from realmos_agent.tee import numbers
from realmos_agent.tee import runner_numbers as wire
from realmos_agent.tee.parts import Call, Entry, Event, Returned
from realmos_agent.tee.runner_start import start

CODE = 0x10_0000_0000
DATA = CODE + 0x10_0000
CONSTANT = CODE + 0x20_0000
STACK = CODE + 0x30_0000
REGION = CODE + 0x40_0000
UNMAPPED = CODE + 0x50_0000
PAGE = 0x1000
DATA_SIZE = 2 * PAGE
STACK_TOP = STACK + 4 * PAGE
ENTRY_POINT = CODE

_EMULATOR = "qemu-aarch64-static"
# One call as libutee makes it once the loader has replaced its SVC.
_PRELUDE = f"""
.macro call number
    mov     x8, #\\number
    adr     x17, 9f
    ldr     x16, dispatcher
    br      x16
9:  bti     j
.endm
.macro finish
    call    0
.endm
.macro let register, value
    ldr     \\register, =\\value
.endm
.equ DATA, {DATA}
.equ CONSTANT, {CONSTANT}
.equ STACK, {STACK}
.equ REGION, {REGION}
.equ UNMAPPED, {UNMAPPED}
entry:
"""


def runner_argv(program: Path, *, weak: bool = True) -> tuple[str, ...]:
    """Return how to start a runner here."""
    words = (str(program), "--weak") if weak else (str(program),)
    if platform.machine() == "aarch64":
        return words
    emulator = shutil.which(_EMULATOR)
    assert emulator, f"{_EMULATOR} is absent: install qemu-user-static"
    return (emulator, *words)


def assemble(text: str, dispatcher: int, compiler: str, out: Path) -> bytes:
    """Return the code of a TA."""
    source = f"{_PRELUDE}{text}\n.balign 8\ndispatcher: .quad {dispatcher}\n.ltorg\n"
    subprocess.run(
        [f"{compiler}gcc", "-c", "-x", "assembler", "-", "-o", out / "ta.o"],
        input=source, text=True, check=True,
    )  # fmt: skip
    subprocess.run(
        [f"{compiler}objcopy", "-O", "binary", "-j", ".text", out / "ta.o", out / "ta.bin"],
        check=True,
    )
    return (out / "ta.bin").read_bytes()


class TinyTa:
    """A runner that holds a TA with code, two pages of data, one of constants, and a stack."""

    def __init__(self, argv: tuple[str, ...], text: str, compiler: str, out: Path) -> None:
        self.runner = start(argv, {})
        code = assemble(text, self.runner.dispatcher, compiler, out)
        read, write = wire.PROT_READ, wire.PROT_READ | wire.PROT_WRITE
        self.runner.map(CODE, PAGE, read | wire.PROT_EXEC, code, stack=False)
        self.runner.map(DATA, DATA_SIZE, write, b"", stack=False)
        self.runner.map(CONSTANT, PAGE, read, b"constant", stack=False)
        self.runner.map(STACK, STACK_TOP - STACK, write, b"", stack=True)

    def enter(
        self,
        function: int = numbers.ENTRY_INVOKE_COMMAND,
        command: int = 0,
        session: int = 0,
        types: int = 0,
        vals: tuple[int, ...] = (0,) * 8,
    ) -> Event:
        """Enter it."""
        return self.runner.enter(
            Entry(function, command, session, ENTRY_POINT, STACK_TOP, types, vals)
        )

    def call(self) -> Call:
        """Enter it, and expect a system call."""
        event = self.enter()
        assert isinstance(event, Call), event
        return event

    def result(self) -> int:
        """Enter it, and expect that it returns without a call to the core."""
        event = self.enter()
        assert isinstance(event, Returned), event
        return event.result
