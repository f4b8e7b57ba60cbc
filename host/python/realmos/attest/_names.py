# SPDX-License-Identifier: BSD-3-Clause
"""Names that tokens and policies use: hash algorithms, profiles, and life cycle states.

A hash is looked up here by the name that a token gives, and nowhere else: a token cannot name
itself an algorithm that this table does not have.
"""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from realmos_abi import load

HASH_SIZES: Mapping[str, int] = MappingProxyType({"sha-256": 32, "sha-384": 48, "sha-512": 64})
"""Every hash algorithm that a token may name, and the size of its digests in bytes."""

PLATFORM_LEGACY = "http://arm.com/CCA-SSD/1.0.0"
PLATFORM_1 = "tag:arm.com,2023:cca_platform#1.0.0"
PLATFORM_2 = "tag:arm.com,2024:cca_platform#2.0.0"
REALM_1 = "tag:arm.com,2023:realm#1.0.0"
REALM_2 = "tag:arm.com,2024:realm#2.0.0"

PROFILE_PAIRS: Mapping[str, tuple[str | None, ...]] = MappingProxyType(
    {PLATFORM_LEGACY: (None,), PLATFORM_1: (REALM_1, REALM_2), PLATFORM_2: (REALM_2,)}
)
"""The realm profiles that go with each platform profile; None is a realm token without one."""

REALM_HASHES: Mapping[str | None, tuple[str, ...]] = MappingProxyType(
    {
        None: ("sha-256", "sha-512"),
        REALM_1: ("sha-256", "sha-512"),
        REALM_2: ("sha-256", "sha-384", "sha-512"),
    }
)
"""What a realm can be measured with, by the profile of its token."""

LIFE_CYCLES: Mapping[str, int] = MappingProxyType(
    {name.lower(): value for name, value in load("attestation").groups["life_cycle"].values.items()}
)
"""The names of life cycle states, and the high byte of the claim that stands for each."""


def digest(algorithm: str, data: bytes) -> bytes:
    """Return the hash of `data` by an algorithm of `HASH_SIZES`."""
    assert algorithm in HASH_SIZES
    return hashlib.new(algorithm.replace("-", ""), data).digest()


def life_cycle_name(value: int) -> str:
    """Return the name of the state that a life cycle claim is in, or `reserved`."""
    return next((name for name, high in LIFE_CYCLES.items() if high == value >> 8), "reserved")


def replay(log: tuple[bytes, ...], algorithm: str) -> bytes:
    """Return the REM that results when these values extend it one after the other.

    Args:
        log: values as RSI_MEASUREMENT_EXTEND takes them, at most 64 bytes each.
        algorithm: the realm's hash algorithm.
    """
    measurement = bytes(HASH_SIZES[algorithm])
    for value in log:
        measurement = digest(algorithm, measurement + value)
    return measurement
