# SPDX-License-Identifier: BSD-3-Clause
"""Bringing a machine up when its snapshot cannot be used, or not be made."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from realmos.cache import Cache
from realmos.errors import MachineError
from realmos.machine import Snapshot
from realmos.progress import Silent
from realmos.session import Options, _boot, running


class Notes(Silent):
    """Keeps what the curious are told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


class Store:
    """A store whose snapshot, if there is one, is broken, and that may fail to save."""

    def __init__(self, found: Snapshot | None, error: Exception | None) -> None:
        self.found = found
        self.error = error
        self.calls: list[str] = []

    def find(self, _: object) -> Snapshot | None:
        return self.found

    def discard(self, _: Snapshot) -> None:
        self.found = None

    def save(self, *_: object) -> None:
        if self.error is not None:
            raise self.error
        self.calls.append("save")

    def renew(self, *, timeout: float) -> None:
        """Stand in for an agent, so that the order of the two is seen; so the next ones."""
        assert timeout > 0
        self.calls.append("renew")

    def secure(self) -> None:
        self.calls.append("secure")

    def reseed(self) -> None:
        self.calls.append("reseed")

    def set_clock(self) -> None:
        self.calls.append("set clock")


Restored = Callable[..., bool]


class Vanished:
    """A machine from a snapshot that is not there any more."""

    def __init__(self, *_: object) -> None:
        raise FileNotFoundError("uart.log")


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Restored:
    """A function that runs a machine of stubs and tells whether it was restored."""
    for name in ("REALMOS_CACHE", "REALMOS_STATE", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    facts = SimpleNamespace(sha256="", version="", manifest=dict, symbols=dict)
    monkeypatch.setattr(_boot, "_restored", Vanished)
    monkeypatch.setattr(_boot, "identity", lambda *_, **__: {})

    def run(
        store: Store,
        reporter: Notes,
        options: Options | None = None,
        verdicts: Sequence[object] = (),
    ) -> bool:
        prepared = SimpleNamespace(
            options=options or Options(), flash=facts, qemu=facts, realms=[], spec=lambda _: None
        )
        booted = SimpleNamespace(
            machine=None,
            restored=False,
            agents=[store],
            prepared=prepared,
            secure=store.secure,
            verdicts=verdicts,
        )
        monkeypatch.setattr(_boot, "prepare", lambda *_, **__: prepared)
        monkeypatch.setattr(_boot, "_booted", lambda *_: nullcontext(booted))
        monkeypatch.setattr(_boot, "SnapshotStore", lambda _: store)
        with running(prepared.options, Cache(), reporter) as session:
            return session.restored

    return run


@pytest.mark.parametrize("error", [MachineError("refused"), OSError(28, "No space left")])
def test_a_snapshot_that_cannot_be_saved_does_not_end_the_run(
    error: Exception, restored: Restored
) -> None:
    reporter = Notes()
    assert not restored(Store(None, error), reporter)
    assert str(error) in reporter.notes[0]


def test_a_snapshot_that_vanishes_is_replaced_by_a_boot(restored: Restored) -> None:
    reporter = Notes()
    store = Store(Snapshot(Path("/gone")), None)
    assert not restored(store, reporter)
    assert store.calls == ["renew", "save", "secure", "set clock"]
    assert "booting instead" in reporter.notes[0]


def test_a_plain_session_is_told_to_be_one(restored: Restored) -> None:
    reporter = Notes()
    store = Store(None, None)
    restored(store, reporter, Options(plain=True))
    assert store.calls == ["renew", "save", "set clock"]
    assert "whoever is in between" in reporter.warnings[0]


def test_a_realm_that_failed_is_warned_of_to_who_goes_on_with_it(restored: Restored) -> None:
    reporter = Notes()
    failed = SimpleNamespace(passed=False, first_failure="realm.rim: expected 1, found 2")
    passed = SimpleNamespace(passed=True, first_failure=None)
    restored(Store(None, None), reporter, Options(verify=False), [passed, failed])
    assert reporter.warnings == [
        "realm 1 is not to be trusted: realm.rim: expected 1, found 2",
    ]
