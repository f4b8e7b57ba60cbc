# SPDX-License-Identifier: BSD-3-Clause
"""From a recipe to an image: kernel and initramfs in the cache, nothing placed yet."""

from dataclasses import dataclass

import realmos_abi

from realmos.cache import Cache
from realmos.image import recipe as recipes
from realmos.image.devicetree import render_cmdline
from realmos.image.initramfs import Initramfs, build_initramfs
from realmos.image.kernel import Kernel, build_debian
from realmos.image.recipe import DebianKernel, Recipe
from realmos.image.smallkernel import build_from_source
from realmos.progress import Reporter
from realmos.source import Lock, read

_LOCK = "packages.lock"
_UART = realmos_abi.load("platform")["QEMU_UART0_BASE"]


@dataclass(frozen=True)
class Image:
    """A guest image: everything that is the same for all realms made from it.

    Attributes:
        recipe: what it was made by.
        kernel: its kernel.
        initrd: its initramfs.
        lock: the packages that it was made from.
    """

    recipe: Recipe
    kernel: Kernel
    initrd: Initramfs
    lock: Lock

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.recipe.name

    def plain_cmdline(self, extra: str) -> str:
        """Return the kernel's command line on QEMU's own machine: a realm's, but for the UART.

        Args:
            extra: words appended, as to a realm's.
        """
        return render_cmdline(self.recipe.boot, extra=extra, earlycon=_UART)

    def manifest(self) -> dict[str, object]:
        """Return what it is made of, for `realmos build --json`."""
        return {
            "name": self.name,
            "kernel": {
                "release": self.kernel.release,
                "origin": self.kernel.origin,
                "sha256": self.kernel.sha256,
                "bytes": self.kernel.size,
            },
            "initramfs": {
                "sha256": self.initrd.sha256,
                "bytes": self.initrd.size,
                "unpacked bytes": self.initrd.unpacked_size,
            },
            "packages": {item.name: item.version for item in self.lock.items},
        }


def build_image(name: str, cache: Cache, reporter: Reporter) -> Image:
    """Return an image, built if the cache does not hold it; a warm cache needs no network.

    Args:
        name: of a recipe, or the path of a directory with an image.toml and a packages.lock.
        cache: where its parts are kept.
        reporter: progress.

    Raises:
        ConfigError: there is no such recipe, it is malformed, or its kernel is no realm's.
        SourceError: packages cannot be had.
        ToolError: a compiler or other program is absent, or fails.
    """
    return build_recipe(recipes.load(name), cache, reporter)


def build_recipe(recipe: Recipe, cache: Cache, reporter: Reporter) -> Image:
    """Return the image of a recipe, with the package lock that lies beside it; as `build_image`."""
    lock = read(recipe.directory / _LOCK)
    if isinstance(recipe.kernel, DebianKernel):
        kernel = build_debian(recipe.kernel, lock, cache, reporter)
    else:
        kernel = build_from_source(recipe.kernel, lock, cache, reporter)
    return Image(recipe, kernel, build_initramfs(recipe, kernel, lock, cache, reporter), lock)
