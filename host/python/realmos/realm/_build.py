# SPDX-License-Identifier: BSD-3-Clause
"""From an image and a configuration to a realm: its blobs, population plan and predicted RIM."""

import contextlib
import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import realmos_abi

from realmos.errors import ConfigError
from realmos.image import Image, place
from realmos.realm._plan import BLOCK, RAM_BASE, Load, Plan, RealmParams, build_plan
from realmos.realm._rim import Blob, initial_measurement

_PLATFORM = realmos_abi.load("platform")
_RMI = realmos_abi.load("rmi")

_RPV_SIZE = _RMI["RMM_RPV_SIZE"]

HASHES = {"sha-256": _RMI["RMI_HASH_SHA_256"], "sha-512": _RMI["RMI_HASH_SHA_512"]}
DEFAULT_MEMORY = 512 << 20
MAX_MEMORY = _PLATFORM["REALM_SHARED_BIT"] - RAM_BASE
"""What lies between the base of RAM and the end of the protected half."""


@dataclass(frozen=True)
class RealmConfig:
    """What a user chooses about one realm.

    Args:
        name: for messages only.
        memory: bytes of RAM, a multiple of 2 MiB, at most MAX_MEMORY.
        vcpus: 1 to REALM_MAX_VCPUS.
        hash_algorithm: `sha-256` or `sha-512`, of RIM and REMs.
        rpv: realm personalisation value, at most 64 bytes; not measured. None: a random one for
            each realm that is created.
        cmdline: words appended to the kernel's command line; measured.

    Raises:
        ConfigError: a value is out of its range.
    """

    name: str = "linux"
    memory: int = DEFAULT_MEMORY
    vcpus: int = 1
    hash_algorithm: str = "sha-256"
    rpv: bytes | None = None
    cmdline: str = ""

    def __post_init__(self) -> None:
        most = _PLATFORM["REALM_MAX_VCPUS"]
        if not 1 <= self.vcpus <= most:
            raise ConfigError(f"a realm has 1 to {most} vCPUs, not {self.vcpus}", hint="--vcpus")
        if not 0 < self.memory <= MAX_MEMORY or self.memory % BLOCK:
            raise ConfigError(
                f"realm memory of {self.memory} bytes is not a multiple of 2 MiB up to "
                f"{MAX_MEMORY >> 30} GiB",
                hint="give a size such as --memory 512M or 1G",
            )
        if self.hash_algorithm not in HASHES:
            known = ", ".join(HASHES)
            raise ConfigError(f"unknown hash algorithm {self.hash_algorithm}", hint=f"use {known}")
        if self.rpv is not None and len(self.rpv) > _RPV_SIZE:
            raise ConfigError("a realm personalisation value has at most 64 bytes")


@dataclass(frozen=True)
class Realm:
    """A realm ready to be created: blobs by number, plan, predicted RIM, and its entry's IPA.

    `names` says what each blob is, for people.
    """

    config: RealmConfig
    image_name: str
    blobs: tuple[Path, ...]
    plan: Plan
    rim: bytes
    entry: int
    names: tuple[str, ...] = ()
    rpv: bytes = bytes(_RPV_SIZE)


def build_realm(image: Image, config: RealmConfig, *, out: Path) -> Realm:
    """Place the image in a realm's memory, make its plan and predict its RIM.

    Args:
        image: a built image.
        config: the user's choices.
        out: directory that receives the realm's own device tree.

    Raises:
        ConfigError: the image does not fit the memory.
    """
    # Panics from before the console's driver is loaded would be lost without the early one.
    placement = place(
        image,
        memory=config.memory,
        vcpus=config.vcpus,
        extra_cmdline=config.cmdline,
        out=out,
        earlycon=True,
    )
    blobs = tuple(load.path for load in placement.loads)
    loads = [Load(n, load.path.stat().st_size, load.ipa) for n, load in enumerate(placement.loads)]
    plan = build_plan(
        RealmParams(hash_algo=HASHES[config.hash_algorithm]),
        memory=config.memory,
        loads=loads,
        vcpus=config.vcpus,
        entry=placement.entry,
        gprs=(placement.dtb_ipa,),
    )
    names = tuple(load.what for load in placement.loads)
    with mapped(blobs) as views:
        rim = initial_measurement(plan, views)
    rpv = os.urandom(_RPV_SIZE) if config.rpv is None else config.rpv.ljust(_RPV_SIZE, b"\0")
    return Realm(config, image.name, blobs, plan, rim, placement.entry, names, rpv)


@contextmanager
def mapped(paths: Sequence[Path]) -> Iterator[list[Blob]]:
    """Yield files as blobs."""
    with contextlib.ExitStack() as stack:
        views: list[Blob] = []
        for path in paths:
            file = stack.enter_context(path.open("rb"))
            view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            views.append(stack.enter_context(contextlib.closing(view)))
        yield views
