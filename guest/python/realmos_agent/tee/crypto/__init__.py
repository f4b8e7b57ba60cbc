# SPDX-License-Identifier: BSD-3-Clause
"""The TEE core's cryptography: key objects, and operations on them, by kind of algorithm."""
