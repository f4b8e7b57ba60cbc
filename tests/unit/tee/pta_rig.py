# SPDX-License-Identifier: BSD-3-Clause
"""TAs that are Python generators, and use a pseudo TA as a test has them."""

from collections.abc import Callable
from uuid import UUID

from fake_ta import INVOKE, Code, FakeRunner, World, a_uuid
from realmos_agent.tee import numbers
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.manager import Outcome
from realmos_agent.tee.params import Memref, Params, Region
from realmos_agent.tee.parts import Entry, PseudoTa
from realmos_agent.tee.session import INFINITE
from realmos_agent.tee.syscalls.sessions import invoke_ta_command, open_ta_session

A, B = a_uuid(1), a_uuid(2)

Use = Callable[[Instance, int], object]
"""What a TA does in its session with the pseudo TA."""


def memory(data: bytes, *, secure: bool = True) -> Memref:
    """Return a parameter that holds this, of a TA or a client."""
    return Memref(Region(data, secure=secure), 0, len(data))


def command(number: int, params: Params) -> Use:
    """Return a use of the pseudo TA that tells the result code."""

    def use(ta: Instance, session: int) -> object:
        try:
            invoke_ta_command(ta, session, INFINITE, number, params, tells_origin=True)
        except TeeError as error:
            return error.code
        return numbers.SUCCESS

    return use


class PtaUsers:
    """Two TAs, A and B, and the pseudo TA that they use as they are told."""

    def __init__(self, pseudo: PseudoTa) -> None:
        self.world = World(dict.fromkeys((A, B), (0, self._script)), (pseudo,))
        self._pseudo = pseudo.uuid
        self._uses: tuple[Use, ...] = ()
        self._results: list[object] = []

    def run(self, *uses: Use, uuid: UUID = A) -> list[object]:
        """Use the pseudo TA from one session of a TA; return what came of each use."""
        assert self.invoke(*uses, uuid=uuid).ok
        return self._results

    def invoke(self, *uses: Use, uuid: UUID = A) -> Outcome:
        """Use it so; return what came of the TA."""
        self._uses, self._results = uses, []
        session = self.world.opened(uuid)
        outcome = self.world.invoke(session)
        self.world.close(session)
        return outcome

    def _script(self, entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function != INVOKE:
            return numbers.SUCCESS
        uuid = self._pseudo.bytes_le
        opened = yield lambda ta: open_ta_session(ta, uuid, INFINITE, Params(), tells_origin=True)
        assert isinstance(opened, tuple)
        for use in self._uses:
            self._results.append((yield _bound(use, opened[1])))
        return numbers.SUCCESS


def _bound(use: Use, session: int) -> Callable[[Instance], object]:
    return lambda ta: use(ta, session)
