# SPDX-License-Identifier: BSD-3-Clause
"""A store in the hands of a holder who shows what he likes, and has the power go when he likes.

Whatever he does, what is read is what was written last, or what was being written when a change
failed; and what was once read, or not, stays so.
"""

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.storage import MemoryBackend, Store, UnsettledError
from realmos_agent.tee.storage.index import NO_MARK

KEY, TA, NAME = bytes(range(32)), b"T" * 16, b"one"


class Cut(BaseException):
    """The power goes."""


class Holder(MemoryBackend):
    """Keeps every blob and every index; shows one of those."""

    def __init__(self) -> None:
        super().__init__()
        self.indexes: list[bytes | None] = [None]
        self.shown = 0
        self.fault = ""

    def get(self, name: str) -> bytes | None:
        return self.indexes[self.shown] if name == "index" else super().get(name)

    def put(self, name: str, blob: bytes) -> None:
        if self.fault == "refuse" or (self.fault == "refuse index" and name == "index"):
            raise OSError("no")
        if name == "index":
            self.indexes.append(blob)
            self.shown = len(self.indexes) - 1
        else:
            super().put(name, blob)
        if name == "index" and self.fault == "lose the answer":
            raise OSError("no answer")
        if name == "index" and self.fault == "cut before counting":
            raise Cut

    def delete(self, name: str) -> None:
        pass


class Counter:
    """A number and a mark that nobody turns back."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder
        self._now = (0, NO_MARK)

    def state(self) -> tuple[int, bytes]:
        return self._now

    def advance(self, value: int, mark: bytes) -> None:
        if self._holder.fault == "do not count":
            raise OSError("no")
        if value != self._now[0]:
            raise OSError("it is elsewhere")
        self._now = (value + 1, mark)
        if self._holder.fault == "count in silence":
            raise OSError("no answer")
        if self._holder.fault == "cut after counting":
            raise Cut


FAULTS = (
    "", "refuse", "refuse index", "lose the answer", "cut before counting", "do not count",
    "count in silence", "cut after counting",
)  # fmt: skip
Step = tuple[str, str, int | None]
# What is done, what goes wrong, and which index is shown: the last but so many, or none other.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "read", "restart and read"]),
        st.one_of(st.just(""), st.sampled_from(FAULTS)),
        st.one_of(st.none(), st.integers(0, 4)),
    ),
    max_size=14,
)
FEW: tuple[Step, ...] = (
    ("write", "", None), ("write", "do not count", None), ("write", "cut before counting", None),
    *(("restart and read", fault, back) for fault in ("", "do not count") for back in range(4)),
)  # fmt: skip


class World:
    """What happens, and what may be read: `may` has the values, None for no object."""

    def __init__(self, *, counted: bool) -> None:
        self.holder = Holder()
        self._counter = Counter(self.holder) if counted else None
        self.may: set[bytes | None] = {None}
        self._number = 0
        self.restart()

    def restart(self) -> None:
        self._store = Store(self.holder, KEY, self._counter)

    def step(self, act: str, fault: str, shown: int | None) -> None:
        if shown is not None:
            self.holder.shown = max(0, len(self.holder.indexes) - 1 - shown)
        self.holder.fault = fault
        try:
            if act.startswith("restart"):
                self.restart()
            if act == "write":
                self._write()
            elif act.endswith("read"):
                self._read()
        except Cut:
            self.restart()
        self.holder.fault = ""

    def _write(self) -> None:
        self._number += 1
        value = b"%d" % self._number
        opened = False
        try:
            self._store.exists(TA, NAME)
            opened = True
            self._store.write(TA, NAME, value)
        except (UnsettledError, Cut) as error:
            self.may |= {value} if opened else set()
            if isinstance(error, Cut):
                raise
        except TeeError:
            pass  # what was there is there
        else:
            self.may = {value}

    def _read(self) -> None:
        try:
            found = self._store.read(TA, NAME) if self._store.exists(TA, NAME) else None
        except TeeError:
            return
        assert found in self.may, f"{found!r} is not of {self.may}"
        self.may = {found}


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_nothing_comes_back(steps: list[Step]) -> None:
    world = World(counted=True)
    for step in steps:
        world.step(*step)


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", FEW)
def test_nothing_comes_back_in_any_few_steps(first: Step) -> None:
    for steps in itertools.product(FEW, repeat=3):
        world = World(counted=True)
        world.step("write", "", None)
        world.step(*first)
        for step in steps:
            world.step(*step)


# The second change is not made, and what came before it was read: so the first is not either.
READ_BETWEEN: list[Step] = [
    ("write", "", None), ("write", "lose the answer", None), ("read", "", 1),
    ("write", "refuse index", None), ("read", "", 0),
]  # fmt: skip


@example(READ_BETWEEN)
@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_nothing_comes_back_to_one_process(steps: list[Step]) -> None:
    """Without a counter nobody restarts it, and it is not shown an old store at first."""
    world = World(counted=False)
    for act, fault, shown in steps:
        if "restart" not in act and "cut" not in fault:
            world.step(act, fault, shown if len(world.holder.indexes) > 1 else None)


@pytest.mark.parametrize("counted", [False, True])
def test_who_shows_the_last_store_is_read(*, counted: bool) -> None:
    world = World(counted=counted)
    for fault in FAULTS:
        world.step("write", fault, None)
        world.step("restart and read", "", None)
        world.step("write", "", None)
        (value,) = world.may
        world.restart()
        assert value is not None
        assert world._store.read(TA, NAME) == value  # noqa: SLF001 -- no refusal will do here
