# SPDX-License-Identifier: BSD-3-Clause
"""Under whose key TAs' objects are kept: everybody's, or that of an identity at a broker."""

from uuid import UUID

import pytest
from realmos_agent import secrets
from realmos_agent.tee import keeping
from realmos_agent.tee.storage import KEY_SIZE, MemoryBackend, StoreError

TA = UUID(int=1)
KEY = "ab" * 32


class Broker:
    """Answers what a realm asks."""

    def __init__(self) -> None:
        self.key = bytes(KEY_SIZE)
        self.state = (0, b"")
        self.refusing = ""
        self.losing = False

    def _check(self, identity: str, broker: str | None) -> None:
        assert (identity, broker) == ("ledger", KEY)
        if self.refusing:
            raise secrets.RefusedError(self.refusing)

    def sealing_key(self, identity: str, *, broker: str | None) -> bytes:
        self._check(identity, broker)
        return self.key

    def counter_state(self, identity: str, *, broker: str | None) -> tuple[int, bytes]:
        self._check(identity, broker)
        return self.state

    def advance(self, identity: str, value: int, *, mark: bytes, broker: str | None) -> int:
        self._check(identity, broker)
        if value != self.state[0]:
            raise secrets.CounterError("it is elsewhere", self.state[0])
        self.state = (value + 1, mark)
        if self.losing:
            raise secrets.SecretsError("the answer was lost")
        return self.state[0]


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    made = Broker()
    for name in ("sealing_key", "counter_state", "advance"):
        monkeypatch.setattr(secrets, name, getattr(made, name))
    return made


def write(kept: keeping.Kept, data: bytes) -> None:
    kept.storage.create(TA, b"one", 0x400, None, data).close()


def read(kept: keeping.Kept) -> bytes:
    held = kept.storage.open(TA, b"one", 1)
    try:
        return held.read(100)
    finally:
        held.close()


def copy(backend: MemoryBackend) -> MemoryBackend:
    made = MemoryBackend()
    for name in backend.names():
        made.put(name, backend.get(name) or b"")
    return made


def test_objects_and_keys_are_the_identitys(broker: Broker) -> None:
    backend = MemoryBackend()
    first = keeping.keep_as(backend, "ledger", KEY)
    write(first, b"secret")
    second = keeping.keep_as(backend, "ledger", KEY)
    assert read(second) == b"secret"
    assert (first.root, first.device) == (second.root, second.device)
    assert first.root != broker.key
    assert first.rollback_protection == 100
    broker.key = b"x" * KEY_SIZE
    other = keeping.keep_as(backend, "ledger", KEY)
    assert other.root != first.root
    assert other.device != first.device
    with pytest.raises(StoreError, match="was not sealed under this store's key"):
        read(other)


def test_the_brokers_counter_keeps_a_store_from_going_back(broker: Broker) -> None:
    backend = MemoryBackend()
    kept = keeping.keep_as(backend, "ledger", KEY)
    write(kept, b"3 tries")
    old = copy(backend)
    write(kept, b"2 tries")
    with pytest.raises(StoreError, match="not what was written last"):
        read(keeping.keep_as(old, "ledger", KEY))
    assert read(keeping.keep_as(backend, "ledger", KEY)) == b"2 tries"
    assert broker.state[0] > 3


def test_an_advance_whose_answer_is_lost_counts(broker: Broker) -> None:
    kept = keeping.keep_as(MemoryBackend(), "ledger", KEY)
    write(kept, b"old")
    broker.losing = True
    with pytest.raises(StoreError, match="the answer was lost"):
        write(kept, b"new")
    broker.losing = False
    assert read(kept) == b"new"


@pytest.mark.usefixtures("broker")
def test_another_realm_of_the_identity_is_not_overwritten() -> None:
    """Two realms with a copy of one store each: the first to write has it."""
    backend = MemoryBackend()
    write(keeping.keep_as(backend, "ledger", KEY), b"old")
    one, two = (keeping.keep_as(held, "ledger", KEY) for held in (backend, copy(backend)))
    assert read(one) == b"old"
    with pytest.raises(StoreError, match="not what was written last"):
        read(two)
    write(one, b"new")
    assert read(one) == b"new"


def test_what_the_broker_refuses_is_told(broker: Broker) -> None:
    kept = keeping.keep_as(MemoryBackend(), "ledger", KEY)
    broker.refusing = "REM 1 is not expected"
    with pytest.raises(StoreError, match="there is no key for objects of TAs: REM 1 is not"):
        keeping.keep_as(MemoryBackend(), "ledger", KEY)
    with pytest.raises(StoreError, match="the counter does not answer: REM 1 is not expected"):
        write(kept, b"x")


@pytest.mark.parametrize("state", [(1, b""), (0, bytes(32)), (1, b"short"), (1, bytes(33))])
def test_a_counter_of_something_else_is_refused(broker: Broker, state: tuple[int, bytes]) -> None:
    broker.state = state
    with pytest.raises(StoreError, match="used for something else"):
        write(keeping.keep_as(MemoryBackend(), "ledger", KEY), b"x")


def test_development_is_for_everybody() -> None:
    backend = MemoryBackend()
    write(keeping.keep_for_development(backend), b"anybody's")
    again = keeping.keep_for_development(backend)
    assert read(again) == b"anybody's"
    assert again.rollback_protection == 0
    assert "everybody has" in again.about
    assert keeping.keep_nothing().root != keeping.keep_nothing().root
