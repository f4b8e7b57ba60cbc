# SPDX-License-Identifier: BSD-3-Clause
"""How the words behind options are read: each function is an argparse `type`."""

import argparse
import math
import re
from uuid import UUID

from realmos.attest import NONCE_MAX

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def size(text: str) -> int:
    """Parse a size such as 512M or 1G into bytes."""
    found = re.fullmatch(r"(\d+)([KMG]?)(?:i?B)?", text, re.IGNORECASE)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512M or 1G")
    return int(found[1]) * _UNITS[found[2].upper()]


def rpv(text: str) -> bytes:
    """Parse a realm personalisation value: at most 128 hexadecimal digits."""
    try:
        value = bytes.fromhex(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not hexadecimal") from error
    if len(value) > 64:
        raise argparse.ArgumentTypeError("a realm personalisation value has at most 64 bytes")
    return value


def seconds(text: str) -> float:
    """Parse a time-out: a number of seconds above zero."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above zero")
    return value


def count(text: str) -> int:
    """Parse how often to do something: at least once."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above zero")
    return int(text)


def setting(text: str) -> tuple[str, str]:
    """Parse NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def transfer(text: str) -> tuple[str, str]:
    """Parse FROM:TO."""
    source, colon, target = text.rpartition(":")
    if not source or not colon or not target:
        raise argparse.ArgumentTypeError(f"{text!r} is not FROM:TO")
    return source, target


def uuid(text: str) -> UUID:
    """Parse a UUID."""
    try:
        return UUID(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a UUID such as {UUID(int=0)}") from error


def nonce(text: str) -> bytes:
    """Parse a nonce: 2 to 128 hexadecimal digits."""
    try:
        value = bytes.fromhex(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not hexadecimal, two digits for each byte"
        ) from error
    if not 0 < len(value) <= NONCE_MAX:
        raise argparse.ArgumentTypeError(
            f"a nonce has 1 to {NONCE_MAX} bytes, and this one {len(value)}"
        )
    return value
