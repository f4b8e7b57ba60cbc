# SPDX-License-Identifier: BSD-3-Clause
"""The channel inside TLS: what goes over the wire, who is trusted, and men in the middle."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from realmos.agent import AgentClient
from realmos.errors import AttestationError, PeerError, PeerRefusedError
from realmos_agent.protocol import (
    Error,
    Hello,
    Message,
    Put,
    Run,
    Sealed,
    Secure,
    Session,
    Welcome,
    numbers,
)
from realmos_agent.protocol.eventlog import entries
from realmos_agent.protocol.evidence import EVIDENCE_OID, channel_challenge
from realmos_agent.protocol.frame import Frame, FrameDecoder, encode_frame
from realmos_agent.protocol.measurement import (
    AttestEvent,
    EndEvent,
    FailedEvent,
    FileEvent,
    RunEvent,
    decode,
    digest,
    encode,
)

if TYPE_CHECKING:
    from tests.unit.agent.conftest import Agent, Starter

TIMEOUT = 30.0
MARK = b"token for "
SECRET = b"the workload's secret"
PLAIN = {numbers.MSG_HELLO, numbers.MSG_WELCOME, numbers.MSG_SECURE, numbers.MSG_SECURED}


def judge(certificate: bytes, nonce: bytes) -> None:
    """Trust a certificate whose token is for this nonce and its key."""
    parsed = x509.load_der_x509_certificate(certificate)
    evidence = parsed.extensions.get_extension_for_oid(x509.ObjectIdentifier(EVIDENCE_OID))
    assert not evidence.critical
    assert isinstance(evidence.value, x509.UnrecognizedExtension)
    spki = parsed.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if evidence.value.value != MARK + channel_challenge(nonce, spki):
        raise AttestationError("the token is not for this key and nonce")


@pytest.fixture
def attesting(start_agent: "Starter") -> "Agent":
    return start_agent(attests=True)


class Proxy:
    """Passes bytes between a client and an agent, and keeps them; `tamper` may change them."""

    def __init__(self, target: Path, folder: Path, tamper: Callable[[bytes], bytes]) -> None:
        self.path = folder / "proxy"
        self.seen = {"client": bytearray(), "agent": bytearray()}
        self._tamper = tamper
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen(1)
        self._agent = socket.socket(socket.AF_UNIX)
        self._agent.connect(str(target))
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self._agent.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._server.close()
        self._agent.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._server.accept()
            self._threads.append(threading.Thread(target=self._pass, args=(client, "client")))
            self._threads[1].start()
            while data := self._agent.recv(1 << 16):
                self.seen["agent"] += data
                client.sendall(self._tamper(data))
            client.close()

    def _pass(self, client: socket.socket, side: str) -> None:
        with contextlib.suppress(OSError), client:
            while data := client.recv(1 << 16):
                self.seen[side] += data
                self._agent.sendall(data)


@pytest.fixture
def proxied(attesting: "Agent", tmp_path: Path) -> Iterator[Proxy]:
    proxy = Proxy(attesting.port.path, tmp_path, lambda data: data)
    yield proxy
    proxy.close()


def frame_types(data: bytes) -> list[int]:
    decoder = FrameDecoder()
    decoder.feed(data)
    types = []
    while (frame := decoder.next_frame()) is not None:
        types.append(frame.type)
    return types


def test_work_goes_on_inside_tls(attesting: "Agent") -> None:
    with AgentClient(attesting.port.path, timeout=TIMEOUT) as client:
        outside = client.hello().work_dir
        client.secure(judge)
        assert client.hello().work_dir != outside
        client.put_bytes(SECRET, f"{client.hello().work_dir}/secret")
        assert client.run(["cat", "secret"]).stdout == SECRET
        flood = client.run(["head", "-c", "5000000", "/dev/zero"])
        assert flood.stdout == bytes(5_000_000)


def test_nothing_but_hello_and_nonce_is_plain(proxied: Proxy) -> None:
    with AgentClient(proxied.path, timeout=TIMEOUT) as client:
        client.secure(judge)
        client.put_bytes(SECRET, f"{client.hello().work_dir}/secret")
        assert client.run(["cat", "secret"], env={"TOKEN": SECRET.decode()}).stdout == SECRET
    for side, data in proxied.seen.items():
        types = frame_types(bytes(data))
        after = types[
            types.index(numbers.MSG_SECURE if side == "client" else numbers.MSG_SECURED) :
        ]
        assert set(types) <= PLAIN | {numbers.MSG_SEALED}
        assert set(after[1:]) == {numbers.MSG_SEALED}
        assert SECRET not in data


def test_nothing_is_sent_to_a_realm_that_is_not_trusted(proxied: Proxy) -> None:
    def refuse(_certificate: bytes, _nonce: bytes) -> None:
        raise AttestationError("its RIM is another")

    with AgentClient(proxied.path, timeout=TIMEOUT) as client:
        client.hello()
        before = len(proxied.seen["client"])
        with pytest.raises(AttestationError, match="its RIM is another"):
            client.secure(refuse)
        client.close()
    sent = frame_types(bytes(proxied.seen["client"][before:]))
    # The request, and the client's side of the handshake.
    assert sent[0] == numbers.MSG_SECURE
    assert set(sent[1:]) == {numbers.MSG_SEALED}
    assert len(sent) <= 3


def test_each_channel_has_a_key_and_a_nonce_of_its_own(attesting: "Agent") -> None:
    keys, nonces = set(), set()

    def remember(certificate: bytes, nonce: bytes) -> None:
        judge(certificate, nonce)
        key = x509.load_der_x509_certificate(certificate).public_key()
        keys.add(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    for _ in range(3):
        with AgentClient(attesting.port.path, timeout=TIMEOUT) as client:
            client.secure(remember)
            nonces.add(client.hello().nonce)
    assert len(keys) == len(nonces) == 3


def test_agent_that_cannot_attest_says_so_and_lives_on(agent: "Agent") -> None:
    with (
        AgentClient(agent.port.path, timeout=TIMEOUT) as client,
        pytest.raises(PeerError, match="cannot attest to itself"),
    ):
        client.secure(judge)
    with AgentClient(agent.port.path, timeout=TIMEOUT) as client:
        assert client.run(["echo", "plain"]).stdout == b"plain\n"


def test_what_ran_in_the_plain_session_ends_with_it(attesting: "Agent") -> None:
    with AgentClient(attesting.port.path, timeout=TIMEOUT) as client:
        run = client.start(["sh", "-c", "echo $$; sleep 60"], stdout=(got := bytearray()).extend)
        while not got.endswith(b"\n"):
            client.pump(0.1)
        client.secure(judge)
        assert not run.over
        assert client.run(["sh", "-c", f"kill -0 {int(got)}"]).status != 0


def test_realm_that_worked_inside_tls_ends_with_its_client(attesting: "Agent") -> None:
    """What it was given is in its memory, and the next client could look there."""
    with AgentClient(attesting.port.path, timeout=TIMEOUT) as client:
        client.secure(judge)
        client.start(["sleep", "60"])
    assert attesting.process.wait(TIMEOUT) == numbers.EXIT_POWER_OFF


def test_channel_without_work_leaves_the_realm_to_others(attesting: "Agent") -> None:
    with AgentClient(attesting.port.path, timeout=TIMEOUT) as client:
        client.secure(judge)
    with AgentClient(attesting.port.path, timeout=TIMEOUT) as client:
        assert client.run(["echo", "again"]).stdout == b"again\n"


def test_work_is_refused_when_rem_1_cannot_be_kept(start_agent: "Starter") -> None:
    agent = start_agent(attests=True, claims=False)
    with AgentClient(agent.port.path, timeout=TIMEOUT) as client:
        with pytest.raises(PeerRefusedError, match="REM 1 could not be kept"):
            client.run(["true"])
        with pytest.raises(PeerRefusedError, match="REM 1 could not be kept"):
            client.put_bytes(b"x", f"{client.hello().work_dir}/x")
        with pytest.raises(PeerError, match="cannot attest to itself"):
            client.secure(judge)


def test_rem_1_is_kept_before_anything_is_done(attesting: "Agent", tmp_path: Path) -> None:
    """All in one piece, so that the agent has no time to prepare itself between the messages."""
    ours = Session("client")
    target = os.fsencode(tmp_path / "folder" / "file")
    burst = ours.send(Hello(numbers.VERSION, os.urandom(numbers.NONCE_SIZE), "raw"))
    ours.state = "open"  # forget our own rules
    burst += ours.send(Put(1, target, 0o644, parents=True))
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(attesting.port.path))
        raw.sendall(burst)
        deadline = time.monotonic() + TIMEOUT
        while not (tmp_path / "folder").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert (attesting.work / "claimed").stat().st_mtime_ns <= (
        tmp_path / "folder"
    ).stat().st_mtime_ns


def test_end_of_a_session_and_what_failed_are_events(attesting: "Agent") -> None:
    with (
        AgentClient(attesting.port.path, timeout=TIMEOUT) as client,
        pytest.raises(PeerRefusedError),
    ):
        client.run(["no-such-program"])
    with AgentClient(attesting.port.path, timeout=TIMEOUT) as client:
        log = [type(decode(event)) for event in entries(client.attest(b"challenge").log)]
    assert log == [RunEvent, FailedEvent, EndEvent]


def test_script_that_is_measured_is_the_one_that_runs(attesting: "Agent") -> None:
    run = Run(1, (b"/dev/stdin",), (), None, python=True, stdin=True, pty=None)
    with (
        AgentClient(attesting.port.path, timeout=TIMEOUT) as client,
        pytest.raises(PeerRefusedError, match="Not a regular file"),
    ):
        client._engine.call(run, "run")  # noqa: SLF001 - our client sends no such thing


@pytest.mark.parametrize("which", [0, 1, 3])
def test_changed_tls_record_ends_the_session(
    attesting: "Agent", tmp_path: Path, which: int
) -> None:
    """A bit of the handshake or of an answer is turned, and the frame's checksums are mended."""
    decoder, count = FrameDecoder(), 0

    def tamper(data: bytes) -> bytes:
        nonlocal count
        out = b""
        decoder.feed(data)
        while (frame := decoder.next_frame()) is not None:
            payload = frame.payload
            if frame.type == numbers.MSG_SEALED:
                if count == which:
                    payload = payload[:-1] + bytes([payload[-1] ^ 1])
                count += 1
            out += encode_frame(Frame(frame.type, frame.session, payload))
        return out

    proxy = Proxy(attesting.port.path, tmp_path, tamper)

    def work() -> None:
        with AgentClient(proxy.path, timeout=TIMEOUT) as client:
            client.secure(judge)
            client.run(["true"])

    with contextlib.closing(proxy), pytest.raises(PeerError, match="TLS"):
        work()


def test_tls_before_it_is_agreed_to_is_a_violation(attesting: "Agent") -> None:
    ours = Session("client")
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(TIMEOUT)
        raw.connect(str(attesting.port.path))

        def ask(data: bytes) -> Message:
            raw.sendall(data)
            while (message := ours.next_event()) is None:
                ours.feed(raw.recv(1 << 16))
            return message

        hello = Hello(numbers.VERSION, os.urandom(numbers.NONCE_SIZE), "raw")
        assert isinstance(ask(ours.send(hello)), Welcome)
        ours.state = "secured"  # forget our own rules
        answer = ask(ours.send(Sealed(b"junk")))
    assert isinstance(answer, Error)
    assert answer.code == numbers.ERR_BAD_STATE


@pytest.mark.parametrize("size", [0, 16, 63, 65])
def test_nonce_of_another_size_is_refused(attesting: "Agent", size: int) -> None:
    with AgentClient(attesting.port.path, timeout=TIMEOUT) as client:
        engine = client._engine  # noqa: SLF001 - our client sends no such thing
        engine.connection.send(Secure(bytes(size)))
        with pytest.raises(PeerError, match="nonce has 64 bytes"):
            engine.pump_until(lambda: False, TIMEOUT)


def test_events_are_measured_before_they_happen(attesting: "Agent") -> None:
    with AgentClient(attesting.port.path, timeout=TIMEOUT) as client:
        client.secure(judge)
        work = client.hello().work_dir
        client.put_bytes(b"data", f"{work}/input", mode=0o600)
        seen = client.run(["cat", f"{attesting.work}/rem1"], env={"A": "1"})
        found = client.attest(b"challenge")
    assert found.token == MARK + b"challenge"
    raw = list(entries(found.log))
    put, run = map(decode, raw)
    assert isinstance(put, FileEvent)
    assert isinstance(run, RunEvent)
    assert (put.path, put.mode) == (b"\0work/input", 0o600)
    assert (run.argv[0], run.env, run.cwd) == (b"cat", (b"A=1",), b"\0work")
    # The program itself saw what it was measured as.
    assert seen.stdout == b"".join(digest(event, "sha-256") for event in raw)


def test_channel_within_a_channel_is_a_violation(attesting: "Agent") -> None:
    with AgentClient(attesting.port.path, timeout=TIMEOUT) as client:
        client.secure(judge)
        engine = client._engine  # noqa: SLF001 - our client sends no such thing
        vars(engine.connection.session)["_sealed"] = False  # forget our own rules
        engine.connection.send(Secure(bytes(numbers.CHALLENGE_SIZE)))
        with pytest.raises(PeerError, match="Secure in a session that is open"):
            engine.pump_until(lambda: False, TIMEOUT)
    with AgentClient(attesting.port.path, timeout=TIMEOUT) as client:
        client.secure(judge)
        assert client.run(["echo", "alive"]).stdout == b"alive\n"


def test_client_does_not_go_on_in_the_open_when_its_channel_is_gone(
    attesting: "Agent", tmp_path: Path
) -> None:
    """Somebody in between ends the session inside TLS, and would be glad of one that is not."""
    decoder, sealed = FrameDecoder(), 0

    def tamper(data: bytes) -> bytes:
        nonlocal sealed
        decoder.feed(data)
        while (frame := decoder.next_frame()) is not None:
            sealed += frame.type == numbers.MSG_SEALED
        if sealed < 3 or frame is not None:
            return data
        sealed = -1000
        return data + Session("agent").send(Error(0, numbers.ERR_BAD_STATE, "made up"))

    proxy = Proxy(attesting.port.path, tmp_path, tamper)
    with contextlib.closing(proxy), AgentClient(proxy.path, timeout=TIMEOUT) as client:
        client.secure(judge)
        with pytest.raises(PeerError, match="made up"):
            client.run(["sleep", "60"])
        with pytest.raises(PeerError, match="channel to the realm is gone"):
            client.renew()
    assert numbers.MSG_HELLO not in frame_types(bytes(proxy.seen["client"]))[2:]


@pytest.mark.parametrize(("size", "count"), [(32, 0), (33, 1), (64, 1)])
def test_long_nonce_is_measured_before_a_token_answers_it(
    attesting: "Agent", size: int, count: int
) -> None:
    """It could be a channel's challenge, for the key of somebody else."""
    nonce = os.urandom(size)
    with AgentClient(attesting.port.path, timeout=TIMEOUT) as client:
        client.secure(judge)
        found = client.attest(nonce)
        log = [decode(event) for event in entries(found.log)]
        assert found.token == MARK + nonce
        rem = attesting.work / "rem1"
        taken = rem.read_bytes() if rem.exists() else b""
    assert log == [AttestEvent(nonce)] * count
    assert taken == b"".join(digest(encode(event), "sha-256") for event in log)
