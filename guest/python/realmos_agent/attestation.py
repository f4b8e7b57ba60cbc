# SPDX-License-Identifier: BSD-3-Clause
"""Attestation from inside a realm, for workloads and for the agent alike.

    from realmos_agent import attestation

    token = attestation.token(nonce)              # evidence for a relying party
    attestation.measure(2, sha256(model).digest())
    attestation.measurements().rems[1]            # REM 2, as the RMM has it
    attestation.config().rpv                      # what tells this realm from its copies

The RMM keeps a realm initial measurement (RIM), made before the realm ran, and four realm
extensible measurements, REM 1 to REM 4. A REM starts as zeros; `measure` replaces it by the hash of
its old value and the data, which nobody can undo. REM 1 is the agent's, which measures there what
it is told to run; REM 2 to REM 4 are the workload's.

The first use in a realm loads the kernel's drivers, which takes some tenths of a second, and root.
After that whoever opens the device may read the measurements and the configuration; extending and
tokens take root.
"""

import os

from realmos_agent import _rsi
from realmos_agent import _rsi_numbers as abi
from realmos_agent._rsi import AttestationError, NoDeviceError

__all__ = [
    "AttestationError",
    "Config",
    "Measurements",
    "NoDeviceError",
    "claim",
    "config",
    "measure",
    "measurements",
    "token",
]

NONCE_MAX = 64

_HASHES = {abi.SHA_256: "sha-256", abi.SHA_512: "sha-512"}
_REMS = range(abi.REM_FIRST, abi.REM_LAST + 1)
_CHUNK = 4096
# The kernel counts what is written to a report; in one of our own that is the nonce alone.
_GENERATION = b"1"


class Config(tuple[int, str, bytes]):
    """What the RMM says of this realm."""

    __slots__ = ()

    @property
    def ipa_width(self) -> int:
        """Bits of an intermediate physical address."""
        return self[0]

    @property
    def hash_algorithm(self) -> str:
        """What measurements are made with: sha-256 or sha-512."""
        return self[1]

    @property
    def rpv(self) -> bytes:
        """The realm personalization value, 64 bytes."""
        return self[2]


class Measurements(tuple[bytes, tuple[bytes, ...]]):
    """The measurements of this realm, each as long as the realm's hash."""

    __slots__ = ()

    @property
    def rim(self) -> bytes:
        """The realm initial measurement."""
        return self[0]

    @property
    def rems(self) -> tuple[bytes, ...]:
        """REM 1 to REM 4, in this order."""
        return self[1]


def token(nonce: bytes) -> bytes:
    """Return a CCA attestation token, as the RMM made it.

    Args:
        nonce: 1 to 64 bytes, fresh from whoever is to verify the token. The token has it, followed
            by zeros if it is shorter than 64 bytes, as its challenge.

    Raises:
        ValueError: the nonce is empty or too long.
        AttestationError: no token is to be had.
    """
    if not 1 <= len(nonce) <= NONCE_MAX:
        raise ValueError(f"a nonce has 1 to {NONCE_MAX} bytes, not {len(nonce)}")
    if not os.path.isdir(_rsi.REPORTS):
        _rsi.prepare()
    report = f"{_rsi.REPORTS}/realmos-{os.urandom(8).hex()}"
    try:
        os.mkdir(report)
    except OSError as error:
        raise AttestationError(f"no report can be asked for: {_why(error)}") from error
    try:
        return _fetch(report, nonce)
    except OSError as error:
        raise AttestationError(f"the kernel has no token for us: {_why(error)}") from error
    finally:
        os.rmdir(report)


def measure(index: int, data: bytes) -> None:
    """Extend a REM: its new value is the hash of its old value followed by `data`.

    Args:
        index: 1 to 4; REM 1 is the agent's.
        data: at most 64 bytes, so of anything longer its hash.

    Raises:
        ValueError: there is no such REM, or there is too much data.
        AttestationError: this process may not, or another has claimed the REM.
    """
    _check_index(index)
    if len(data) > abi.VALUE_MAX:
        raise ValueError(f"a REM takes {abi.VALUE_MAX} bytes, not {len(data)}: measure their hash")
    _rsi.extend(index, data)


def claim(index: int) -> None:
    """Keep a REM for this process, and for those that it forks without executing another program.

    Others can go on reading the REM, but not extend it, until this process and those have ended.

    Raises:
        ValueError: there is no such REM.
        AttestationError: this process may not, or another has claimed the REM.
    """
    _check_index(index)
    _rsi.claim(index)


def measurements() -> Measurements:
    """Return the realm's measurements as they are now.

    Raises:
        AttestationError: they are not to be had.
    """
    rems = tuple(_rsi.read_measurement(index) for index in _REMS)
    return Measurements((_rsi.read_measurement(abi.RIM), rems))


def config() -> Config:
    """Return what the RMM says of this realm.

    Raises:
        AttestationError: it is not to be had.
    """
    ipa_width, hash_algorithm, rpv = _rsi.read_config()
    return Config((ipa_width, _HASHES.get(hash_algorithm, str(hash_algorithm)), rpv))


def _check_index(index: int) -> None:
    if index not in _REMS:
        raise ValueError(f"there are REM {_REMS[0]} to REM {_REMS[-1]}, and no REM {index}")


def _fetch(report: str, nonce: bytes) -> bytes:
    """Ask for one report.

    Raises:
        OSError: the kernel refuses.
        AttestationError: somebody else writes to the same report.
    """
    fd = os.open(f"{report}/inblob", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, nonce.ljust(NONCE_MAX, b"\0"))  # the kernel refuses less than 32 bytes
    finally:
        os.close(fd)
    answer = _read(f"{report}/outblob")
    if _read(f"{report}/generation").strip() != _GENERATION:
        raise AttestationError("another program wrote to our report: the token may answer that one")
    return answer


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(fd, _CHUNK):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(fd)


def _why(error: OSError) -> str:
    return "that takes root" if isinstance(error, PermissionError) else str(error.strerror)
