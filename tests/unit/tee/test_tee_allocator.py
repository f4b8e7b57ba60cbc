# SPDX-License-Identifier: BSD-3-Clause
"""The C library's memory, in a process of its own: what is set there cannot be taken back."""

import sys

from realmos import process

PROGRAM = """
import resource, sys, threading
from realmos_agent.tee.allocator import keep_memory

if sys.argv[1] == "kept":
    keep_memory()

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def work():
    buffers()
    before = faults()
    for _ in range(20):
        buffers()
    print((faults() - before) * resource.getpagesize())

def buffers():
    held = [bytes(range(256)) * (size << 12) for size in (1,) * 8]

thread = threading.Thread(target=work)  # as calls have them
thread.start()
thread.join()
"""


def touched(how: str) -> int:
    return int(process.run([sys.executable, "-c", PROGRAM, how]))


def test_large_buffers_are_made_of_the_memory_of_those_before() -> None:
    assert touched("kept") < touched("given back") / 4
