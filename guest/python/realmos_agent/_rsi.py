# SPDX-License-Identifier: BSD-3-Clause
"""The kernel's two ways to the RMM: the device /dev/realm-rsi, and the directory of reports.

Neither is there when a realm starts: few programs need them, and every realm would start later.
The image's PID 1 prepares both for whoever asks first. `realmos_agent.attestation` is what programs
use; numbers and layouts come from the ABI table `rsi_device`, and guest/rsi is the other side.
"""

import _thread
import errno
import fcntl
import os
import stat
import struct

from realmos_agent import _rsi_numbers as abi

DEVICE = "/dev/realm-rsi"
REPORTS = "/sys/kernel/config/tsm/report"

_INIT = "/init"
_MODULE_LIST = "/etc/realmos/lazy-modules"
_MESSAGE_MAX = 4096


class AttestationError(Exception):
    """Attestation is not to be had; says why, and what helps."""


class NoDeviceError(AttestationError):
    """The image has no way to the measurements: nobody took it away."""


class _Writer:
    """The descriptor by which this process extends: it holds what the process claims."""

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()
        self._fd = -1

    def fd(self) -> int:
        with self._lock:
            if self._fd < 0:
                self._fd = _open(os.O_RDWR)
            return self._fd


_writer = _Writer()


def read_measurement(index: int) -> bytes:
    """Return a measurement: the RIM at index 0, then the REMs.

    Raises:
        AttestationError: the device is not there.
    """
    request = struct.pack(abi.MEASUREMENT_FORMAT, index, 0, b"")
    answer = _ask(abi.MEASUREMENT_READ, request)
    _, size, value = struct.unpack(abi.MEASUREMENT_FORMAT, answer)
    return bytes(value[:size])


def read_config() -> tuple[int, int, bytes]:
    """Return bits of an IPA, number of the hash algorithm, and realm personalization value.

    Raises:
        AttestationError: the device is not there.
    """
    answer = _ask(abi.CONFIG, bytes(abi.CONFIG_SIZE))
    ipa_width, hash_algorithm, rpv = struct.unpack(abi.CONFIG_FORMAT, answer)
    return ipa_width, hash_algorithm, rpv


def extend(index: int, data: bytes) -> None:
    """Extend a REM.

    Raises:
        AttestationError: the device is not there, this process may not, or another claims the REM.
    """
    request = struct.pack(abi.MEASUREMENT_FORMAT, index, len(data), data)
    try:
        fcntl.ioctl(_writer.fd(), abi.MEASUREMENT_EXTEND, request)
    except OSError as error:
        raise _refused(f"REM {index} cannot be extended", index, error) from error


def claim(index: int) -> None:
    """Keep a REM for this process.

    Raises:
        AttestationError: the device is not there, this process may not, or another claims the REM.
    """
    try:
        fcntl.ioctl(_writer.fd(), abi.CLAIM, index)
    except OSError as error:
        raise _refused(f"REM {index} cannot be claimed", index, error) from error


def prepare() -> None:
    """Have PID 1's program load the kernel's modules and mount the file system of reports.

    Raises:
        AttestationError: this is no realm, or it cannot be done.
    """
    if not os.path.exists(_MODULE_LIST):
        raise NoDeviceError(
            f"there is no {DEVICE}, and no {_MODULE_LIST} to make it: this is not one of realmos's "
            "images; use `realmos run`"
        )
    read_fd, write_fd = os.pipe2(os.O_CLOEXEC)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, write_fd, 2)]
        pid = os.posix_spawn(_INIT, [_INIT, "attestation"], {}, file_actions=actions)
    except OSError as error:
        os.close(read_fd)
        raise AttestationError(f"{_INIT} cannot prepare attestation: {error.strerror}") from error
    finally:
        os.close(write_fd)
    complaint = os.read(read_fd, _MESSAGE_MAX).decode("utf-8", "replace").strip()
    os.close(read_fd)
    _, status = os.waitpid(pid, 0)
    if status != 0:
        raise AttestationError(
            f"attestation cannot be prepared: {complaint or status}; its first use takes root"
        )


def _ask(command: int, request: bytes) -> bytes:
    fd = _open(os.O_RDONLY)
    try:
        return fcntl.ioctl(fd, command, request)
    except OSError as error:
        raise AttestationError(f"{DEVICE}: the RMM refused: {error.strerror}") from error
    finally:
        os.close(fd)


def _open(flags: int) -> int:
    try:
        try:
            fd = os.open(DEVICE, flags | os.O_CLOEXEC)
        except FileNotFoundError:
            prepare()
            fd = os.open(DEVICE, flags | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise NoDeviceError(
            f"there is no {DEVICE}: the image's kernel lacks it; set rsi_device in its image.toml"
        ) from error
    except PermissionError as error:
        raise AttestationError(f"{DEVICE}: only root extends measurements") from error
    except OSError as error:
        raise AttestationError(f"{DEVICE}: {error.strerror}") from error
    if not stat.S_ISCHR(os.fstat(fd).st_mode):
        os.close(fd)
        raise AttestationError(f"{DEVICE} is not the device: somebody put a file in its place")
    return fd


def _refused(what: str, index: int, error: OSError) -> AttestationError:
    if error.errno == errno.EBUSY:
        return AttestationError(f"{what}: another process has claimed it; {_advice(index)}")
    if error.errno == errno.EPERM:
        return AttestationError(f"{what}: that takes CAP_SYS_ADMIN")
    return AttestationError(f"{what}: {error.strerror}")


def _advice(index: int) -> str:
    return "REM 1 is the agent's: use 2 to 4" if index == 1 else "it is free once that one ends"
