# SPDX-License-Identifier: BSD-3-Clause
"""What the compiler made of our string functions: bugs that show on the target alone."""

import re
import subprocess
from pathlib import Path

import pytest
from realmos.cache import Cache
from realmos.progress import Silent
from realmos.source import qemu_user

pytestmark = pytest.mark.fetch

CALL = re.compile(r"\bbl?\s+[0-9a-f]+ <(\w+)>")
WIPE = "explicit_bzero"
HOLDERS_OF_SECRETS = {
    "mbedtls_internal_sha512_process": {WIPE},
    "signer_end": {WIPE},
    "signer_public_key": {WIPE, "signer_end"},
}


def test_moves_and_wipes_are_right_on_the_target(
    top: Path, rmm_build: Path, cross_compile: str, tmp_path: Path
) -> None:
    (built,) = rmm_build.rglob("string.o")
    program = tmp_path / "check"
    subprocess.run(
        [f"{cross_compile}gcc", "-O1", "-ffreestanding", "-fno-builtin", "-nostdlib", "-static",
         f"-I{top}/rmm/lib/include", "-o", program, Path(__file__).with_name("string_check.c"),
         built],
        check=True,
    )  # fmt: skip
    done = subprocess.run([*qemu_user(Cache(), Silent()), program], check=False, timeout=300)
    assert done.returncode == 0


@pytest.mark.parametrize("function", HOLDERS_OF_SECRETS)
def test_the_compiler_leaves_the_wipe_of_a_secret(
    rmm_build: Path, cross_compile: str, function: str
) -> None:
    """Zeroing what goes out of scope is what an optimiser likes to leave out."""
    listing = subprocess.run(
        [f"{cross_compile}objdump", "-d", f"--disassemble={function}", rmm_build / "rmm.elf"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert HOLDERS_OF_SECRETS[function] & set(CALL.findall(listing))
