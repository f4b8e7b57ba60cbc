# SPDX-License-Identifier: BSD-3-Clause
"""Blobs over the tee wire: a store held by the hub, power cuts at every write, and liars."""

import contextlib
import errno
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_hub import until
from fake_ta import in_thread
from realmos.tee.hub import Hub
from realmos_agent.tee import blobs, client_numbers, holder, wire
from realmos_agent.tee.blobs import RemoteBackend
from realmos_agent.tee.holder import Holder
from realmos_agent.tee.storage import (
    Backend,
    DirectoryBackend,
    MemoryBackend,
    Store,
    StoreError,
    backend,
)

KEY, TA = bytes(range(32)), b"T" * 16
PATIENCE = 60.0


class Line:
    """A core's end of a stream to a hub, as far as blobs go."""

    def __init__(self, home: Path, store: Backend | None) -> None:
        ours, its = socket.socketpair()
        self.ended: list[str] = []
        self.hub = Hub(home / "tee", its, on_end=self.ended.append, store=store)
        self.stream = ours
        self.backend = RemoteBackend(ours.sendall, PATIENCE)
        self._thread = threading.Thread(target=self._receive)
        self._thread.start()

    def _receive(self) -> None:
        framer = wire.Framer(wire.TO_CORE | {client_numbers.KIND_HELD})
        with contextlib.suppress(ConnectionResetError):  # it left something unread
            while data := self.stream.recv(1 << 16):
                framer.feed(data)
                while (frame := framer.next_frame()) is not None:
                    self.backend.take(frame)
        self.backend.end()

    def join(self) -> None:
        """Wait for the hub to hang up."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def close(self) -> None:
        self.hub.close()
        self.join()
        self.stream.close()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Callable[[Backend | None], Line]]:
    made: list[Line] = []

    def make(store: Backend | None) -> Line:
        made.append(Line(tmp_path, store))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_hub_holds_a_store(tmp_path: Path, line: Callable[[Backend | None], Line]) -> None:
    directory = DirectoryBackend(str(tmp_path / "store"))
    far = line(directory).backend
    store = Store(far, KEY)
    large = os.urandom(3 << 20)
    store.write(TA, b"one", large)
    store.write(TA, b"two", b"2")
    store.remove(TA, b"two")
    assert store.read(TA, b"one") == large
    assert far.names() == directory.names()
    assert far.get("0" * 32) is None
    far.put("0" * 32, b"")
    assert far.get("0" * 32) == b""
    again = Store(far, KEY)
    assert again.ids(TA) == [b"one"]
    assert directory.get("0" * 32) is None, "nothing names it"


def test_a_hub_without_a_directory_says_so(line: Callable[[Backend | None], Line]) -> None:
    with pytest.raises(StoreError, match="--storage DIR"):
        Store(line(None).backend, KEY).ids(TA)


def test_what_the_hub_cannot_do_is_an_error(line: Callable[[Backend | None], Line]) -> None:
    class Failing(MemoryBackend):
        def put(self, name: str, blob: bytes) -> None:
            raise OSError(errno.ENOSPC, f"{name}: {len(blob)}")

    with pytest.raises(StoreError, match="index cannot be written: the hub says: No space left"):
        Store(line(Failing()).backend, KEY).ids(TA)


def test_a_core_that_asks_for_too_much_at_a_time_is_refused_it(
    line: Callable[[Backend | None], Line],
) -> None:
    """It may have given up what a slow disk still works at."""
    entered, go = threading.Event(), threading.Event()

    class Slow(MemoryBackend):
        def names(self) -> list[str]:
            entered.set()
            go.wait(PATIENCE)
            return []

    made = line(Slow())
    asked = [in_thread(made.backend.names)]
    assert entered.wait(PATIENCE)
    asked += [in_thread(made.backend.names) for _ in range(holder.WAITING_MAX)]
    until(lambda: made.hub._holder._asked.qsize() == holder.WAITING_MAX)  # noqa: SLF001 -- seen nowhere else
    with pytest.raises(OSError, match="busy"):
        made.backend.names()
    go.set()
    assert [each.result(PATIENCE) for each in asked] == [[]] * len(asked)
    assert not made.ended


GET, PUT = client_numbers.KIND_BLOB_GET, client_numbers.KIND_BLOB_PUT
NAMES = client_numbers.KIND_BLOB_NAMES
NAME = b"a" * 32


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (GET, b"index"),
        (GET, b"../../../etc/passwd".ljust(32, b"\0")),
        (GET, b"index\0x".ljust(32, b"\0")),
        (GET, bytes(32)),
        (GET, NAME + b"x"),
        (PUT, NAME.upper()),
        (PUT, b"\xff" * 32),
        (PUT, NAME + bytes(backend.BLOB_MAX + 1)),
        (NAMES, NAME),
    ],
)
def test_a_holder_does_only_what_makes_sense(tmp_path: Path, kind: int, body: bytes) -> None:
    done = threading.Event()
    directory = DirectoryBackend(str(tmp_path))
    asked = Holder(directory, done.set)
    asked.ask(wire.Frame(kind, 0, 7, body))
    assert done.wait(PATIENCE)
    asked.close()
    assert asked.take_answers() == [blobs.answer(7, error=errno.EBADMSG).to_bytes()]
    assert list(tmp_path.iterdir()) == []


def test_a_directory_takes_so_much_of_its_disk_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "DIRECTORY_MAX", 100 << 12)
    directory = DirectoryBackend(str(tmp_path))
    directory.put("index", bytes(60 << 12))
    with pytest.raises(OSError, match="has as much as it may"):
        directory.put("a" * 32, bytes(41 << 12))
    directory.put("a" * 32, bytes(40 << 12))
    directory.close()
    directory = DirectoryBackend(str(tmp_path))
    directory.delete("a" * 32)
    directory.put("b" * 32, bytes(40 << 12))
    with pytest.raises(OSError, match="has as much as it may"):
        directory.put("a" * 32, b"x")
    directory.close()


def test_small_blobs_do_not_fill_a_directory_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "DIRECTORY_MAX", 10 << 12)
    directory = DirectoryBackend(str(tmp_path))
    for number in range(10):
        directory.put(f"{number:032x}", b"")
    with pytest.raises(OSError, match="has as much as it may"):
        directory.put("a" * 32, b"")
    directory.close()


class Told:
    """A hub that answers what a test has it answer."""

    def __init__(self, *bodies: bytes | None, request: int = 0, client: int = 0) -> None:
        self._bodies = list(bodies)
        self._request, self._client = request, client
        self.backend = RemoteBackend(self._answer, 0.01)

    def _answer(self, asked: bytes) -> None:
        framer = wire.Framer(blobs.FROM_CORE)
        framer.feed(asked)
        frame = framer.next_frame()
        assert frame is not None
        body = self._bodies.pop(0)
        if body is not None:
            number = self._request or frame.request
            self.backend.take(wire.Frame(client_numbers.KIND_HELD, self._client, number, body))


DONE = bytes(8)
FOUND = bytes(4) + b"\1\0\0\0"


def test_a_hub_that_lies_gets_no_further_than_the_store() -> None:
    for body, complaint in (
        (None, "did not answer within"),
        (b"", "answered with 0 bytes"),
        (FOUND + bytes(backend.BLOB_MAX + 1), "answered with"),
        (b"\5\0\0\0" + bytes(4), "Input/output error"),
        (b"\xff\xff\xff\xff" + bytes(4), "the hub says"),
    ):
        with pytest.raises(StoreError, match=complaint):
            Store(Told(body).backend, KEY).ids(TA)
    with pytest.raises(StoreError, match="was not sealed"):
        Store(Told(FOUND + b"what?").backend, KEY).ids(TA)
    names = FOUND + b"index".ljust(32, b"\0") + b"../x".ljust(32, b"\0") + b"\xff" * 32
    assert Told(names).backend.names() == ["index"]
    with pytest.raises(OSError, match="cut short"):
        Told(FOUND + b"x").backend.names()
    assert Told(DONE).backend.names() == []
    for wrong in (Told(DONE, request=9), Told(DONE, client=1)):
        with pytest.raises(wire.WireError, match="nobody asked"):
            wrong.backend.names()


def test_a_late_answer_is_nobodys() -> None:
    told = Told(None, DONE)
    with pytest.raises(OSError, match="did not answer"):
        told.backend.names()
    told.backend.take(wire.Frame(client_numbers.KIND_HELD, 0, 1, FOUND + b"late"))
    assert told.backend.names() == []


def test_the_end_of_the_stream_ends_who_waits() -> None:
    silent = RemoteBackend(lambda _: silent.end(), PATIENCE)
    with pytest.raises(OSError, match="the hub has ended"):
        silent.get("index")


@pytest.mark.parametrize("holder", ["directory", "hub"])
def test_killed_at_any_write_a_store_is_the_old_or_the_new(tmp_path: Path, holder: str) -> None:
    """And first the one, then the other: a process that is killed, for real."""
    program = Path(__file__).parent / "store_kills.py"
    done = subprocess.run(
        [sys.executable, program, tmp_path, holder],
        capture_output=True, timeout=300, check=False, text=True,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    lines = done.stdout.splitlines()
    changes = list(dict.fromkeys(line.split()[0] for line in lines))
    assert changes == ["write", "make", "remove", "rename"]
    for change in changes:
        left = [line.split()[1] for line in lines if line.startswith(f"{change} ")]
        turn = left.index("new")
        assert turn > 2
        assert left == ["old"] * turn + ["new"] * (len(left) - turn)
