# SPDX-License-Identifier: BSD-3-Clause
"""The demonstration of examples/sealed: a model's key for the realm expected, and for no other."""

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Command

pytestmark = [pytest.mark.qemu, pytest.mark.timeout(1800)]

REFUSED = re.compile(
    r"refused secret 'model-key': (\S+): expected [0-9a-f]{64}.*, found [0-9a-f]{64}"
)


def test_key_is_released_to_the_realm_expected_alone(command: "Command", top: Path) -> None:
    done = subprocess.run(
        [sys.executable, top / "examples" / "sealed" / "demo.py"],
        env=command.environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "the model says 8.5" in said
    # By the broker's log, in the order of the attempts.
    assert REFUSED.findall(said) == ["realm.rem1", "realm.rim"]
    assert said.count("gave secret 'model-key' to the realm with RIM") == 1
    assert "development anchor of this machine" in said
    assert command.left_over() == []
