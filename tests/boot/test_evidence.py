# SPDX-License-Identifier: BSD-3-Clause
"""What a booted machine proves about itself."""

import re

import pytest
from realmos.cache import sha256_file
from realmos.pytest_plugin import RealmFactory
from realmos.realm import RealmConfig
from realmos.session import Session

pytestmark = pytest.mark.qemu


def test_the_measured_rim_is_the_predicted_one(realm_machine: Session) -> None:
    evidence = realm_machine.evidence()
    assert re.fullmatch(r"[0-9a-f]{64}", evidence.rim)
    assert evidence.rim == evidence.predicted_rim
    assert evidence.rim_matches is True


def test_the_rmm_that_runs_is_the_one_in_the_flash(realm_machine: Session) -> None:
    evidence = realm_machine.evidence()
    rmm = realm_machine.prepared.flash.rmm
    assert evidence.rmm_sha256 == sha256_file(rmm.path)
    assert (evidence.rmi_version, evidence.rsi_version) == ("1.0", "1.0")


def test_sha512_and_other_shapes_are_predicted_too(realm_factory: RealmFactory) -> None:
    config = RealmConfig(
        memory=384 << 20, vcpus=2, hash_algorithm="sha-512", rpv=b"me", cmdline="realmos.test=1"
    )
    with realm_factory(realms=(config,)) as session:
        evidence = session.evidence()
        assert len(evidence.rim) == 128
        assert evidence.rim_matches is True
        assert b"realmos.test=1" in session.agent.run(["cat", "/proc/cmdline"]).stdout
        assert session.agent.report().cpus == 2
