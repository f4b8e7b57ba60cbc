# SPDX-License-Identifier: BSD-3-Clause
"""What can be wrong with a store as a whole."""

from realmos_agent.tee import numbers
from realmos_agent.tee.errors import TeeError


class StoreError(TeeError):
    """The store cannot be trusted or reached; the text says why."""

    def __init__(self, cause: str) -> None:
        super().__init__(numbers.ERROR_STORAGE_NOT_AVAILABLE)
        self.cause = cause

    def __str__(self) -> str:
        """Return the cause."""
        return self.cause


class UnsettledError(StoreError):
    """And it is not known whether the change was made: the next use of the store tells."""
