# SPDX-License-Identifier: BSD-3-Clause
"""Values of a token as text that a terminal or a log can be given: a token may say anything."""

from typing import Final

import cbor2

from realmos.attest._cbor import is_map

_LONGEST: Final = 256
"""Characters of a text, or of a claim without a name here, that are worth showing."""


def printable(text: str) -> str:
    """Return `text` with everything but printable characters escaped."""
    if text.isprintable():
        return text
    escaped = (
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
    return "".join(escaped)


def shown(value: object) -> str:
    """Return a decoded value as text: byte strings in hexadecimal, texts without control codes."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        return _cut(printable(value))
    return _cut(_nested(value))


def _nested(value: object) -> str:  # noqa: PLR0911 (a line each)
    if isinstance(value, bytes):
        return f"h'{value.hex()}'"
    if isinstance(value, str):
        return f'"{printable(value)}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_nested, value))}]"
    if is_map(value):
        return f"{{{', '.join(f'{_nested(k)}: {_nested(v)}' for k, v in value.items())}}}"
    if isinstance(value, cbor2.CBORTag):
        return f"{value.tag}({_nested(value.value)})"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
