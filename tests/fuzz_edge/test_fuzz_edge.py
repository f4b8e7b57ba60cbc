# SPDX-License-Identifier: BSD-3-Clause
"""A hostile hub and hostile runners make the edge do nothing that it must not.

The saved inputs, which libFuzzer found (`scripts/fuzz edge`), and random ones that are made from
them. What must hold is in `world.c` and `target.c`. That it finds mistakes is shown by putting some
into the edge.
"""

from pathlib import Path

import pytest
from c_fuzzer import MAX_CORPUS_SIZE, Fuzzer, Mistake

FUZZER = Fuzzer(
    "fuzz_edge", "edge", sources="guest/optee/edge",
    parts=("guest/optee/edge", "tests/fuzz", "tests/fuzz_edge"),
)  # fmt: skip
CALLS = 20_000
MANY_CALLS = 2_000_000


@pytest.fixture(scope="module")
def program(generated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return FUZZER.build(tmp_path_factory.mktemp("fuzz"), generated)


def test_saved_inputs_and_random_calls_keep_the_edges_rules(program: Path) -> None:
    status, output = FUZZER.run(program, calls=CALLS)
    assert status == 0, output


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_many_random_calls_keep_the_edges_rules(program: Path) -> None:
    status, output = FUZZER.run(program, calls=MANY_CALLS)
    assert status == 0, output


def test_the_saved_inputs_are_few() -> None:
    assert FUZZER.corpus.stat().st_size <= MAX_CORPUS_SIZE


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
def test_a_mistake_in_the_edge_is_found(name: str, tmp_path: Path, generated: Path) -> None:
    FUZZER.check_finds(MISTAKES[name], tmp_path, generated, calls=10 * CALLS, seed=1)
