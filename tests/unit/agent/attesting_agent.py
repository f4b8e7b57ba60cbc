# SPDX-License-Identifier: BSD-3-Clause
"""The real agent, where the kernel's interfaces for attestation have stand-ins.

A token is the challenge behind a mark; REM 1 is a file beside the agent's work directories, which
holds the values that it was extended with.
"""

import os
import sys
from pathlib import Path

from realmos_agent import attestation, entropy
from realmos_agent.protocol.measurement import REM_INDEX

MARK = b"token for "


def _measure(index: int, data: bytes) -> None:
    folder = Path(sys.argv[sys.argv.index("--work-dir") + 1])
    with (folder / f"rem{index}").open("ab") as file:
        file.write(data)


def _token(nonce: bytes) -> bytes:
    return MARK + nonce


def _claim(index: int) -> None:
    assert index == REM_INDEX
    if "NO_CLAIM" in os.environ:
        raise attestation.AttestationError("another process has claimed it")
    folder = Path(sys.argv[sys.argv.index("--work-dir") + 1])
    (folder / "claimed").touch()


def _reseed(data: bytes) -> None:
    assert data


if __name__ == "__main__":
    attestation.token = _token
    attestation.measure = _measure
    attestation.claim = _claim
    attestation.config = lambda: attestation.Config((33, "sha-256", bytes(64)))
    if os.geteuid() != 0:
        entropy.reseed = _reseed

    from realmos_agent.main import main

    main()
