# SPDX-License-Identifier: BSD-3-Clause
"""realmos: build, boot and use Arm CCA realms on QEMU's emulated RME platform."""

from importlib.metadata import version

__version__ = version("realmos")
