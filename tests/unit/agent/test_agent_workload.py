# SPDX-License-Identifier: BSD-3-Clause
"""The prediction of REM 1 against what a client really asks an agent for, in its order."""

import hashlib
import os
from pathlib import Path

import pytest
from realmos.agent import AgentClient
from realmos.agent._engine import Engine
from realmos.agent._operations import Operation
from realmos.realm import Workload, workload_events
from realmos_agent.protocol import Message, OperationMessage, Put, Run
from realmos_agent.protocol.measurement import Event, file_event, run_event


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """The messages that begin the client's operations, as they come."""
    seen: list[Message] = []
    begin = Engine.begin

    def spy(self: Engine, operation: Operation, message: OperationMessage) -> Operation:
        seen.append(message)
        return begin(self, operation, message)

    monkeypatch.setattr(Engine, "begin", spy)
    return seen


def measured(requests: list[Message], work_dir: bytes) -> list[Event]:
    """The events that an agent makes of these messages; it has the files that came."""
    events: list[Event] = []
    for message in requests:
        if isinstance(message, Put):
            content = hashlib.sha256(Path(os.fsdecode(message.path)).read_bytes()).digest()
            events.append(file_event(message.path, message.mode, content, work_dir=work_dir))
        elif isinstance(message, Run):
            program = None
            if message.python:
                script = Path(os.fsdecode(message.argv[0])).read_bytes()
                program = hashlib.sha256(script).digest()
            event = run_event(
                message.argv, message.env, message.cwd, program=program, work_dir=work_dir
            )
            events.append(event)
    return events


@pytest.mark.parametrize("restored", [False, True])
@pytest.mark.parametrize("script", [None, b"import sys; print(sys.argv)"])
def test_the_events_of_a_run_are_the_predicted_ones(
    client: AgentClient,
    requests: list[Message],
    tmp_path: Path,
    script: bytes | None,
    *,
    restored: bool,
) -> None:
    for name, mode in (("one", 0o600), ("two", 0o755)):
        (tmp_path / name).write_text(name)
        (tmp_path / name).chmod(mode)
    workload = Workload(
        ("dir.x/job.py" if script else "echo", "ü", "--flag"),
        script,
        env=(("Z", "1"), ("A", "a=b"), ("Z", "2")),
        put=tuple((tmp_path / name, f"{tmp_path}/realm/{name}") for name in ("two", "one")),
    )
    predicted = workload_events(workload)
    if restored:
        client.report()  # any operation takes a number
    for path, remote in workload.put:
        client.put(path, remote)
    client.run(workload.argv, script=script, env=dict(workload.env))
    work_dir = os.fsencode(client.hello().work_dir)
    assert measured(requests, work_dir) == predicted


def test_scripts_are_told_apart_by_their_order_alone(
    client: AgentClient, requests: list[Message]
) -> None:
    for _ in range(2):
        client.run(["job.py"], script=b"pass")
        client.report()
    paths = [os.fsdecode(message.path) for message in requests if isinstance(message, Put)]
    work = client.hello().work_dir
    assert paths == [f"{work}/scripts/{count}/job.py" for count in (1, 2)]
