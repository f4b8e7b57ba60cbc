# SPDX-License-Identifier: BSD-3-Clause
"""Calls in any order and with any arguments leave the RMM as it must be.

The saved inputs, which libFuzzer found (`scripts/fuzz`), and random ones that are made from them.
What is checked after each call is in `state.c` and `tables.c`. That it finds mistakes is shown by
putting some into the RMM.
"""

from pathlib import Path

import pytest
from c_fuzzer import MAX_CORPUS_SIZE, Fuzzer, Mistake

FUZZER = Fuzzer("fuzz", "rmm", sources="rmm/src", parts=("rmm", "tests/c", "tests/fuzz"))
CALLS = 100_000
MANY_CALLS = 2_000_000


@pytest.fixture(scope="module")
def program(generated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return FUZZER.build(tmp_path_factory.mktemp("fuzz"), generated)


def test_saved_inputs_and_random_calls_pass(program: Path) -> None:
    status, output = FUZZER.run(program, calls=CALLS)
    assert status == 0, output


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_many_random_calls_pass(program: Path) -> None:
    status, output = FUZZER.run(program, calls=MANY_CALLS)
    assert status == 0, output


def test_the_saved_inputs_are_small() -> None:
    assert FUZZER.corpus.stat().st_size <= MAX_CORPUS_SIZE


MISTAKES = {
    "wipe": Mistake("granule.c", "CHECK(memory_wipe(pa));", "", "is not wiped"),
    "lock": Mistake("rmi/psci.c", "\t\tgranule_unlock(second);\n", "", "locked"),
    "vmid": Mistake("rmi/realm.c", "\trealm_free_vmid(s2.vmid);\n", "", "is not free"),
    "final": Mistake("rmi/data.c", "realm_state(realm) != REALM_NEW", "false", "of a final realm"),
    "unmeasured": Mistake("rmi/rec.c", "measure_rec(", "if (false) measure_rec(", "moved is 0"),
    "live": Mistake("rmi/rtt.c", "state == RTT_TABLE || state == RTT_ASSIGNED", "false", "owners"),
    "owner": Mistake("rmi/data.c", "entry.ripas == RMI_RIPAS_EMPTY ? RMI_RIPAS_EMPTY",
                     "entry.ripas == RMI_RIPAS_EMPTY ? 3U", "RIPAS 3"),
    "block": Mistake("rmi/rtt.c", "!is_aligned(first.pa.value, rtt_entry_size(level - 1))", "false",
                     "is mapped at level"),
    "check": Mistake("rmi/realm.c", "rtt_base >= size", "rtt_base != size", "not end"),
}  # fmt: skip


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found(name: str, tmp_path: Path, generated: Path) -> None:
    FUZZER.check_finds(MISTAKES[name], tmp_path, generated, calls=2 * CALLS)
