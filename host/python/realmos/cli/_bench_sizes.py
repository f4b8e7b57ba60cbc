# SPDX-License-Identifier: BSD-3-Clause
"""How large the images are, and the code of ours that RMM and monitor are built from."""

from pathlib import Path

from realmos import tree
from realmos.session import Prepared

_LANGUAGES = {"C": (".c", ".h"), "assembly": (".S",)}
_CODE = {
    "rmm": ("rmm/src", "rmm/mbedtls", "rmm/rmm.ld.S"),
    "monitor": ("host/monitor",),
    "shared": ("rmm/lib",),
}
"""Where code lies that is in one image alone, or in both."""


def sizes(prepared: Prepared) -> dict[str, int]:
    """Return the bytes of each image that a machine boots.

    Not all of them is ours: the monitor holds libfdt, the RMM parts of mbedTLS.
    """
    flash, image = prepared.flash, prepared.image
    return {
        "rmm": flash.rmm.path.stat().st_size,
        "monitor": flash.bl33.path.stat().st_size,
        "kernel": image.kernel.path.stat().st_size,
        "initramfs": image.initrd.path.stat().st_size,
    }


def lines_of_code() -> dict[str, dict[str, int]]:
    """Return the lines of our own code, generated headers excepted, by image and language."""
    return {
        image: {language: _lines(image, endings) for language, endings in _LANGUAGES.items()}
        for image in _CODE
    }


def code_of(image: str) -> list[Path]:
    """Return the files of our own that an image is built from: `rmm`, `monitor` or `shared`."""
    root = tree.root()
    found: list[Path] = []
    for name in _CODE[image]:
        place = root / name
        found += place.rglob("*") if place.is_dir() else [place]
    return sorted(path for path in found if path.is_file())


def _lines(image: str, endings: tuple[str, ...]) -> int:
    files = [path for path in code_of(image) if path.suffix in endings]
    return sum(len(path.read_text("utf-8").splitlines()) for path in files)
