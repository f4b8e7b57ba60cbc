# SPDX-License-Identifier: BSD-3-Clause
"""The comparison of every realm's measured RIM with its predicted one."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from realmos.errors import AttestationError
from realmos.firmware import Flash
from realmos.machine import BootWatch, Machine
from realmos.realm import Plan, Realm, RealmConfig, RealmParams
from realmos.session._evidence import check


@dataclass
class Printed:
    """A machine that has printed these lines."""

    watch: BootWatch = field(default_factory=BootWatch)

    def poll_consoles(self) -> None:
        pass


def machine(*lines: str) -> Machine:
    printed = Printed()
    for line in lines:
        printed.watch.feed(line)
    return cast("Machine", printed)


def flash(*, ours: bool) -> Flash:
    component = SimpleNamespace(symbols=Path("rmm.elf"), brought=not ours)
    return cast("Flash", SimpleNamespace(rmm=component))


def active(vmid: int, rim: bytes) -> str:
    return f"RMM: realm {vmid} active: rim sha-256 {rim.hex()}"


def realm(rim: bytes) -> Realm:
    return Realm(RealmConfig(), "linux", (), Plan(RealmParams(), ()), rim, 0)


ONE, TWO, EVIL = bytes(32), bytes([1] * 32), bytes([2] * 32)
REALMS = (realm(ONE), realm(TWO))


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ((), "realm 0"),
        ((active(1, ONE),), "realm 1"),
        ((active(1, EVIL), active(2, TWO)), "realm 0"),
        ((active(1, ONE), active(2, EVIL)), "realm 1"),
        ((active(1, TWO), active(2, ONE)), "realm 0"),
    ],
    ids=["none printed", "one missing", "first differs", "second differs", "swapped"],
)
def test_a_realm_whose_measurement_is_wrong_or_missing_is_refused(
    lines: tuple[str, ...], names: str
) -> None:
    with pytest.raises(AttestationError, match=names):
        check(machine(*lines), flash(ours=True), REALMS)


def test_what_a_realm_prints_on_its_uart_is_no_measurement() -> None:
    lie = f"MON: realm 0 uart: {active(1, ONE)}"
    with pytest.raises(AttestationError, match="none printed"):
        check(machine(lie), flash(ours=True), REALMS[:1])


def test_measurements_that_agree_are_accepted() -> None:
    check(machine(active(1, ONE), active(2, TWO)), flash(ours=True), REALMS)


def test_an_rmm_that_was_brought_in_may_print_none_but_no_wrong_one() -> None:
    check(machine(), flash(ours=False), REALMS)
    with pytest.raises(AttestationError):
        check(machine(active(1, EVIL)), flash(ours=False), REALMS)
