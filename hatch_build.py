# SPDX-License-Identifier: BSD-3-Clause
"""Adds single files to wheels: hatchling's `sources` maps folders only.

Not for editable installs, which read the checkout itself and would keep a stale copy.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SingleFiles(BuildHookInterface[Any]):
    """The build hook; its table in pyproject.toml names the files and where they go."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files of the hook's table to a wheel."""
        if version == "standard":
            build_data["force_include"].update(self.config["files"])
