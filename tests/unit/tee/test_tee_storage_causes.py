# SPDX-License-Identifier: BSD-3-Clause
"""Why objects are not to be had: TAs get a number, so the log has the cause, and what to do."""

from uuid import UUID

import pytest
from realmos_agent import secrets
from realmos_agent.tee import core, keeping
from realmos_agent.tee import numbers as n
from realmos_agent.tee.questions import Questions
from realmos_agent.tee.storage import MemoryBackend, Storage, Store, StoreError
from tee_states import refused

TA = UUID(int=1)
KEY = bytes(32)
FLAGS = n.DATA_FLAG_ACCESS_WRITE | n.DATA_FLAG_OVERWRITE


class Full(MemoryBackend):
    """Has room, or not."""

    cause = ""

    def put(self, name: str, blob: bytes) -> None:
        if self.cause:
            raise OSError(28, self.cause)
        super().put(name, blob)


def write(storage: Storage) -> None:
    storage.create(TA, b"one", FLAGS, None, b"x").close()


def fail(storage: Storage, times: int = 3) -> None:
    for _ in range(times):
        with refused(n.ERROR_STORAGE_NOT_AVAILABLE):
            write(storage)


def test_a_cause_is_logged_once_until_a_change_succeeds() -> None:
    backend, log = Full(), list[str]()
    storage = Storage(Store(backend, KEY))
    storage.log = log.append
    write(storage)
    for _ in range(2):
        for backend.cause in ("no space", "no disk"):
            fail(storage)
    told = [
        f"objects of TAs: an object cannot be written: {why}" for why in ("no space", "no disk")
    ]
    assert log == told
    backend.cause = ""
    write(storage)
    backend.cause = "no space"
    fail(storage)
    assert log == [*told, told[0]]


def test_causes_cannot_fill_the_log() -> None:
    backend, log = Full(), list[str]()
    storage = Storage(Store(backend, KEY))
    storage.log = log.append
    for number in range(1000):
        backend.cause = f"cause {number}"
        fail(storage, 1)
    assert len(log) < 50


def test_an_object_that_is_deleted_is_told_of() -> None:
    backend, log = MemoryBackend(), list[str]()
    write(Storage(Store(backend, KEY)))
    (name,) = set(backend.names()) - {"index"}
    backend.delete(name)
    storage = Storage(Store(backend, KEY))
    storage.log = log.append
    with refused(n.ERROR_CORRUPT_OBJECT):
        storage.open(TA, b"one", n.DATA_FLAG_ACCESS_READ)
    why = f"who holds one of {TA} changed it or took it away: it is deleted"
    assert log == [f"objects of TAs: {why}"]


def test_a_core_has_them_in_its_log(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    backend = Full()
    kept = keeping.keep_for_development(backend)
    monkeypatch.setattr(core, "keep_nothing", lambda: kept)
    core.Core(core.Options("", "/bin/false"), 1)
    backend.cause = "no space"
    fail(kept.storage)
    assert capfd.readouterr().err.count("index cannot be written: no space") == 1


def test_another_realms_change_is_told_from_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    def advance(*_: object, **__: object) -> int:
        raise secrets.CounterError("the counter of ledger is 5, not 4", 5)

    monkeypatch.setattr(secrets, "advance", advance)
    with pytest.raises(OSError, match="the counter of ledger is 5, not 4") as caught:
        keeping.BrokerCounter("ledger", "ab" * 32).advance(4, KEY)

    class Counter:
        def state(self) -> tuple[int, bytes]:
            return 0, KEY

        def advance(self, *_: object) -> None:
            raise caught.value

    with pytest.raises(StoreError, match="another realm of the identity") as told:
        Store(MemoryBackend(), KEY, Counter()).ids(TA.bytes)
    assert "does not answer" not in told.value.cause


class Counted:
    """Counts."""

    def __init__(self) -> None:
        self.now = (0, KEY)

    def state(self) -> tuple[int, bytes]:
        return self.now

    def advance(self, value: int, mark: bytes) -> None:
        self.now = (value + 1, mark)


def test_a_store_that_is_not_there_is_told_from_an_old_one() -> None:
    backend, counter = MemoryBackend(), Counted()
    store = Store(backend, KEY, counter)
    store.write(TA.bytes, b"one", b"1")
    old = backend.get("index") or b""
    store.write(TA.bytes, b"one", b"2")
    with pytest.raises(StoreError, match=r"holder has no store.* --storage .*another identity"):
        Store(MemoryBackend(), KEY, counter).ids(TA.bytes)
    backend.put("index", old)
    with pytest.raises(StoreError, match=r"not what was written last.*newest copy"):
        Store(backend, KEY, counter).ids(TA.bytes)
    with pytest.raises(StoreError, match=r"not sealed under this store's key.*--identity"):
        Store(backend, b"k" * 32).ids(TA.bytes)


def test_a_hub_that_ended_is_told_from_a_slow_one() -> None:
    questions = Questions(lambda _: None)
    questions.end()
    with pytest.raises(OSError, match="the hub has ended"):
        questions.ask(1, b"")


def test_what_could_not_be_asked_is_not_waited_for() -> None:
    def send(_: bytes) -> None:
        raise OSError("the stream is gone")

    questions = Questions(send)
    with pytest.raises(OSError, match="the stream is gone"):
        questions.ask(1, b"")
    assert not questions._waiting  # noqa: SLF001 -- nothing else shows it
