# SPDX-License-Identifier: BSD-3-Clause
"""The peer's flash: where TF-A finds OP-TEE in it, and which OP-TEE is refused."""

import struct
from pathlib import Path
from uuid import UUID

import pytest
from realmos.cache import Cache, sha256_file
from realmos.errors import FirmwareError
from realmos.firmware import PEER_LOCK, Component, build_optee_flash, optee
from realmos.firmware.tfa import TrustedFirmware
from realmos.progress import Reporter, Silent
from realmos.source import Lock, lock_file, read
from realmos.source.toolchain import CrossCompiler

HEADER = b"OPTE\x02\x01" + bytes(2) + (1).to_bytes(4, "little") + bytes(16)
# TF-A, include/tools_share/firmware_image_package.h
TRUSTED_OS = "05d0e189-53dc-1347-8d2b-500a4b7a3e38"
TRUSTED_OS_EXTRA1 = "0b70c29b-2a5a-7840-9f65-0a5682738288"
FIP_AT = 0x40000


class Debian:
    """What stands in for TF-A's build, and for the package of OP-TEE."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.files = {"tee-header_v2.bin": HEADER, "tee-pager_v2.bin": b"the kernel of OP-TEE"}
        self.kernel = 0

    def component(self, name: str) -> Component:
        path = self.home / name
        path.write_bytes(name.encode())
        return Component(name, path, sha256_file(path), "2.12", "here")

    def tfa(
        self, cache: Cache, reporter: Reporter, compiler: CrossCompiler, *, kernel: int
    ) -> TrustedFirmware:
        del cache, reporter, compiler
        self.kernel = kernel
        bl1, bl2, bl31 = map(self.component, ("bl1", "bl2", "bl31"))
        return TrustedFirmware(bl1, bl2, bl31, self.home, ())

    def fetch(self, lock: Lock, cache: Cache, reporter: Reporter) -> dict[str, Path]:
        del cache, reporter
        assert [package.name for package in lock.packages] == ["optee-os"]
        return {"optee-os": self.home / "optee-os.deb"}

    def extract(self, deb: Path, member: str, to: Path) -> None:
        assert deb.name == "optee-os.deb"
        assert member.startswith("usr/lib/optee/vexpress-qemu_armv8a/")
        to.write_bytes(self.files[Path(member).name])


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Debian:
    made = Debian(tmp_path)
    compiler = CrossCompiler("aarch64-linux-gnu-", "gcc 12; ld 2.40", "12.2.0")
    monkeypatch.setattr(optee, "find_cross_compiler", lambda: compiler)
    monkeypatch.setattr(optee, "build_optee_tfa", made.tfa)
    monkeypatch.setattr(optee, "fetch", made.fetch)
    monkeypatch.setattr(optee, "extract", made.extract)
    return made


def build(tmp_path: Path) -> bytes:
    return build_optee_flash(Cache(tmp_path / "cache"), Silent()).path.read_bytes()


def entries(package: bytes) -> dict[str, bytes]:
    """Read a firmware package by its format alone."""
    found: dict[str, bytes] = {}
    for at in range(16, len(package), 40):
        uuid, offset, size, _flags = struct.unpack_from("<16sQQQ", package, at)
        if uuid == bytes(16):
            return found
        found[str(UUID(bytes=uuid))] = package[offset : offset + size]
    raise AssertionError


def test_flash_holds_op_tee_and_its_header_under_the_names_of_tf_a(
    debian: Debian, tmp_path: Path
) -> None:
    flash = build(tmp_path)
    assert flash.startswith(b"bl1\0")
    package = entries(flash[FIP_AT:])
    assert package[TRUSTED_OS] == HEADER
    assert package[TRUSTED_OS_EXTRA1] == b"the kernel of OP-TEE"
    assert {b"bl2", b"bl31"} < set(package.values())
    assert len(package) == 4
    assert debian.kernel == 0x44000000


def test_flash_says_which_versions_it_is_made_from(debian: Debian, tmp_path: Path) -> None:
    flash = build_optee_flash(Cache(tmp_path / "cache"), Silent())
    assert flash.optee == read(lock_file(PEER_LOCK)).version("optee-os")
    assert flash.tfa == debian.component("bl31").version


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\x7fELF" + HEADER[4:],
        HEADER[:8] + (2).to_bytes(4, "little") + HEADER[12:],  # with a pager
        HEADER[:5] + b"\0" + HEADER[6:],  # for AArch32
    ],
)
def test_another_kind_of_op_tee_is_refused(debian: Debian, tmp_path: Path, header: bytes) -> None:
    debian.files["tee-header_v2.bin"] = header
    with pytest.raises(FirmwareError, match="one image for AArch64") as caught:
        build(tmp_path)
    assert "realmos lock peer" in caught.value.hint
