# SPDX-License-Identifier: BSD-3-Clause
"""From options to everything built, nothing running."""

from dataclasses import dataclass, replace
from pathlib import Path

from realmos.anchor import choose_anchor
from realmos.cache import Cache
from realmos.errors import ConfigError
from realmos.firmware import Flash, build_firmware
from realmos.image import Image, build_image
from realmos.machine import MachineSpec, RunDir, check_fit, place_realms
from realmos.progress import Reporter
from realmos.realm import Realm, build_realm
from realmos.session._options import Options
from realmos.source import Qemu, find_qemu


@dataclass(frozen=True)
class Prepared:
    """Everything built, nothing running."""

    options: Options
    flash: Flash
    image: Image
    realms: tuple[Realm, ...]
    qemu: Qemu

    def spec(self, directory: RunDir) -> MachineSpec:
        """Return the machine, its logs and sockets in `directory`."""
        return MachineSpec(
            qemu=self.qemu.argv_prefix,
            flash=self.flash.path,
            realms=place_realms(self.realms),
            logs=directory.logs,
            sockets=directory.sockets,
            gdb=self.options.gdb,
            counting=self.options.counting,
        )

    def copied(self, rpvs: tuple[bytes, ...]) -> "Prepared":
        """Return the same with the personalisation values of a machine that was saved."""
        pairs = zip(self.realms, rpvs, strict=True)
        return replace(self, realms=tuple(replace(realm, rpv=rpv) for realm, rpv in pairs))


def prepare(options: Options, cache: Cache, reporter: Reporter, *, out: Path) -> Prepared:
    """Build or find everything a machine needs.

    Args:
        options: what is wanted.
        cache: where finished things are kept.
        reporter: progress.
        out: directory for what is made anew each time (device trees).

    Raises:
        ConfigError: no machine can be what is wanted, or there is no anchor; nothing is built
            then.
    """
    if not options.realms:
        raise ConfigError("a machine has at least one realm")
    check_fit(options.realms)
    anchor = choose_anchor(options.anchor)
    qemu = find_qemu(cache, reporter)
    flash = build_firmware(cache, reporter, rmm=options.rmm, bl33=options.bl33, anchor=anchor)
    image = build_image(options.image, cache, reporter)
    realms = []
    for number, config in enumerate(options.realms):
        folder = out / f"realm{number}"
        folder.mkdir(parents=True, exist_ok=True)
        realms.append(build_realm(image, config, out=folder))
    return Prepared(options, flash, image, tuple(realms), qemu)
