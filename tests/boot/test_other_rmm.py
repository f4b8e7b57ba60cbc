# SPDX-License-Identifier: BSD-3-Clause
"""RMM images that the monitor cannot work with: each is named, and what to do about it."""

from pathlib import Path

import pytest
from realmos import process
from realmos.errors import BootError
from realmos.machine import Layer
from realmos.pytest_plugin import RealmFactory

pytestmark = pytest.mark.qemu


@pytest.fixture
def other_rmm(top: Path, generated: Path, cross_compile: str, tmp_path: Path) -> Path:
    """An RMM image that speaks RMI 2.0 alone."""
    elf, image = tmp_path / "rmm.elf", tmp_path / "rmm.img"
    source = top / "tests/payloads/other_rmm.S"
    process.run(
        [f"{cross_compile}gcc", "-nostdlib", "-static", "-Wl,--build-id=none", "-Wl,-Ttext=0",
         "-Wl,-e,other_rmm_entry", "-D__ASSEMBLER__", f"-I{generated}", "-o", elf, source]
    )  # fmt: skip
    process.run([f"{cross_compile}objcopy", "-O", "binary", elf, image])
    return image


def test_an_rmm_that_speaks_another_abi_is_named_with_its_version(
    realm_factory: RealmFactory, other_rmm: Path
) -> None:
    refusal = pytest.raises(BootError, match=r"RMM speaks RMI 2\.0")
    with refusal as caught, realm_factory(rmm=other_rmm):
        pass
    assert caught.value.layer is Layer.MONITOR
    assert caught.value.hint
