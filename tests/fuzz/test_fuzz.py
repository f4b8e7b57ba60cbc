# SPDX-License-Identifier: BSD-3-Clause
"""Calls in any order and with any arguments leave the RMM as it must be.

The saved inputs, which libFuzzer found (`scripts/fuzz`), and random ones that are made from them.
What is checked after each call is in `state.c` and `tables.c`. That it finds mistakes is shown by
putting some into the RMM.
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
CALLS = 100_000
MANY_CALLS = 2_000_000
PATIENCE = 590


def build(makefile: Path, out: Path, generated: Path) -> Path:
    """Return the fuzzer, built below `out`."""
    subprocess.run(
        ["make", "-s", f"-j{os.cpu_count() or 1}", "-f", makefile, f"BUILD_DIR={out}",
         f"GENERATED={generated}"],
        cwd=makefile.parent, check=True, timeout=PATIENCE,
    )  # fmt: skip
    return out / "rmm_fuzz"


@pytest.fixture(scope="module")
def fuzzer(generated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(HERE / "Makefile", tmp_path_factory.mktemp("fuzz"), generated)


def run(fuzzer: Path, *, calls: int) -> tuple[int, str]:
    """Run the saved inputs and this many calls by chance; return exit status and output."""
    chance = [str(random.randrange(2**32)), str(calls)]  # noqa: S311 - no secret
    done = subprocess.run(
        [fuzzer, CORPUS, *chance],
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE,
    )  # fmt: skip
    return done.returncode, f"{' '.join(chance)}\n{done.stdout[-4000:]}"


def test_saved_inputs_and_random_calls_pass(fuzzer: Path) -> None:
    status, output = run(fuzzer, calls=CALLS)
    assert status == 0, output


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_many_random_calls_pass(fuzzer: Path) -> None:
    status, output = run(fuzzer, calls=MANY_CALLS)
    assert status == 0, output


def test_the_saved_inputs_are_small() -> None:
    assert CORPUS.stat().st_size <= MAX_CORPUS_SIZE


@dataclass(frozen=True)
class Mistake:
    """A change of the RMM that is wrong, and part of what the fuzzer says of it."""

    file: str
    right: str
    wrong: str
    complaint: str


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
def test_a_mistake_is_found(name: str, top: Path, tmp_path: Path, generated: Path) -> None:
    mistake = MISTAKES[name]
    for part in ("rmm", "tests/c", "tests/fuzz"):
        shutil.copytree(top / part, tmp_path / part)
    path = tmp_path / "rmm/src" / mistake.file
    source = path.read_text("utf-8")
    assert mistake.right in source
    path.write_text(source.replace(mistake.right, mistake.wrong), "utf-8")
    fuzzer = build(tmp_path / "tests/fuzz/Makefile", tmp_path / "out", generated)
    status, output = run(fuzzer, calls=2 * CALLS)
    assert status == 1
    assert mistake.complaint in output
    assert "this input failed: " in output
