# SPDX-License-Identifier: BSD-3-Clause
"""Files of TAs: verified once, and again when they are others; told apart without a look inside."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest
from realmos_agent.tee.loader import Files, Keys, Loader, LoadError, RootKey
from realmos_agent.tee.loader import files as loader_files
from realmos_agent.tee.loader.container import Verified
from realmos_agent.tee.parts import Base
from ta_files import LIBRARY, OTHER, TA, Ta, make_key

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


def test_files_are_told_from_what_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    files = Files(str(tmp_path), lines.append)
    path = tmp_path / f"{TA}.ta"
    assert (files.identify(TA), files.read(TA)) == (None, None)
    path.write_bytes(b"one")
    assert files.identify(TA) is None, "it could change within the same tick of the clock"
    assert files.read(TA) == b"one"
    monkeypatch.setattr(loader_files, "_SETTLED_NS", 0)
    first = files.identify(TA)
    assert first is not None
    assert files.identify(TA) == first
    path.write_bytes(b"three")
    assert files.identify(TA) != first
    assert not lines
    path.write_bytes(bytes(loader_files.FILE_MAX + 1))
    assert files.read(TA) is None
    path.unlink()
    path.mkdir()
    assert files.read(TA) is None
    assert len(lines) == 2
    assert all("not a file of at most" in line for line in lines)


def test_whoever_keeps_versions_may_refuse_a_file(family: dict[str, bytes]) -> None:
    def refuse(uuid: UUID, verified: Verified) -> None:
        raise LoadError(f"{uuid} is version {verified.versions[-1].version}", 1)

    loading = loader(family, accept=refuse)
    for _ in range(2):
        with pytest.raises(LoadError, match="is version 0"):
            loading.load(TA, DISPATCHER, bases())
