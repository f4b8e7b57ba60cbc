# SPDX-License-Identifier: BSD-3-Clause
"""Look for inputs of `fuzz_attest.py` that take new paths, with atheris.

    look.py [WORD…]     words go to libFuzzer, which is what atheris runs

Half of the changes to CBOR leave it CBOR (`mutate.py`); all others are libFuzzer's.
"""

import importlib
import struct
import sys

import atheris

with atheris.instrument_imports(include=["realmos", "realmos_agent", "tomllib"]):
    target = importlib.import_module("fuzz_attest")
mutate = importlib.import_module("mutate").mutate

HALF = 1 << 31


def change(data: bytes, max_size: int, seed: int) -> bytes:
    """Return another input that is like this one."""
    kind, content = data[:1], data[1:]
    changed = data
    if seed < HALF and kind in {b"T", b"R", b"M", b"N"}:
        changed = kind + mutate(content, seed)
    elif seed < HALF and kind == b"C" and len(content) > 2:
        (size,) = struct.unpack_from(">H", content)
        parts = [content[2 : 2 + size], content[2 + size :]]
        parts[seed % 2] = mutate(parts[seed % 2], seed)
        if len(parts[0]) < 1 << 16:
            changed = kind + struct.pack(">H", len(parts[0])) + b"".join(parts)
    if changed == data or len(changed) > max_size:
        return bytes(atheris.Mutate(data, max_size))
    return changed


# To merge, libFuzzer starts itself again by what it takes for its own path.
atheris.Setup([f"{sys.executable} {sys.argv[0]}", *sys.argv[1:]], target.run, custom_mutator=change)
atheris.Fuzz()
