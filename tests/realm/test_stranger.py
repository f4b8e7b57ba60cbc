# SPDX-License-Identifier: BSD-3-Clause
"""A stranger's RMM, which does otherwise what RMM 1.0 leaves open: realms run on it as on ours."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from realmos import process
from realmos.errors import BootError
from realmos.pytest_plugin import RealmFactory
from realmos.realm import RealmConfig

if TYPE_CHECKING:
    from tests.conftest import MakeProgram

MIB = 1 << 20


@pytest.fixture(scope="module")
def stranger(make_program: "MakeProgram", mbedtls_path: Path) -> Path:
    """The image, with its ELF file beside it as in a build directory."""
    return make_program("stranger", f"MBEDTLS={mbedtls_path}") / "rmm.bin"


def test_two_realms_run_the_example_and_end_on_a_strangers_rmm(
    stranger: Path, realm_factory: RealmFactory, top: Path
) -> None:
    example = (top / "examples/hello/hello.py").read_bytes()
    configs = (RealmConfig(memory=384 * MIB), RealmConfig(memory=384 * MIB, vcpus=2))
    with realm_factory(rmm=stranger, realms=configs, cold=True, boot_timeout=400.0) as session:
        machine = session.machine
        for agent in session.agents:
            assert agent.run(["hello.py"], script=example).status == 0
        assert session.evidence().rim_matches is None
        session.agents[0].shutdown()
        machine.wait_line("MON: realm 0 linux: off", timeout=120)
        assert session.agents[1].run(["hello.py"], script=example).status == 0
        session.agents[1].shutdown()
        assert machine.wait_power_off(timeout=120) == 0
        assert [line for line in machine.watch.lines if line.startswith("RMM: ")] == []
        assert [line for line in machine.watch.lines if "RMI_" in line or "cannot" in line] == []


def test_a_feature_that_a_strangers_rmm_lacks_is_named(
    stranger: Path, realm_factory: RealmFactory
) -> None:
    realm = RealmConfig(hash_algorithm="sha-512")
    with (
        pytest.raises(BootError, match="RMI_ERROR_INPUT: it does not offer SHA-512"),
        realm_factory(rmm=stranger, realms=(realm,), cold=True),
    ):
        pass


def test_every_operation_of_a_strangers_rmm_can_be_measured(stranger: Path) -> None:
    words = ["-m", "realmos.cli", "bench", "rmm", "--rmm", str(stranger), "--json"]
    ours, other = json.loads(process.run([sys.executable, *words], env=dict(os.environ)))["rmms"]
    assert other["costs"].keys() == ours["costs"].keys()
    assert all(cost["samples"] > 0 for cost in other["costs"].values())
