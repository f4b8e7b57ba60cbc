# SPDX-License-Identifier: BSD-3-Clause
"""Hostile TA files in real runners: whatever is loaded and run, the core lives, and so do others.

These files have a good signature: who signs TAs is not who is trusted by other TAs.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from elf_changes import ENTRY, RELATIVE, Change, changed, changes
from elf_maker import Object
from fake_ta import CLIENT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realmos_agent.tee import numbers
from realmos_agent.tee.budget import Budget
from realmos_agent.tee.chain import Chain
from realmos_agent.tee.clocks import Clocks
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.housekeeper import Housekeeper
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.loader import Keys, Loader, RootKey
from realmos_agent.tee.manager import Manager, Outcome
from realmos_agent.tee.params import Params
from realmos_agent.tee.parts import RunnerError
from realmos_agent.tee.runners import Runners
from realmos_agent.tee.services import Services
from realmos_agent.tee.syscalls.table import Dispatcher
from ta_code import runner_argv
from ta_files import OTHER, TA, Ta, make_key
from ta_objects import MAIN, TLS, Maker

ENDLESS_S = 20.0
"""When a TA is taken for one that does not return."""
MEMORY = 768 << 20
RETURNS = Object(uuid=OTHER, words=(0xD2800000, 0xD2800008, 0xD4000001, 0xD65F03C0))


class Tee:
    """A core without clients' connections: files of TAs, and sessions with them."""

    def __init__(self, runner: Path) -> None:
        self.files: dict[UUID, bytes] = {}
        self.log: list[str] = []
        self._end: threading.Timer | None = None
        keys = Keys((RootKey("ours", make_key().public_key()),))
        self._loader = Loader(self.files.get, keys)
        words = runner_argv(runner)
        emulator = words[0] if words[0] != str(runner) else ""
        log = self.log.append
        later = Housekeeper(log)
        self._runners = Runners(
            str(runner), emulator, MEMORY, log, shared=Budget(0), housekeeper=later
        )
        self._dispatch = Dispatcher()
        self._memory = Budget(MEMORY)
        self._services = Services(self.log.append, Clocks(), uuid4(), memory=self._memory)
        self.manager = self._services.manager = Manager(self._create)

    def use(self, uuid: UUID) -> Outcome:
        """Open a session, invoke a command, and close it."""
        made, chain = self.manager, Chain(1)
        outcome = made.open(uuid, CLIENT, 1, chain, Params())
        if outcome.session is not None:
            made.invoke(outcome.session, 0, chain, Params())
            made.close(outcome.session, chain)
        made.settle(chain)
        if self._end is not None:
            self._end.cancel()
        assert made.instances == []
        assert self._memory.take(MEMORY, 0), "some is still taken"
        self._memory.give(MEMORY)
        return outcome

    def _create(self, uuid: UUID) -> Instance:
        ready = self._loader.ready(uuid)
        runner = self._runners.start()
        if uuid == TA:
            self._end = threading.Timer(ENDLESS_S, runner.close)
            self._end.daemon = True
            self._end.start()
        try:
            return Instance(uuid, ready, runner, self._dispatch, self._services)
        except (TeeError, RunnerError) as error:
            runner.close()
            self.log.append(f"not loaded: {error}")
            raise TeeError(numbers.ERROR_OUT_OF_MEMORY) from error


@pytest.fixture(scope="module")
def tee(runner_program: Path) -> Iterator[Tee]:
    made = Tee(runner_program)
    made.files[OTHER] = Ta(RETURNS.made(), uuid=OTHER).signed()
    yield made
    made.manager.end()


def attack(tee: Tee, data: bytes) -> Outcome:
    """Use a TA made of an object, and then another."""
    tee.files[TA] = Ta(data).signed()
    tee.log.clear()
    outcome = tee.use(TA)
    assert not [line for line in tee.log if "core failed" in line]
    assert tee.use(OTHER).result == numbers.SUCCESS
    return outcome


def run(tee: Tee, data: bytes, many: int, *, random: bool) -> None:
    @settings(
        max_examples=many,
        deadline=None,
        derandomize=not random,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(changes(), st.builds(lambda first: [first], entries())))
    def check(how: list[Change]) -> None:
        attack(tee, changed(data, how))

    check()


def entries() -> st.SearchStrategy[Change]:
    """Return changes of where a TA is entered, by some instructions."""
    near = st.integers(-16, 16).map(lambda each: 4 * each + RELATIVE)
    return st.builds(Change, st.just("header"), st.just(ENTRY), near)


def test_good_tas_return(tee: Tee, main_ta: bytes) -> None:
    assert attack(tee, main_ta).result == numbers.ERROR_TARGET_DEAD, "it begins with a panic"
    assert attack(tee, Object(words=RETURNS.words).made()).result == numbers.SUCCESS


def test_changed_files_end_nothing_but_themselves(tee: Tee, main_ta: bytes) -> None:
    run(tee, main_ta, 40, random=False)


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("source", [MAIN, TLS])
def test_many_changed_files_end_nothing_but_themselves(tee: Tee, maker: Maker, source: str) -> None:
    options = ("-mtls-dialect=trad", "-ftls-model=initial-exec")
    run(tee, maker.ta(source, *options, name="hostile"), 1000, random=True)
