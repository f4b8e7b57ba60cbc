# SPDX-License-Identifier: BSD-3-Clause
"""Clients that keep everybody waiting, and a hub that fails."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_hub import until
from realmos_agent.tee import blobs, hub
from realmos_agent.tee.client_numbers import KIND_BLOB_GET
from realmos_agent.tee.hub import Hub
from realmos_agent.tee.hub_client import Client, blamed
from realmos_agent.tee.storage import MemoryBackend

Make = Callable[[int], Client]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes clients that hold so many bytes of answers."""
    ends: list[socket.socket] = []

    def made(held: int) -> Client:
        ends.extend(socket.socketpair(socket.AF_UNIX))
        client = Client(ends[-1], len(ends))
        client.queue(bytes(held))
        return client

    yield made
    for each in ends:
        each.close()


def test_all_that_hold_much_are_blamed_at_once(make: Make) -> None:
    """Or blobs of the core, on the same stream, would wait for one after the other."""
    many = [make(100) for _ in range(5)]
    less, none = make(49), make(0)
    everybody = [*many, less, none]
    assert blamed(everybody, 20.0, 30.0) == []
    assert blamed(everybody, 20.0, 30.0) == many
    assert (less.blame, none.blame) == (0.0, 0.0)


def test_blame_lasts_until_all_answers_are_taken(make: Make) -> None:
    slow, other = make(100), make(100)
    assert blamed([slow, other], 20.0, 30.0) == []
    other.queued = 0
    assert blamed([slow, other], 0.0, 30.0) == []
    other.queued = 100
    assert blamed([slow, other], 20.0, 30.0) == [slow]
    assert blamed([], 20.0, 30.0) == []


def test_a_hub_that_fails_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    def fail(_hub: Hub) -> None:
        raise ZeroDivisionError("no good reason")

    ours, core = socket.socketpair()
    with core:
        failing = Hub(tmp_path / "tee", ours, on_end=ended.append)
        monkeypatch.setattr(Hub, "_watch", fail)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "tee"))
            until(lambda: bool(ended))
            assert client.recv(1) == b""
        failing.close()
    (why,) = ended
    assert "no good reason" in why


def test_a_core_that_asks_and_does_not_read_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "BUFFER_MAX", 1 << 16)
    store = MemoryBackend()
    store.put("a" * 32, bytes(1 << 16))
    ended: list[str] = []
    ours, core = socket.socketpair()

    def ask() -> bool:
        with contextlib.suppress(OSError):
            core.sendall(blobs.request(KIND_BLOB_GET, 1, "a" * 32, b"").to_bytes())
        return bool(ended)

    with core, Hub(tmp_path / "tee", ours, on_end=ended.append, store=store):
        until(ask)
    (why,) = ended
    assert "does not take" in why
