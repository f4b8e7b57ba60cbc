# SPDX-License-Identifier: BSD-3-Clause
"""The digests that the bare-metal suite compares with are those that hashlib makes."""

import runpy
from pathlib import Path

HERE = Path(__file__).resolve().parent


def test_the_header_is_what_the_script_makes() -> None:
    made = runpy.run_path(str(HERE / "digests.py"))["header"]()
    assert (HERE / "digests.h").read_text() == made
