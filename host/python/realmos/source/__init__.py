# SPDX-License-Identifier: BSD-3-Clause
"""Sources: packages from Debian's archive by locked version and hash, and tools to build with."""

from realmos.source._mirror import build_architecture
from realmos.source.apt import BACKPORTS, STABLE
from realmos.source.deb import unpack, unpack_tar
from realmos.source.doctor import Requirement, requirements
from realmos.source.lock import Lock, Package, SourceFile, fetch, read, write
from realmos.source.qemu import Qemu, find_qemu, qemu_user
from realmos.source.recipe import lock_file, move_lock
from realmos.source.toolchain import CrossCompiler, find_cross_compiler

__all__ = [
    "BACKPORTS",
    "STABLE",
    "CrossCompiler",
    "Lock",
    "Package",
    "Qemu",
    "Requirement",
    "SourceFile",
    "build_architecture",
    "fetch",
    "find_cross_compiler",
    "find_qemu",
    "lock_file",
    "move_lock",
    "qemu_user",
    "read",
    "requirements",
    "unpack",
    "unpack_tar",
    "write",
]
