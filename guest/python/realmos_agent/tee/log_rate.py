# SPDX-License-Identifier: BSD-3-Clause
"""How fast a TA may fill the log, which all TAs share and somebody keeps."""

from time import monotonic

LINES_AT_ONCE = 2000
_LINES_A_SECOND = 500


class LogRate:
    """Of one source of lines: an instance, or what is asked for in vain.

    Attributes:
        left_out: how many lines have been left out since one was let through.
    """

    def __init__(self) -> None:
        self.left_out = 0
        self._room: float = LINES_AT_ONCE
        self._since = monotonic()

    def admits(self) -> bool:
        """Whether one more line may be written now; if not, it is counted as left out."""
        now = monotonic()
        self._room = min(LINES_AT_ONCE, self._room + (now - self._since) * _LINES_A_SECOND)
        self._since = now
        if self._room < 1:
            self.left_out += 1
            return False
        self._room -= 1
        return True

    def take_left_out(self) -> int:
        """Return how many lines were left out, and count from zero again."""
        count, self.left_out = self.left_out, 0
        return count
