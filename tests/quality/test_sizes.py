# SPDX-License-Identifier: BSD-3-Clause
"""The RMM stays small: who trusts it can read it."""

from pathlib import Path

import pytest

MAX_LINES = 9_000
MAX_IMAGE_SIZE = 256 << 10


def test_the_rmm_is_few_lines(files: list[Path], texts: dict[Path, str], top: Path) -> None:
    """C and assembly of ours, headers and comments too; not what is generated, nor mbedTLS."""
    sources = [p for p in files if p.suffix in {".c", ".h", ".S"} and p.is_relative_to(top / "rmm")]
    assert len(sources) > 50
    assert sum(len(texts[path].splitlines()) for path in sources) <= MAX_LINES


@pytest.mark.fetch
def test_the_image_of_the_rmm_is_small(rmm_build: Path) -> None:
    assert 4096 < (rmm_build / "rmm.bin").stat().st_size <= MAX_IMAGE_SIZE
