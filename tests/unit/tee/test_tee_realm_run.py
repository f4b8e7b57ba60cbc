# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta run` in a realm, but for the realm: what comes before what."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from realmos import cli
from realmos import session as sessions
from realmos.cli import _ta_realm
from realmos.errors import AttestationError
from realmos.realm import Workload, encoded_events
from realmos.tee import attested
from ta_files import Ta, make_key


class Happened(list[str]):
    """What was done, in order."""

    problem = False


@pytest.fixture
def happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Happened:
    """A TA and its key in the working directory, and a realm and a client that only tell."""
    happened, given = Happened(), list[bytes]()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.ta").write_bytes(Ta(b"elf").signed())
    key = make_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(key)

    class Core:
        def __init__(self, _agent: object, workload: Workload, _log: object) -> None:
            happened.append("given")
            given.extend(encoded_events(workload))

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            happened.append("over")

        @contextlib.contextmanager
        def serve(self, path: Path, *_: object, **__: object) -> Iterator[SimpleNamespace]:
            happened.append("served")
            yield SimpleNamespace(path=path)

    class Session:
        agent = None

        def attest(self, *, events: list[bytes]) -> None:
            assert events == given
            happened.append("attested")
            if happened.problem:
                raise AttestationError("REM 1 is another one")

        def evidence(self) -> None:
            pass

    def call(*_: object, **__: object) -> int:
        happened.append("called")
        return 5

    monkeypatch.setattr(sessions, "running", lambda *_, **__: contextlib.nullcontext(Session()))
    monkeypatch.setattr(attested, "RealmCore", Core)
    monkeypatch.setattr(_ta_realm, "find_client", lambda *_, **__: None)
    monkeypatch.setattr(_ta_realm, "call_client", call)
    monkeypatch.setattr(_ta_realm, "print_evidence", lambda *_, **__: None)
    return happened


RUN = ("ta", "run", "--ta-key", "key.pem", "a.ta", "--", "true")


def test_the_client_comes_after_the_token(happened: Happened) -> None:
    assert cli.main(RUN) == 5
    assert happened == ["given", "attested", "served", "called", "over"]


def test_no_client_runs_with_what_was_not_shown(
    happened: Happened, capsys: pytest.CaptureFixture[str]
) -> None:
    happened.problem = True
    assert cli.main(RUN) == 1
    assert "REM 1 is another one" in capsys.readouterr().err
    assert happened == ["given", "attested", "over"]
