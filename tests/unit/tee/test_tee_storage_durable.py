# SPDX-License-Identifier: BSD-3-Clause
"""What keeps a power cut from losing blobs: the order of what is done. Killing shows none of it."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from realmos_agent.tee import blobs, client_numbers
from realmos_agent.tee.holder import answered
from realmos_agent.tee.storage import DirectoryBackend, MemoryBackend


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was written, synced and renamed, in that order."""
    log: list[str] = []

    def logged(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(first: int | str, *more: object) -> object:
            path = Path(f"/proc/self/fd/{first}").resolve() if isinstance(first, int) else first
            log.append(f"{name} {Path(path).name}")
            return real(first, *more)

        return call

    for name in ("write", "fsync", "rename"):
        monkeypatch.setattr(os, name, logged(name, getattr(os, name)))
    return log


def test_a_blob_is_on_the_disk_before_it_has_its_name(tmp_path: Path, done: list[str]) -> None:
    store = tmp_path / "store"
    store.mkdir()
    backend = DirectoryBackend(str(store))
    done.clear()
    backend.put("index", b"blob")
    assert done == ["write index.new", "fsync index.new", "rename index.new", "fsync store"]
    backend.close()


def test_a_new_directory_is_on_the_disk_before_it_is_used(tmp_path: Path, done: list[str]) -> None:
    DirectoryBackend(str(tmp_path / "more" / "store")).close()
    assert done == [f"fsync {tmp_path.name}", "fsync more"]
    done.clear()
    DirectoryBackend(str(tmp_path / "more" / "store")).close()
    assert not done


def test_a_directory_that_was_let_go_of_is_not_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk so slow that its TEE has ended meanwhile, and another one has the directory."""
    backend = DirectoryBackend(str(tmp_path))
    backend.put("index", b"old")
    monkeypatch.setattr(os, "fsync", lambda _: backend.close())
    with pytest.raises(OSError, match="another"):
        backend.put("index", b"late")
    with pytest.raises(OSError, match="another"):
        backend.delete("index")
    assert (tmp_path / "index").read_bytes() == b"old"


def test_names_that_no_frame_has_room_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the thread that answers goes on."""
    backend = MemoryBackend()
    for number in range(10):
        backend.put(f"{number:032x}", b"")
    request = blobs.request(client_numbers.KIND_BLOB_NAMES, 1, "", b"")
    monkeypatch.setattr(client_numbers, "LENGTH_MAX", 100)
    answer = answered(backend, request)
    assert answer == blobs.answer(1, error=errno.EBADMSG).to_bytes()
