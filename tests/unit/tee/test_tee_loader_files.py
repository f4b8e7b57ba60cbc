# SPDX-License-Identifier: BSD-3-Clause
"""Files of TAs: verified once, and again when they are others; told apart without a look inside."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest
from elf_maker import Object
from realmos_agent.tee.loader import Files, Keys, Loader, LoadError, RootKey, Versions
from realmos_agent.tee.loader.container import Verified
from realmos_agent.tee.loader.files import FILE_MAX, is_settled
from realmos_agent.tee.parts import Base
from ta_files import LIBRARY, OTHER, TA, Level, Ta, chain, make_key, next_uuid

DISPATCHER = 0x1122334455667788


def bases() -> Base:
    numbers = count(1)
    return lambda _size: next(numbers) << 32


def loader(objects: dict[str, bytes], accept: Callable[[UUID, Verified], None]) -> Loader:
    files = {uuid: Ta(data, uuid=UUID(uuid)).signed() for uuid, data in objects.items()}
    keys = Keys((RootKey("ours", make_key().public_key()),))
    return Loader(lambda uuid: files.get(str(uuid)), keys, accept)


def test_files_are_verified_once_and_again_when_they_change(family: dict[str, bytes]) -> None:
    seen: list[UUID] = []
    files = {uuid: Ta(data, uuid=UUID(uuid)).signed() for uuid, data in family.items()}
    keys = Keys((RootKey("ours", make_key().public_key()),))
    loading = Loader(
        lambda uuid: files.get(str(uuid)), keys, accept=lambda uuid, _: seen.append(uuid)
    )
    first = loading.load(TA, DISPATCHER, bases())
    second = loading.load(TA, DISPATCHER + 1, bases())
    assert seen == [TA, LIBRARY, OTHER]
    assert [s.data for s in first.segments] != [s.data for s in second.segments]
    files[str(OTHER)] = Ta(family[str(OTHER)], uuid=OTHER, version=2).signed()
    loading.load(TA, DISPATCHER, bases())
    assert seen == [TA, LIBRARY, OTHER, OTHER]
    files[str(OTHER)] = Ta(family[str(OTHER)], uuid=OTHER).signed(make_key("stranger"))
    with pytest.raises(LoadError, match="not signed"):
        loading.load(TA, DISPATCHER, bases())


def test_file_that_did_not_change_is_not_read_again(family: dict[str, bytes]) -> None:
    read: list[UUID] = []
    seen: list[UUID] = []
    files = {UUID(uuid): Ta(data, uuid=UUID(uuid)).signed() for uuid, data in family.items()}
    identities: dict[UUID, int | None] = dict.fromkeys(files, 1)

    def fetch(uuid: UUID) -> bytes:
        read.append(uuid)
        return files[uuid]

    loading = Loader(
        fetch, Keys((RootKey("ours", make_key().public_key()),)),
        lambda uuid, _: seen.append(uuid), identify=identities.__getitem__,
    )  # fmt: skip
    for _ in range(2):
        loading.load(TA, DISPATCHER, bases())
    assert read == seen == [TA, LIBRARY, OTHER]
    identities[OTHER], identities[TA] = 2, None
    for _ in range(2):
        loading.load(TA, DISPATCHER, bases())
    assert read[3:] == [TA, OTHER, TA], "once, when its identity is another, or cannot be told"
    assert len(seen) == 3
    files[LIBRARY], identities[LIBRARY] = Ta(family[str(LIBRARY)]).signed(), 2
    with pytest.raises(LoadError, match=f"it is TA {TA}"):
        loading.load(TA, DISPATCHER, bases())


def test_files_are_told_from_what_they_were(tmp_path: Path) -> None:
    lines: list[str] = []
    now = 0
    files = Files(str(tmp_path), lines.append, lambda: now)
    path = tmp_path / f"{TA}.ta"
    assert (files.identify(TA), files.read(TA)) == (None, None)
    path.write_bytes(b"one")
    assert files.read(TA) == b"one"
    changed = path.stat().st_ctime_ns
    now = changed + 1
    assert files.identify(TA) is None, "it could change within the same tick of the clock"
    now = changed + 2_000_000_000
    first = files.identify(TA)
    assert first is not None
    assert files.identify(TA) == first
    path.write_bytes(b"three")
    now = path.stat().st_ctime_ns + 2_000_000_000
    assert files.identify(TA) not in {first, None}
    assert not lines
    path.write_bytes(bytes(FILE_MAX + 1))
    assert files.read(TA) is None
    path.unlink()
    path.mkdir()
    assert files.read(TA) is None
    assert len(lines) == 2
    assert all("not a file of at most" in line for line in lines)


@pytest.mark.parametrize(("step", "settled"), [(1_000_000, 2_000_000_000), (1_000, 50_000_000)])
def test_times_of_files_are_trusted_as_far_as_they_are_fine(step: int, settled: int) -> None:
    changed = 1_700_000_000_000_000_000 + step
    told = [is_settled(changed, changed + age) for age in (-1, settled - 1, settled)]
    assert told == [False, False, True]


@pytest.mark.parametrize("settled", [True, False])
def test_a_file_that_is_kept_ready_is_checked_against_what_came_since(*, settled: bool) -> None:
    subkey, roof = make_key("sub"), UUID(int=99)
    files: dict[UUID, bytes] = {}
    for version, label in enumerate((b"first", b"second"), 1):
        uuid = next_uuid(roof, label)
        level = Level(subkey, depth=0, label=label, version=version)
        ta = Ta(Object(uuid=uuid).made(), uuid=uuid)
        files[uuid] = chain([level], roof, ta)[1]
    older, newer = files
    versions = Versions()
    loading = Loader(
        files.get, Keys((RootKey("ours", make_key().public_key()),)), versions.accept,
        identify=lambda _: settled or None, check=versions.check,
    )  # fmt: skip
    assert loading.prepare(older) is loading.prepare(older)
    loading.prepare(newer)
    with pytest.raises(LoadError, match="version 1, older than version 2"):
        loading.prepare(older)
    loading.prepare(newer)


def test_whoever_keeps_versions_may_refuse_a_file(family: dict[str, bytes]) -> None:
    def refuse(uuid: UUID, verified: Verified) -> None:
        raise LoadError(f"{uuid} is version {verified.versions[-1].version}", 1)

    loading = loader(family, accept=refuse)
    for _ in range(2):
        with pytest.raises(LoadError, match="is version 0"):
            loading.load(TA, DISPATCHER, bases())
