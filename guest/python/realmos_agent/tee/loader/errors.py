# SPDX-License-Identifier: BSD-3-Clause
"""Why a TA is not loaded."""

from realmos_agent.tee.errors import TeeError


class LoadError(TeeError):
    """A TA is refused with a result code; the message says why, and what helps."""

    def __init__(self, message: str, code: int) -> None:
        """Refuse it."""
        super().__init__(code, message=message)


class MissingLibraryError(LoadError):
    """A TA, or a library that it is linked with, is nowhere."""


class UnknownSignerError(LoadError):
    """No configured key vouches for a TA or library; nothing else is said of it."""
