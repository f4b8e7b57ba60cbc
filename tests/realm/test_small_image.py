# SPDX-License-Identifier: BSD-3-Clause
"""The image with the kernel that is built here: booted, measured, and used by the pytest plugin."""

import hashlib
import json
from pathlib import Path

import pytest
from realmos.cache import Cache
from realmos.image import build_image
from realmos.progress import Silent

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.qemu, pytest.mark.exhaustive, pytest.mark.timeout(3600)]

IN_THE_REALM = """
import json

MEASURE = '''
from realmos_agent import attestation
attestation.measure(2, b"small")
rem = attestation.measurements().rems[1]
print(rem.hex(), rem in attestation.token(bytes(64)))
'''

def test_it(realm_factory):
    with realm_factory(cold=True) as session:
        evidence = session.evidence()
        done = session.agent.run(["uname", "-r"])
        python = session.agent.run(["sum.py"], script=b"import hashlib; print(sum(range(100)))")
        measured = session.agent.run(["measure.py"], script=MEASURE.encode())
        facts = {
            "image": session.prepared.image.name,
            "rim": evidence.rim,
            "predicted": evidence.predicted_rim,
            "release": done.stdout.decode().strip(),
            "printed": python.stdout.decode().strip(),
            "measured": measured.stdout.decode().split(),
        }
        session.agent.shutdown()
        facts["power-off"] = session.machine.wait_power_off(timeout=120)
    with open("facts.json", "w") as file:
        json.dump(facts, file)
"""


def test_the_small_image_boots_as_predicted_and_runs_a_workload(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, cache_path: Path, data_path: Path
) -> None:
    monkeypatch.setenv("REALMOS_CACHE", str(cache_path))
    monkeypatch.setenv("REALMOS_DATA", str(data_path))
    image = build_image("small", Cache(), Silent())
    pytester.makepyfile(IN_THE_REALM)
    pytester.runpytest("--realm-image", "small").assert_outcomes(passed=1)
    facts = json.loads((pytester.path / "facts.json").read_text("utf-8"))
    assert facts["image"] == "small"
    assert facts["release"] == image.kernel.release
    assert facts["rim"] == facts["predicted"]
    assert facts["printed"] == "4950"
    assert facts["measured"] == [hashlib.sha256(bytes(32) + b"small").hexdigest(), "True"]
    assert facts["power-off"] == 0
