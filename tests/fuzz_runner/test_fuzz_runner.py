# SPDX-License-Identifier: BSD-3-Clause
"""A hostile TA, and a core gone wrong, make the runner touch nothing but the TA's memory.

The saved inputs, which libFuzzer found (`scripts/fuzz runner`), and random ones that are made from
them. What must hold is in `core.c`, `expect.c` and `pages.c`. That it finds mistakes is shown by
putting some into the runner.
"""

import contextlib
import struct
from pathlib import Path

import pytest
from c_fuzzer import MAX_CORPUS_SIZE, Fuzzer, Mistake
from realmos_agent.tee import numbers, runner_numbers
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.syscalls.arguments import Arguments

FUZZER = Fuzzer(
    "fuzz_runner", "runner", sources="guest/optee/runner",
    parts=("guest/optee/runner", "tests/c", "tests/fuzz", "tests/fuzz_runner"),
)  # fmt: skip
CALLS = 20_000
MANY_CALLS = 2_000_000
LONG_PATIENCE = 3 * 3600
CALL = struct.Struct(runner_numbers.CALL_FORMAT)


@pytest.fixture(scope="module")
def program(generated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return FUZZER.build(tmp_path_factory.mktemp("fuzz"), generated)


def parse(line: str) -> int:
    """Have the core's parser take a call that a runner made; return its number."""
    data = bytes.fromhex(line)
    number, count = (int(word) for word in CALL.unpack_from(data))
    _, descriptors = numbers.CALLS[number]
    assert count == len(descriptors)
    with contextlib.suppress(TeeError):  # NULL with a size, for one: an error that the core finds
        Arguments(descriptors, data[CALL.size :])
    return number


def test_saved_inputs_and_random_calls_touch_the_tas_memory_only(
    program: Path, tmp_path: Path
) -> None:
    note = tmp_path / "calls"
    status, output = FUZZER.run(program, calls=CALLS, environment={"RUNNER_FUZZ_CALLS": str(note)})
    assert status == 0, output
    # What an intact runner says is never what ends a TA for forging.
    made = {parse(line) for line in note.read_text().splitlines()}
    assert len(made) > len(numbers.CALLS) * 3 // 4


@pytest.mark.exhaustive
@pytest.mark.timeout(LONG_PATIENCE + 60)
def test_many_random_calls_touch_the_tas_memory_only(program: Path) -> None:
    status, output = FUZZER.run(program, calls=MANY_CALLS, patience=LONG_PATIENCE)
    assert status == 0, output


def test_the_saved_inputs_are_few() -> None:
    assert FUZZER.corpus.stat().st_size <= MAX_CORPUS_SIZE


MISTAKES = {
    "input": Mistake(
        "arguments.c",
        "if (!map_allows(&call->runner->map, addr, size, TEE_RUN_PROT_READ, own)) {",
        "if (false && own) {", "",
    ),
    "attributes": Mistake(
        "arguments.c", "count * sizeof(attribute), TEE_RUN_PROT_READ,", "count, TEE_RUN_PROT_READ,",
        "",
    ),
    "length": Mistake(
        "arguments.c", "output->length_addr, width,", "output->length_addr, 1,", "",
    ),
    "gone": Mistake(
        "outputs.c",
        "if (!map_allows(&call->runner->map, addr, size, TEE_RUN_PROT_WRITE, false)) {",
        "if (call == NULL) {", "read of",
    ),
    "room": Mistake("outputs.c", "size <= room &&", "size <= room + 4096 &&", "changed the byte"),
    "capacity": Mistake("outputs.c", "size <= output->capacity && !take",
                        "size <= output->capacity + 4096 && !take", "changed the byte"),
    "edge": Mistake("map.c", "map->ranges[middle].end > addr", "map->ranges[middle].end >= addr",
                    ""),
    "forgotten": Mistake("memory.c", "\t\tmap_remove(map, n, 1);\n", "\t\tn++;\n", ""),
    "executable": Mistake("memory.c", "&& !(writes && executes)", "&& (writes || !executes)",
                          "writable and executable"),
    "fetch": Mistake(
        "runner.c", "order.address, order.size, TEE_RUN_PROT_READ, false",
        "order.address, 1, 0, false", "",
    ),
}  # fmt: skip


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_runner_is_found(name: str, tmp_path: Path, generated: Path) -> None:
    FUZZER.check_finds(MISTAKES[name], tmp_path, generated, calls=10 * CALLS, seed=1)
