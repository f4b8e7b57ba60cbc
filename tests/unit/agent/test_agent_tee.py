# SPDX-License-Identifier: BSD-3-Clause
"""A TEE core that an agent runs, joined to the hub: as in a realm, but for the realm."""

import io
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from realmos.agent import AgentClient
from realmos.errors import MachineError, PeerError, TeeResultError
from realmos.progress import Silent
from realmos.realm import Workload, extended_measurement, workload_events
from realmos.tee import Context, RealmCore, tee_workload
from realmos_agent.tee import numbers

if TYPE_CHECKING:
    from tests.unit.agent.conftest import Agent

NOBODY = "00000000-0000-4000-8000-000000000000"
PATIENCE = 60.0
ENDS = """
import os, sys, time
from realmos_agent.tee import wire
framer = wire.Framer(wire.FROM_CLIENT)
framer.feed(os.read(0, 99))
asked = wire.decode(framer.next_frame())
os.write(1, wire.encode(wire.Closed(asked.client, asked.request)))
while not os.path.exists("{home}/end"):
    time.sleep(0.01)
sys.exit("no more")
"""


class Warnings(Silent):
    """A reporter that keeps what it warns of."""

    def __init__(self) -> None:
        self.said = threading.Event()
        self.texts: list[str] = []

    def warn(self, text: str) -> None:
        self.texts.append(text)
        self.said.set()


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    """A core without TAs, on this machine."""
    home = tmp_path / "core"
    home.mkdir()
    note = tmp_path / "note"
    note.write_text("put before the core is run", "utf-8")
    words = ("-m", "realmos_agent.tee", "--ta-dir", str(home))
    return Workload((sys.executable, *words), put=((note, f"{home}/note"),))


def open_nobody(path: Path) -> int:
    with Context(path) as context, pytest.raises(TeeResultError) as caught:
        context.open(NOBODY)
    return caught.value.result


def test_clients_reach_the_core_through_the_agent(
    client: AgentClient, workload: Workload, tmp_path: Path
) -> None:
    log, warnings = io.BytesIO(), Warnings()
    with RealmCore(client, workload, log) as core, core.serve(tmp_path / "tee", warnings) as hub:
        assert [open_nobody(hub.path) for _ in range(2)] == [numbers.ERROR_ITEM_NOT_FOUND] * 2
    assert (tmp_path / "core" / "note").exists()
    assert not (tmp_path / "tee").exists()
    assert b"development key" in log.getvalue()
    assert warnings.texts == []
    assert client.run(["echo", "on"]).stdout == b"on\n"  # the agent is ours again


def test_core_that_ends_is_told_and_clients_learn_it(client: AgentClient, tmp_path: Path) -> None:
    log, warnings = io.BytesIO(), Warnings()
    script = ENDS.format(home=tmp_path)
    brief = Workload((sys.executable, "-c", script))
    with RealmCore(client, brief, log) as core, core.serve(tmp_path / "tee", warnings) as hub:
        (tmp_path / "end").touch()
        assert warnings.said.wait(PATIENCE)
        assert open_nobody(hub.path) == numbers.ERROR_COMMUNICATION
    assert warnings.texts == ["the TEE has ended: it was closed"]
    assert log.getvalue().endswith(b"no more\n")


def test_no_client_starts_when_the_core_does_not(client: AgentClient, tmp_path: Path) -> None:
    """It would find out by its first call, and its status would be the command's."""
    log, started, warnings = io.BytesIO(), False, Warnings()
    broken = Workload((sys.executable, "-m", "realmos_agent.tee", "--nonsense"))
    with (
        pytest.raises(PeerError, match="before it served anybody: tee: usage: "),
        RealmCore(client, broken, log) as core,
        core.serve(tmp_path / "tee", warnings),
    ):
        started = True
    assert not started
    assert log.getvalue().startswith(b"tee: usage: ")
    assert warnings.texts == []
    assert client.run(["echo", "on"]).stdout == b"on\n"


class Full(io.BytesIO):
    """A log that takes nothing."""

    def write(self, _data: object) -> int:
        raise BrokenPipeError("nobody reads this")


def test_log_that_takes_nothing_is_an_error(
    client: AgentClient, workload: Workload, tmp_path: Path
) -> None:
    """And no thread's traceback."""
    with (
        pytest.raises(BrokenPipeError, match="nobody reads this"),
        RealmCore(client, workload, Full()) as core,
        core.serve(tmp_path / "tee", Warnings()),
    ):
        pass


def test_program_that_is_not_there_is_an_error(client: AgentClient, tmp_path: Path) -> None:
    with (
        pytest.raises(PeerError, match="nosuch"),
        RealmCore(client, Workload(("nosuch",)), io.BytesIO()) as core,
        core.serve(tmp_path / "tee", warnings := Warnings()),
    ):
        assert warnings.said.wait(PATIENCE)


def test_realm_that_stops_is_an_error_once_the_clients_have_ended(
    agent: "Agent", workload: Workload, tmp_path: Path
) -> None:
    stopped, results = threading.Event(), []

    def watch() -> None:
        if stopped.is_set():
            raise MachineError("QEMU was ended by signal 9")

    def serve(client: AgentClient, warnings: Warnings) -> None:
        with (
            RealmCore(client, workload, io.BytesIO()) as core,
            core.serve(tmp_path / "tee", warnings) as hub,
        ):
            results.append(open_nobody(hub.path))
            stopped.set()
            assert warnings.said.wait(PATIENCE)
            results.append(open_nobody(hub.path))

    with AgentClient(agent.port.path, timeout=PATIENCE, watch=watch) as client:
        with pytest.raises(MachineError, match="signal 9"):
            serve(client, Warnings())
        stopped.clear()
    assert results == [numbers.ERROR_ITEM_NOT_FOUND, numbers.ERROR_COMMUNICATION]


def test_what_is_put_is_a_copy_and_predicted_with_the_core(tmp_path: Path) -> None:
    ta, key, copies = tmp_path / "any.ta", tmp_path / "key", tmp_path / "copies"
    copies.mkdir()
    ta.write_bytes(b"ta")
    key.write_bytes(b"key")

    def predict() -> bytes:
        made = tee_workload({UUID(NOBODY): ta}, key, copies)
        ta_path, key_path = f"/run/tee/{NOBODY}.ta", "/run/tee/key.pem"
        assert [remote for _, remote in made.put] == [ta_path, key_path]
        words = list(zip(made.argv, made.argv[1:], strict=False))
        assert ("--ta-dir", "/run/tee") in words
        assert ("--ta-key", key_path) in words
        assert made.put[0][0].read_bytes() == ta.read_bytes()
        return extended_measurement(workload_events(made), "sha-256")

    first = predict()
    ta.chmod(0o600)
    assert predict() == first
    ta.write_bytes(b"other")
    assert predict() != first
