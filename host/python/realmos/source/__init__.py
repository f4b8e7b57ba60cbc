# SPDX-License-Identifier: BSD-3-Clause
"""Sources: packages from Debian's archive by locked version and hash, and tools to build with."""
