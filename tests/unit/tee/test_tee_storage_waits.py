# SPDX-License-Identifier: BSD-3-Clause
"""Storage whose holder takes its time: who waits for it, and who does not."""

import threading
from uuid import UUID

import pytest
from fake_ta import WAIT_S, in_thread
from realmos_agent.tee import numbers as n
from realmos_agent.tee.storage import MemoryBackend, Storage, Store, StoreError

TA = UUID(int=5, version=4)
ALL = n.DATA_FLAG_ACCESS_READ | n.DATA_FLAG_ACCESS_WRITE | n.DATA_FLAG_ACCESS_WRITE_META


class Slow(MemoryBackend):
    """A holder that can be told to wait before it keeps a blob."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def put(self, name: str, blob: bytes) -> None:
        self.asked.set()
        assert self.go_on.wait(WAIT_S)
        super().put(name, blob)


def test_closing_a_handle_waits_for_nobody() -> None:
    """A session's end closes handles, and must not take the time of a disk or a broker."""
    backend = Slow()
    storage = Storage(Store(backend, bytes(32)))
    mine, others = (storage.create(TA, name, ALL, None, b"") for name in (b"mine", b"others"))
    backend.asked.clear()
    backend.go_on.clear()
    writing = in_thread(lambda: others.write(b"slow"))
    assert backend.asked.wait(WAIT_S)
    in_thread(mine.close).result(WAIT_S / 2)
    assert not writing.done()
    backend.go_on.set()
    writing.result(WAIT_S)
    assert storage.open(TA, b"mine", n.DATA_FLAG_ACCESS_READ).data_size == 0  # it is not open
    others.close()
    assert storage.open(TA, b"others", ALL).read(9) == b"slow"


def test_all_handles_are_counted_however_many_threads_close_them() -> None:
    storage = Storage(Store(MemoryBackend(), bytes(32)))
    shared = ALL | n.DATA_FLAG_SHARE_READ | n.DATA_FLAG_SHARE_WRITE
    storage.create(TA, b"one", shared, None, b"").close()
    barrier = threading.Barrier(4)

    def use() -> None:
        barrier.wait(WAIT_S)
        for _ in range(50):
            storage.open(TA, b"one", shared).close()

    for each in [in_thread(use) for _ in range(4)]:
        each.result(WAIT_S * 3)
    assert storage.open(TA, b"one", ALL).data_size == 0


class Late(MemoryBackend):
    """A holder that keeps one blob after nobody waited for it any more."""

    def __init__(self) -> None:
        super().__init__()
        self.late = False

    def put(self, name: str, blob: bytes) -> None:
        super().put(name, blob)
        if self.late:
            self.late = False
            raise TimeoutError("it did not answer")


def test_what_is_kept_too_late_goes_with_the_next_change() -> None:
    """Or it would take room until the store is opened anew."""
    backend = Late()
    store = Store(backend, bytes(32))
    store.write(TA.bytes, b"one", b"1")
    backend.late = True
    with pytest.raises(StoreError):
        store.write(TA.bytes, b"two", b"2")
    assert len(backend.names()) == 3
    store.write(TA.bytes, b"one", b"one")
    assert len(backend.names()) == 2
    assert store.ids(TA.bytes) == [b"one"]
