# SPDX-License-Identifier: BSD-3-Clause
"""A hostile hub and hostile runners make the edge do nothing that it must not.

The saved inputs, which libFuzzer found (`scripts/fuzz edge`), and random ones that are made from
them. What must hold is in `world.c` and `target.c`. That it finds mistakes is shown by putting some
into the edge.
"""

import os
import random
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus.txt"
MAX_CORPUS_SIZE = 200_000
CALLS = 20_000
MANY_CALLS = 2_000_000
PATIENCE = 590


def build(makefile: Path, out: Path, generated: Path) -> Path:
    """Return the fuzzer, built below `out`."""
    subprocess.run(
        ["make", "-s", f"-j{os.cpu_count() or 1}", "-f", makefile, f"BUILD_DIR={out}",
         f"GENERATED={generated}"],
        cwd=makefile.parent, check=True, timeout=PATIENCE,
    )  # fmt: skip
    return out / "edge_fuzz"


@pytest.fixture(scope="module")
def fuzzer(generated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(HERE / "Makefile", tmp_path_factory.mktemp("fuzz"), generated)


def run(fuzzer: Path, *, calls: int, seed: int | None = None) -> tuple[int, str]:
    """Run the saved inputs and this many calls by chance; return exit status and output."""
    if seed is None:
        seed = random.randrange(2**32)  # noqa: S311 - no secret
    chance = [str(seed), str(calls)]
    done = subprocess.run(
        [fuzzer, CORPUS, *chance],
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE,
    )  # fmt: skip
    return done.returncode, f"{' '.join(chance)}\n{done.stdout[-4000:]}"


def test_saved_inputs_and_random_calls_keep_the_edges_rules(fuzzer: Path) -> None:
    status, output = run(fuzzer, calls=CALLS)
    assert status == 0, output


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_many_random_calls_keep_the_edges_rules(fuzzer: Path) -> None:
    status, output = run(fuzzer, calls=MANY_CALLS)
    assert status == 0, output


def test_the_saved_inputs_are_few() -> None:
    assert CORPUS.stat().st_size <= MAX_CORPUS_SIZE


@dataclass(frozen=True)
class Mistake:
    """A change of the edge that is wrong, and part of what the fuzzer says of it."""

    file: str
    right: str
    wrong: str
    complaint: str


MISTAKES = {
    "busy": Mistake("table.c", "known->instance->state == INSTANCE_IDLE", "true", "not idle"),
    "window": Mistake("request.c", "next <= EDGE_WINDOW && ", "", "outside the window"),
    "pages": Mistake("request.c", "/ PAGE * PAGE + PAGE;", "/ PAGE * PAGE - PAGE;", ""),
    "offset": Mistake("request.c", "param->a <= size && ", "", "not the call's"),
    "sum": Mistake("request.c", "return bytes == 0;", "return true;", "no parameter's"),
    "client": Mistake("table.c", "== client &&", "!= client + 2 &&", "not the client's"),
    "more": Mistake("flight.c", "flight->said_size > size ||", "false ||", "no result's"),
    "return": Mistake("flight.c", "frame.type != TEE_RUN_RETURNED ||", "", "no result's"),
    "length": Mistake(
        "flight.c",
        "frame.length > TEE_RUN_LENGTH_MIN + sizeof(returned) + TEE_RUN_RETURNED_MAX",
        "false", "",
    ),
    "frame": Mistake("edge.c", "size > FLIGHT_FRAME_MAX", "size > INPUT_SIZE", ""),
    "delivered": Mistake("edge.c", "edge->delivered = 0;", "", ""),
}  # fmt: skip


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_edge_is_found(
    name: str, top: Path, tmp_path: Path, generated: Path
) -> None:
    mistake = MISTAKES[name]
    for part in ("guest/optee/edge", "tests/fuzz", "tests/fuzz_edge"):
        shutil.copytree(top / part, tmp_path / part)
    path = tmp_path / "guest/optee/edge" / mistake.file
    source = path.read_text("utf-8")
    assert mistake.right in source
    path.write_text(source.replace(mistake.right, mistake.wrong), "utf-8")
    fuzzer = build(tmp_path / "tests/fuzz_edge/Makefile", tmp_path / "out", generated)
    status, output = run(fuzzer, calls=10 * CALLS, seed=1)
    assert status == 1
    assert mistake.complaint in output
    assert "this input failed: " in output
