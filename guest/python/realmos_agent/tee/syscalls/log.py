# SPDX-License-Identifier: BSD-3-Clause
"""The log of a TA: lines for people, which whoever reads the core's log must be able to trust."""

from realmos_agent.tee import numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.context import TaContext

_SIZE_MAX = 4096  # of one call's text; what is longer is cut
_LINES_MAX = 64  # the same; those that are empty are not worth a line


def log(ta: "TaContext", text: bytes) -> None:
    """Write the lines of `text`; control characters, that could pass for others' lines, escaped."""
    shown = text[:_SIZE_MAX].decode("utf-8", "backslashreplace").rstrip("\0")
    lines = [line for line in (each.rstrip("\r") for each in shown.split("\n")) if line]
    for line in lines[:_LINES_MAX]:
        ta.log("".join(_shown(character) for character in line))
    if len(lines) > _LINES_MAX:
        ta.log(f"({len(lines) - _LINES_MAX} lines more)")
    if len(text) > _SIZE_MAX:
        ta.log(f"({len(text) - _SIZE_MAX} bytes more)")


def _shown(character: str) -> str:
    if character.isprintable() or character == "\t":
        return character
    return character.encode("unicode_escape").decode("ascii")


HANDLERS = {numbers.CALL_LOG: log}
