# SPDX-License-Identifier: BSD-3-Clause
"""The Python API for attestation, with a directory for the kernel: checks, errors, clean-up."""

import errno
import fcntl
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import realmos_abi
from realmos_abi.python import module
from realmos_agent import _rsi, attestation
from realmos_agent import _rsi_numbers as abi

NONCE = b"nonce"
RPV = bytes(range(64))


class Kernel:
    """Answers ioctls on a plain file, and makes reports in a plain directory."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reports = path / "report"
        self.reports.mkdir()
        self.requests: list[tuple[int, object]] = []
        self.error = 0
        self.generation = b"1\n"
        self._mkdir = os.mkdir
        device = path / "realm-rsi"
        device.symlink_to("/dev/null")  # a character device
        monkeypatch.setattr(_rsi, "DEVICE", str(device))
        monkeypatch.setattr(_rsi, "REPORTS", str(self.reports))
        monkeypatch.setattr(_rsi, "_writer", _rsi._Writer())  # noqa: SLF001
        monkeypatch.setattr(fcntl, "ioctl", self._ioctl)
        monkeypatch.setattr(os, "mkdir", self._make_report)
        monkeypatch.setattr(os, "rmdir", self._remove_report)

    def _ioctl(self, _fd: int, command: int, argument: int | bytes) -> bytes:
        self.requests.append((command, argument))
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        if command == abi.CONFIG:
            return struct.pack(abi.CONFIG_FORMAT, 33, abi.SHA_512, RPV)
        if command == abi.MEASUREMENT_READ:
            assert isinstance(argument, bytes)
            (index,) = struct.unpack_from("<I", argument)
            return struct.pack(abi.MEASUREMENT_FORMAT, index, 32, bytes([index]) * 32)
        return b""

    def _make_report(self, path: str) -> None:
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        self._mkdir(path)
        (Path(path) / "inblob").touch()
        (Path(path) / "outblob").write_bytes(b"token" * 1000)
        (Path(path) / "generation").write_bytes(self.generation)

    def _remove_report(self, path: str) -> None:
        self.nonce = (Path(path) / "inblob").read_bytes()
        for name in ("inblob", "outblob", "generation"):
            (Path(path) / name).unlink(missing_ok=True)
        Path(path).rename(self.reports.parent / "removed")


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    return Kernel(tmp_path, monkeypatch)


def test_numbers_are_those_of_their_table() -> None:
    path = Path(attestation.__file__).with_name("_rsi_numbers.py")
    assert path.read_text("utf-8") == module(realmos_abi.load("rsi_device"))


def test_importing_it_costs_next_to_nothing() -> None:
    source = "import sys; from realmos_agent import attestation; print(*sys.modules)"
    argv = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {source}"]
    found = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    assert not {"collections", "dataclasses", "enum", "re", "subprocess", "typing"} & set(found)


def test_measuring_asks_for_the_rem_and_its_data(kernel: Kernel) -> None:
    attestation.measure(4, b"data")
    attestation.claim(1)
    assert kernel.requests == [
        (abi.MEASUREMENT_EXTEND, struct.pack(abi.MEASUREMENT_FORMAT, 4, 4, b"data")),
        (abi.CLAIM, 1),
    ]


def test_measurements_have_the_size_of_the_hash(kernel: Kernel) -> None:
    found = attestation.measurements()
    assert found.rim == bytes(32)
    assert found.rems == tuple(bytes([index]) * 32 for index in (1, 2, 3, 4))
    assert all(command == abi.MEASUREMENT_READ for command, _ in kernel.requests)


def test_the_configuration_is_read(kernel: Kernel) -> None:
    config = attestation.config()
    assert (config.ipa_width, config.hash_algorithm, config.rpv) == (33, "sha-512", RPV)
    assert len(kernel.requests) == 1


@pytest.mark.parametrize("index", [0, 5, -1])
@pytest.mark.parametrize("call", [lambda n: attestation.measure(n, b""), attestation.claim])
def test_an_index_that_is_no_rems_is_refused(
    kernel: Kernel, call: Callable[[int], None], index: int
) -> None:
    with pytest.raises(ValueError, match=f"no REM {index}"):
        call(index)
    assert not kernel.requests


def test_too_much_data_is_refused_and_the_fix_named(kernel: Kernel) -> None:
    attestation.measure(2, bytes(64))
    with pytest.raises(ValueError, match="takes 64 bytes, not 65: measure their hash"):
        attestation.measure(2, bytes(65))
    assert len(kernel.requests) == 1


@pytest.mark.parametrize(
    ("code", "index", "why"),
    [
        (errno.EBUSY, 1, "another process has claimed it; REM 1 is the agent's: use 2 to 4"),
        (errno.EBUSY, 3, "another process has claimed it; it is free once that one ends"),
        (errno.EPERM, 3, "that takes CAP_SYS_ADMIN"),
        (errno.EIO, 3, os.strerror(errno.EIO)),
    ],
)
def test_what_the_kernel_refuses_is_explained(
    kernel: Kernel, code: int, index: int, why: str
) -> None:
    kernel.error = code
    with pytest.raises(attestation.AttestationError, match=f"REM {index} cannot be extended: .*"):
        attestation.measure(index, b"")
    with pytest.raises(attestation.AttestationError) as caught:
        attestation.claim(index)
    assert str(caught.value) == f"REM {index} cannot be claimed: {why}"


def test_a_token_is_fetched_by_a_report_that_is_removed(kernel: Kernel) -> None:
    assert attestation.token(NONCE) == b"token" * 1000
    assert kernel.nonce == NONCE.ljust(64, b"\0")
    assert list(kernel.reports.iterdir()) == []


def test_a_report_that_another_program_writes_to_is_not_believed(kernel: Kernel) -> None:
    kernel.generation = b"2\n"
    with pytest.raises(attestation.AttestationError, match="another program wrote to our report"):
        attestation.token(NONCE)
    assert list(kernel.reports.iterdir()) == []


def test_a_report_that_cannot_be_made_is_explained(kernel: Kernel) -> None:
    kernel.error = errno.EACCES
    with pytest.raises(attestation.AttestationError, match="that takes root"):
        attestation.token(NONCE)


@pytest.mark.parametrize("nonce", [b"", bytes(65)])
def test_a_nonce_of_another_size_is_refused(kernel: Kernel, nonce: bytes) -> None:
    with pytest.raises(ValueError, match="1 to 64 bytes"):
        attestation.token(nonce)
    assert list(kernel.reports.parent.glob("removed")) == []


@pytest.mark.parametrize(
    "call", [lambda: attestation.token(NONCE), attestation.config, attestation.measurements]
)
def test_outside_a_realm_the_error_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]
) -> None:
    for name in ("DEVICE", "REPORTS", "_MODULE_LIST"):
        monkeypatch.setattr(_rsi, name, str(tmp_path / "absent"))
    with pytest.raises(attestation.AttestationError, match="not one of realmos's images"):
        call()


@pytest.fixture
def init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands for PID 1's program in an image whose device is not there yet."""
    monkeypatch.setattr(_rsi, "DEVICE", str(tmp_path / "device"))
    monkeypatch.setattr(_rsi, "_MODULE_LIST", str(tmp_path))
    path = tmp_path / "init"
    monkeypatch.setattr(_rsi, "_INIT", str(path))
    return path


def write_program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(0o755)


def test_what_prevents_attestation_is_passed_on(init: Path) -> None:
    write_program(init, 'test "$1" = attestation && echo "init: module x: denied" >&2; exit 1')
    with pytest.raises(
        attestation.AttestationError, match=r"init: module x: denied; its first use"
    ):
        attestation.config()
    init.unlink()
    with pytest.raises(attestation.AttestationError, match="cannot prepare attestation"):
        attestation.config()


def test_an_image_without_the_device_is_told_of_the_key(init: Path) -> None:
    write_program(init, "exit 0")
    with pytest.raises(attestation.AttestationError, match=r"set rsi_device in its image\.toml"):
        attestation.config()
