# SPDX-License-Identifier: BSD-3-Clause
"""The agent inside a realm: runs workloads and moves files for its peer on the build machine.

It starts on an emulated processor, where every imported module is felt: nothing here imports
`typing`, `enum`, `dataclasses`, `signal`, `subprocess` or `re` before the first session is open.
Importing those at the top of a module would delay every boot by tenths of a second.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
