# SPDX-License-Identifier: BSD-3-Clause
"""The hub's end: its core has time to close what clients have left open."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_hub import until
from fake_ta import in_thread
from realmos_agent.tee import blobs, wire
from realmos_agent.tee import client_numbers as client
from realmos_agent.tee.hub import Hub
from realmos_agent.tee.storage import DirectoryBackend

PATIENCE = 20.0
TA = wire.NIL


class Bench:
    """A hub whose core is played by hand, and a client of it."""

    def __init__(self, directory: Path) -> None:
        ours, self.core = socket.socketpair()
        self.core.settimeout(PATIENCE)
        self.ended: list[str] = []
        (directory / "store").mkdir()
        self.store = DirectoryBackend(str(directory / "store"))
        path = directory / "tee.sock"
        self.hub = Hub(path, ours, on_end=self.ended.append, store=self.store)
        self.client = socket.socket(socket.AF_UNIX)
        self.client.connect(str(path))
        self._framer = wire.Framer(wire.TO_CORE | {client.KIND_HELD})

    def open(self) -> None:
        """Have the client ask for a session."""
        self.client.sendall(wire.encode(wire.Open(0, 1, TA)))
        assert self.hear().kind == client.KIND_OPEN

    def hear(self) -> wire.Frame:
        """Return what the hub sends to the core next."""
        while (frame := self._framer.next_frame()) is None:
            data = self.core.recv(1 << 16)
            assert data, "the hub has gone"
            self._framer.feed(data)
        return frame

    def say(self, frame: wire.Frame) -> None:
        """Send what the core says."""
        self.core.sendall(frame.to_bytes())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.client.close()
    made.hub.close()
    made.store.close()
    made.core.close()


def leave(bench: Bench) -> None:
    """Leave the hub as its user does."""
    with bench.hub:
        pass


def test_the_core_stores_what_it_has_to_before_the_hub_ends(bench: Bench) -> None:
    bench.open()
    left = in_thread(lambda: leave(bench))
    assert wire.decode(bench.hear()) == wire.Gone(1)
    assert wire.decode(bench.hear()) == wire.Gone(0)
    bench.say(blobs.request(client.KIND_BLOB_PUT, 1, "a" * 32, b"the last word"))
    assert bench.hear().kind == client.KIND_HELD
    assert not left.done()
    bench.say(wire.Frame(client.KIND_GONE, 0, 0, b""))
    left.result(PATIENCE)
    assert bench.core.recv(1) == b""
    assert not bench.ended


def test_the_hub_does_not_wait_for_a_core_that_ends(bench: Bench) -> None:
    bench.open()
    left = in_thread(lambda: leave(bench))
    bench.hear()
    bench.core.close()
    left.result(PATIENCE)
    assert bench.ended


def test_the_hub_waits_for_nothing_if_nobody_had_a_session(bench: Bench) -> None:
    in_thread(lambda: leave(bench)).result(PATIENCE)
    assert wire.decode(bench.hear()) == wire.Gone(1)
    assert bench.core.recv(1) == b""


def test_the_hub_waits_for_nothing_after_an_error(bench: Bench) -> None:
    bench.open()

    def fail() -> None:
        with bench.hub:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_thread(fail).result(PATIENCE)


def test_a_core_that_says_by_itself_that_nobody_is_left_is_ended(bench: Bench) -> None:
    bench.say(wire.Frame(client.KIND_GONE, 0, 0, b""))
    until(lambda: bool(bench.ended))
    assert "nobody asked" in bench.ended[0]
