# SPDX-License-Identifier: BSD-3-Clause
"""A hostile TA, and a core gone wrong, make the runner touch nothing but the TA's memory.

The saved inputs, which libFuzzer found (`scripts/fuzz runner`), and random ones that are made from
them. What must hold is in `core.c`, `expect.c` and `pages.c`. That it finds mistakes is shown by
putting some into the runner.
"""

import contextlib
import os
import random
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from realmos_agent.tee import numbers, runner_numbers
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.syscalls.arguments import Arguments

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus.txt"
MAX_CORPUS_SIZE = 200_000
CALLS = 20_000
MANY_CALLS = 2_000_000
PATIENCE = 590
LONG_PATIENCE = 3 * 3600
CALL = struct.Struct(runner_numbers.CALL_FORMAT)


def build(makefile: Path, out: Path, generated: Path) -> Path:
    """Return the fuzzer, built below `out`."""
    subprocess.run(
        ["make", "-s", f"-j{os.cpu_count() or 1}", "-f", makefile, f"BUILD_DIR={out}",
         f"GENERATED={generated}"],
        cwd=makefile.parent, check=True, timeout=PATIENCE,
    )  # fmt: skip
    return out / "runner_fuzz"


@pytest.fixture(scope="module")
def fuzzer(generated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(HERE / "Makefile", tmp_path_factory.mktemp("fuzz"), generated)


def run(
    fuzzer: Path,
    *,
    calls: int,
    seed: int | None = None,
    note: Path | None = None,
    patience: float = PATIENCE,
) -> tuple[int, str]:
    """Run the saved inputs and this many calls by chance; return exit status and output.

    Args:
        fuzzer: the program.
        calls: how many.
        seed: which; another one each time if None.
        note: where it shall write down what the runner says to the core.
        patience: seconds after which it hangs.
    """
    if seed is None:
        seed = random.randrange(2**32)  # noqa: S311 - no secret
    chance = [str(seed), str(calls)]
    environment = {"RUNNER_FUZZ_CALLS": str(note)} if note else {}
    done = subprocess.run(
        [fuzzer, CORPUS, *chance], env=os.environ | environment,
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=patience,
    )  # fmt: skip
    return done.returncode, f"{' '.join(chance)}\n{done.stdout[-4000:]}"


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
    fuzzer: Path, tmp_path: Path
) -> None:
    note = tmp_path / "calls"
    status, output = run(fuzzer, calls=CALLS, note=note)
    assert status == 0, output
    # What an intact runner says is never what ends a TA for forging.
    made = {parse(line) for line in note.read_text().splitlines()}
    assert len(made) > len(numbers.CALLS) * 3 // 4


@pytest.mark.exhaustive
@pytest.mark.timeout(LONG_PATIENCE + 60)
def test_many_random_calls_touch_the_tas_memory_only(fuzzer: Path) -> None:
    status, output = run(fuzzer, calls=MANY_CALLS, patience=LONG_PATIENCE)
    assert status == 0, output


def test_the_saved_inputs_are_few() -> None:
    assert CORPUS.stat().st_size <= MAX_CORPUS_SIZE


@dataclass(frozen=True)
class Mistake:
    """A change of the runner that is wrong, and part of what the fuzzer says of it."""

    file: str
    right: str
    wrong: str
    complaint: str


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
def test_a_mistake_in_the_runner_is_found(
    name: str, top: Path, tmp_path: Path, generated: Path
) -> None:
    mistake = MISTAKES[name]
    for part in ("guest/optee/runner", "tests/c", "tests/fuzz", "tests/fuzz_runner"):
        shutil.copytree(top / part, tmp_path / part)
    path = tmp_path / "guest/optee/runner" / mistake.file
    source = path.read_text("utf-8")
    assert mistake.right in source
    path.write_text(source.replace(mistake.right, mistake.wrong), "utf-8")
    fuzzer = build(tmp_path / "tests/fuzz_runner/Makefile", tmp_path / "out", generated)
    status, output = run(fuzzer, calls=10 * CALLS, seed=1)
    assert status == 1
    assert mistake.complaint in output
    assert "this input failed: " in output
