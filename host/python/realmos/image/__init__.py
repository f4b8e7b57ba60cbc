# SPDX-License-Identifier: BSD-3-Clause
"""Guest images: from a recipe and its package lock to kernel and initramfs, placed in memory."""

from realmos.image.build import Image, build_image, build_recipe
from realmos.image.devicetree import compile_source, mpidr
from realmos.image.initramfs import EDGE, Initramfs
from realmos.image.kernel import Kernel
from realmos.image.layout import Load, Placement, minimum_memory, place
from realmos.image.recipe import Recipe, load, names
from realmos.image.symbolfile import symbol_file
from realmos.image.tarunner import build_runner
from realmos.image.teeedge import build_edge

__all__ = [
    "EDGE",
    "Image",
    "Initramfs",
    "Kernel",
    "Load",
    "Placement",
    "Recipe",
    "build_edge",
    "build_image",
    "build_recipe",
    "build_runner",
    "compile_source",
    "load",
    "minimum_memory",
    "mpidr",
    "names",
    "place",
    "symbol_file",
]
