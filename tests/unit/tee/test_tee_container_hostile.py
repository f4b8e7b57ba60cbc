# SPDX-License-Identifier: BSD-3-Clause
"""Hostile containers: only what a root key vouches for is ever accepted, whoever holds a subkey."""

import struct
from collections.abc import Callable
from functools import cache
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realmos_agent.tee import numbers as tee
from realmos_agent.tee.loader import Keys, LoadError, RootKey
from realmos_agent.tee.loader.container import Verified, read, verify
from ta_files import OTHER, TA, Level, Ta, chain, make_key, next_uuid, sign

ELF = bytes(range(64))
SECRET = bytes(range(32))
KEYS = Keys((RootKey("ours", make_key().public_key()),), {0: SECRET})
PSS = tee.ALG_RSASSA_PKCS1_PSS_MGF1_SHA256
NAMES = [f"subkey {n}" for n in range(3)]
LABELS = [b"", b"a", b"b\0", b"b\0x", b"\xff" * 40]
ODD = [0, 1, 2, 7, 8, 36, 255, 256, 0x7FFF, 0xFFFF, 1 << 31, (1 << 32) - 1]
ALGORITHMS = [PSS, 0x70313930, 0x70414930, 0x70004830, 0x70001830, 0x70002830, 0, 0xFFFFFFFF]


def accepted(data: bytes, uuid: UUID) -> Verified | None:
    """Return what is made of a file; whatever it is, it is refused by the one error or accepted."""
    try:
        return verify(read(data), KEYS, uuid)
    except LoadError:
        return None


@cache
def files() -> list[tuple[UUID, bytes]]:
    """Return files that are accepted."""
    levels = [Level(make_key(NAMES[0]), 5, b"middle"), Level(make_key(NAMES[1]), 3, b"ta")]
    encrypted = Ta(ELF, image_type=tee.SHDR_IMAGE_ENCRYPTED_TA, encryption=SECRET)
    return [
        (TA, Ta(ELF).signed()),
        (TA, Ta(ELF, image_type=tee.SHDR_IMAGE_TA).signed()),
        (TA, encrypted.signed()),
        chain(levels, OTHER, Ta(ELF)),
        chain(levels[:1], OTHER, encrypted),
    ]


@st.composite
def hostile_levels(draw: st.DrawFn) -> list[Level]:
    """Return what the holder of a subkey may sign with: depths, names, UUIDs as they like."""
    uuids = st.sampled_from([None, None, None, TA, OTHER])
    return [
        Level(
            make_key(name), draw(st.integers(0, 3)), draw(st.sampled_from(LABELS)),
            draw(st.integers(0, 2)), draw(uuids),
        )
        for name in NAMES[: draw(st.integers(1, 3))]
    ]  # fmt: skip


def honest(levels: list[Level], uuid: UUID) -> UUID | None:
    """Return whom a chain of subkeys may sign, by the rules alone; None if it breaks them."""
    depth = 1 << 32
    for level in levels:
        if level.uuid not in {None, uuid} and depth < 1 << 32:
            return None
        if level.depth >= depth:
            return None
        depth = level.depth
        uuid = level.uuid or uuid
        uuid = next_uuid(uuid, level.label.partition(b"\0")[0])
    return uuid


def holder_of_a_subkey_signs_only_below_it(data: st.DataObject) -> None:
    levels = data.draw(hostile_levels())
    uuid, file = chain(levels, OTHER, Ta(ELF, uuid=TA))
    allowed = honest(levels, OTHER)
    for asked in {uuid, TA, OTHER}:
        found = accepted(file, asked)
        assert (found is not None) == (asked == allowed == uuid), (asked, allowed, uuid)
        assert found is None or found.elf == ELF


def changed_files_are_refused(data: st.DataObject) -> None:
    uuid, file = data.draw(st.sampled_from(files()))
    at = data.draw(st.integers(0, len(file) - 1))
    size = data.draw(st.sampled_from([1, 2, 4]))
    value = data.draw(st.sampled_from(ODD)) & (1 << 8 * size) - 1
    cut = data.draw(st.sampled_from([0, 0, 0, 1, 40]))
    changed = file[:at] + value.to_bytes(size, "little") + file[at + size :]
    changed += data.draw(st.binary(max_size=4))
    changed = changed[: len(changed) - cut]
    assert (accepted(changed, uuid) is not None) == (changed == file)


def subkeys_may_hold_anything(data: st.DataObject) -> None:
    """The first subkey is signed by the root key, and is what its holder could get signed."""
    label = data.draw(st.sampled_from(LABELS))
    signer = make_key(NAMES[0])
    table = Level(signer, data.draw(st.sampled_from(ODD)), label).body(OTHER)
    if data.draw(st.booleans()):
        fields = data.draw(st.lists(st.sampled_from(ODD), min_size=10, max_size=10))
        table = OTHER.bytes + struct.pack("<11I", len(label), *fields)
        table += data.draw(st.binary(max_size=80))
    algorithm = data.draw(st.sampled_from(ALGORITHMS))
    subkey = sign(
        tee.SHDR_IMAGE_SUBKEY, b"", table, key=make_key(), algorithm=algorithm, size=len(table)
    )
    uuid = next_uuid(OTHER, label.partition(b"\0")[0])
    found = accepted(subkey + table + label + Ta(ELF, uuid=uuid).signed(signer), uuid)
    assert found is None or found.elf == ELF


def what_the_root_key_signs_may_be_anything(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([0, 1, 2, 3, 4, 0xFFFFFFFF]))
    covered, body = data.draw(st.binary(max_size=60)), data.draw(st.binary(max_size=60))
    size = data.draw(st.sampled_from([len(body), *ODD]))
    algorithm = data.draw(st.sampled_from(ALGORITHMS))
    header = sign(kind, covered, body, key=make_key(), algorithm=algorithm, size=size)
    found = accepted(header + covered + body, TA)
    if found is not None:
        assert kind == tee.SHDR_IMAGE_TA
        assert found.elf == covered + body


def encryption_may_be_anything(data: st.DataObject) -> None:
    iv, tag, payload = (data.draw(st.binary(max_size=20)) for _ in range(3))
    algorithm = data.draw(st.sampled_from([tee.ALG_AES_GCM, 0]))
    numbers = 0, algorithm, data.draw(st.integers(0, 2)), len(iv), len(tag)
    covered = TA.bytes + struct.pack("<IIIHH", *numbers) + iv + tag
    header = sign(
        tee.SHDR_IMAGE_ENCRYPTED_TA, covered, payload, key=make_key(), algorithm=PSS,
        size=len(payload),
    )  # fmt: skip
    assert accepted(header + covered + payload, TA) is None


PROPERTIES: list[Callable[[st.DataObject], None]] = [
    holder_of_a_subkey_signs_only_below_it,
    changed_files_are_refused,
    subkeys_may_hold_anything,
    what_the_root_key_signs_may_be_anything,
    encryption_may_be_anything,
]


def run(holds: Callable[[st.DataObject], None], many: int, *, random: bool) -> None:
    @settings(
        max_examples=many,
        deadline=None,
        derandomize=not random,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def check(data: st.DataObject) -> None:
        holds(data)

    check()


@pytest.mark.parametrize("holds", PROPERTIES)
def test_containers_of_anything(holds: Callable[[st.DataObject], None]) -> None:
    run(holds, 100, random=False)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("holds", PROPERTIES)
def test_many_containers_of_anything(holds: Callable[[st.DataObject], None]) -> None:
    run(holds, 10_000, random=True)


@pytest.mark.parametrize(("exponent", "modulus"), [(0, 0), (1, 1), (2, 4), (3, 15), (4, 1 << 2047)])
def test_subkey_of_strange_numbers_is_refused(exponent: int, modulus: int) -> None:
    body = Level(make_key(NAMES[0]), 0).body(OTHER)[:60]
    body += exponent.to_bytes(3) + modulus.to_bytes(256)
    subkey = sign(tee.SHDR_IMAGE_SUBKEY, b"", body, key=make_key(), algorithm=PSS, size=len(body))
    file = subkey + body + Ta(ELF, uuid=OTHER).signed(make_key(NAMES[0]))
    assert accepted(file, OTHER) is None
