# SPDX-License-Identifier: BSD-3-Clause
"""Firmware: TF-A, the RMM and the monitor, put together into the flash that the machine boots."""

import hashlib
from pathlib import Path

from realmos.anchor import DevelopmentAnchor
from realmos.cache import Cache, sha256_file
from realmos.firmware._anchoring import anchor_firmware
from realmos.firmware._component import Component, Firmware, from_file
from realmos.firmware.cimage import build_bench, build_monitor, build_rmm
from realmos.firmware.flash import Flash, build_flash, write_flash
from realmos.firmware.mbedtls import find_mbedtls
from realmos.firmware.optee import PEER_KERNEL, PEER_LOCK, OpteeFlash, build_optee_flash
from realmos.firmware.tfa import build_tfa
from realmos.progress import Reporter
from realmos.source.toolchain import find_cross_compiler

__all__ = [
    "PEER_KERNEL",
    "PEER_LOCK",
    "Component",
    "Firmware",
    "Flash",
    "OpteeFlash",
    "build_bench_flash",
    "build_firmware",
    "build_flash",
    "build_optee_flash",
]

_FLASH = "flash.bin"


def build_firmware(
    cache: Cache,
    reporter: Reporter,
    *,
    rmm: Path | None = None,
    bl33: Path | None = None,
    stock_tfa: bool = False,
    anchor: DevelopmentAnchor | None = None,
) -> Flash:
    """Return the flash image, building what the cache does not hold.

    Args:
        cache: where everything built is kept.
        reporter: progress.
        rmm: a raw RMM image to use instead of ours.
        bl33: a raw normal-world image to use instead of the monitor.
        stock_tfa: build TF-A without our fixes, to try what does not need them.
        anchor: what signs the platform token; None for TF-A's sample, which anybody can forge.

    Raises:
        FirmwareError: an image brought in cannot be used; or there is an anchor, and TF-A without
            our fixes has no place for its token.
        SourceError: the source of TF-A or mbedTLS cannot be had.
        ToolError: a program that builds need is absent or fails.
    """
    chosen_rmm = from_file("rmm", rmm) if rmm else None
    brought_bl33 = from_file("bl33", bl33) if bl33 else None
    compiler = find_cross_compiler()
    tfa = build_tfa(cache, reporter, compiler, stock=stock_tfa)
    sources = tfa.sources
    if chosen_rmm is None:
        mbedtls = find_mbedtls(cache, reporter)
        chosen_rmm = build_rmm(cache, reporter, compiler, mbedtls.path)
        sources += mbedtls.sources
    firmware = Firmware(
        bl1=tfa.bl1,
        bl2=tfa.bl2,
        bl31=tfa.bl31,
        rmm=chosen_rmm,
        bl33=brought_bl33 or build_monitor(cache, reporter, compiler, tfa.libfdt),
        sources=sources,
        compiler=compiler.identity,
    )
    anchoring = anchor_firmware(firmware, anchor)
    inputs = {part.name: part.sha256 for part in firmware.components}
    # The token names all that is public about the anchor, the RMM's key among it.
    inputs["platform token"] = hashlib.sha256(anchoring.token).hexdigest()

    def make(out: Path) -> None:
        out.chmod(0o700)
        write_flash(firmware, anchoring, out=out / _FLASH)

    path = cache.build("flash", inputs, make) / _FLASH
    return Flash(path, sha256_file(path), firmware, anchoring.anchor, anchoring.components)


def build_bench_flash(cache: Cache, reporter: Reporter, *, rmm: Path | None = None) -> Flash:
    """Return a flash image whose normal world counts what the RMM's operations cost.

    Args:
        cache: where everything built is kept.
        reporter: progress.
        rmm: a raw RMM image to use instead of ours.

    Raises:
        FirmwareError: the image brought in cannot be used.
        SourceError: the source of TF-A or mbedTLS cannot be had.
        ToolError: a program that builds need is absent or fails.
    """
    bench = build_bench(cache, reporter, find_cross_compiler())
    return build_firmware(cache, reporter, rmm=rmm, bl33=bench.path)
