# SPDX-License-Identifier: BSD-3-Clause
"""Men in the middle: whoever sits on an agent's socket, with a realm behind."""

import contextlib
import datetime as dt
import os
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from realmos_agent.protocol import (
    Channel,
    Hello,
    Message,
    Sealed,
    Secure,
    Secured,
    Welcome,
    numbers,
)
from realmos_agent.protocol.evidence import EVIDENCE_OID
from realmos_agent.protocol.frame import PREAMBLE, Frame, FrameDecoder, encode_frame
from realmos_agent.protocol.messages import decode_message
from realmos_agent.protocol.tls import context

EVIDENCE = x509.ObjectIdentifier(EVIDENCE_OID)
PATIENCE = 300.0


class Wire:
    """An end of the agent's protocol on a socket; every wait is bounded.

    Args:
        connection: the socket.
        role: whom to play.
    """

    def __init__(self, connection: socket.socket, role: str) -> None:
        connection.settimeout(PATIENCE)
        self.socket = connection
        self.channel = Channel("agent" if role == "agent" else "client")
        self.received = bytearray()

    def send(self, message: Message) -> None:
        self.channel.send(message)
        self.flush()

    def flush(self) -> None:
        for data in self.channel.take_output():
            self.socket.sendall(data)

    def receive(self) -> Message:
        """Return the next message.

        Raises:
            ConnectionError: the peer has gone.
        """
        while (message := self.channel.next_event()) is None:
            self.read()
        self.flush()
        return message

    def read(self) -> None:
        self.flush()
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the peer has gone")
        self.received += data
        self.channel.feed(data)

    def send_raw(self, *messages: Message) -> None:
        """Send messages of the plain session, whatever they begin."""
        for message in messages:
            self.socket.sendall(self.channel.session.send(message))

    def play_agent(self) -> bytes:
        """Play an agent until the client asks for a channel; return its nonce."""
        while not isinstance(message := self.receive(), Secure):
            if isinstance(message, Hello):
                work = b"/run/realmos/x"
                self.send(Welcome(numbers.VERSION, message.nonce, "0", bytes(16), work, ()))
        return message.nonce

    def play_client(self, nonce: bytes) -> bytes:
        """Ask an agent for a channel; return the certificate that it shows."""
        self.send(Hello(numbers.VERSION, os.urandom(numbers.NONCE_SIZE), "attacker"))
        assert isinstance(self.receive(), Welcome)
        self.send(Secure(nonce))
        assert isinstance(self.receive(), Secured)
        self.channel.secure(context(server=False))
        return self.certificate()

    def certificate(self) -> bytes:
        """Return what the peer shows in the handshake."""
        while (found := self.channel.peer_certificate()) is None:
            message = self.channel.next_event()
            assert message is None, message
            if self.channel.peer_certificate() is None:
                self.read()
        return found


@dataclass(frozen=True)
class Key:
    """A key of nobody's realm, for certificates that say otherwise."""

    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def spki(self) -> bytes:
        return self.private.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )

    def context(self, token: bytes | None) -> ssl.SSLContext:
        """Return a server's TLS settings, with a certificate that carries `token`."""
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "realm")])
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
            .not_valid_after(dt.datetime(9999, 12, 31, tzinfo=dt.UTC))
        )
        if token is not None:
            extension = x509.UnrecognizedExtension(EVIDENCE, token)
            builder = builder.add_extension(extension, critical=False)
        certificate = builder.sign(self.private, hashes.SHA256())
        secret = self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        made = context(server=True)
        fd = os.memfd_create("attacker")
        with contextlib.closing(os.fdopen(fd, "wb")) as file:
            file.write(secret + certificate.public_bytes(Encoding.PEM))
            file.flush()
            made.load_cert_chain(f"/proc/self/fd/{fd}")
        return made


def token_in(certificate: bytes) -> bytes:
    """Return the token that a certificate carries."""
    extensions = x509.load_der_x509_certificate(certificate).extensions
    evidence = extensions.get_extension_for_oid(EVIDENCE).value
    assert isinstance(evidence, x509.UnrecognizedExtension)
    return evidence.value


def frames_of(data: bytes) -> Iterator[Frame]:
    """Yield the frames in what came through a socket."""
    decoder = FrameDecoder()
    decoder.feed(data)
    while (frame := decoder.next_frame()) is not None:
        yield frame


@dataclass(frozen=True)
class Recorded:
    """What a realm sent when a channel was made: its token, and the pieces of its TLS flight."""

    token: bytes
    sealed: tuple[bytes, ...]


Attack = Callable[[Wire], None]
Impostor = Callable[[Callable[[bytes, bytes], bytes | None]], Attack]
Recording = Callable[[Path, bytes], Recorded]
Relay = Callable[..., Attack]


@dataclass
class Middle:
    """Where a client connects, and somebody else is than it thinks.

    Attributes:
        path: the socket.
        got: messages that the client sent where it believed itself alone with the realm.
        frames: types of the frames that it sent.
    """

    path: Path
    attack: Attack
    got: list[Message] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    error: Exception | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def serve(self, server: socket.socket) -> None:
        """Take one client, attack, and go on listening until it goes."""
        try:
            client, _ = server.accept()
        except OSError:
            return
        with client:
            wire = Wire(client, "agent")
            try:
                self.attack(wire)
                while True:
                    self.got.append(wire.receive())
            except OSError:
                pass  # the client has gone
            except Exception as error:  # noqa: BLE001 - for the test's own thread
                self.error = error
            self.frames += [frame.type for frame in frames_of(bytes(wire.received))]
            self.over.set()


Between = Callable[[Attack], contextlib.AbstractContextManager[Middle]]


@pytest.fixture
def between(tmp_path: Path) -> Between:
    """Return a function that puts an attacker on a socket."""

    @contextlib.contextmanager
    def put(attack: Attack) -> Iterator[Middle]:
        with socket.socket(socket.AF_UNIX) as server:
            middle = Middle(tmp_path / "middle", attack)
            server.bind(str(middle.path))
            server.listen(1)
            thread = threading.Thread(target=middle.serve, args=(server,))
            thread.start()
            try:
                yield middle
            finally:
                with contextlib.suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)
                thread.join(PATIENCE)
                middle.path.unlink()
        assert not thread.is_alive()
        if middle.error is not None:
            raise middle.error

    return put


@pytest.fixture
def impostor() -> Impostor:
    """Return a function that makes an agent with a key of its own out of a way to tokens.

    The way gets the client's nonce, and the key.
    """

    def make(tokens: Callable[[bytes, bytes], bytes | None]) -> Attack:
        def attack(wire: Wire) -> None:
            nonce = wire.play_agent()
            key = Key()
            wire.channel.secure(key.context(tokens(nonce, key.spki)))

        return attack

    return make


@pytest.fixture
def record() -> Recording:
    """Return a function that makes a channel with a realm, for a nonce, and keeps what it sent."""

    def make(path: Path, nonce: bytes) -> Recorded:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            wire = Wire(connection, "client")
            token = token_in(wire.play_client(nonce))
        messages = (
            decode_message(each.type, each.payload) for each in frames_of(bytes(wire.received))
        )
        return Recorded(token, tuple(each.data for each in messages if isinstance(each, Sealed)))

    return make


@pytest.fixture
def relay() -> Relay:
    """Return a function that passes frames on to another socket and back, and may change them."""

    def make(target: Path, edit: Callable[[Frame], Frame] = lambda frame: frame) -> Attack:
        def attack(wire: Wire) -> None:
            with socket.socket(socket.AF_UNIX) as realm:
                realm.connect(str(target))
                pass_on(wire, realm, edit)

        return attack

    return make


def pass_on(wire: Wire, realm: socket.socket, edit: Callable[[Frame], Frame]) -> None:
    """Pass frames on both ways until one side goes."""
    client = wire.socket
    other = {client: realm, realm: client}
    decoders = {client: FrameDecoder(), realm: FrameDecoder()}
    while True:
        ready, _, _ = select.select([client, realm], [], [], PATIENCE)
        if not ready:
            raise TimeoutError
        for each in ready:
            data = each.recv(1 << 16)
            if not data:
                raise ConnectionError
            if each is client:
                wire.received += data
            decoders[each].feed(data)
            while (frame := decoders[each].next_frame()) is not None:
                start = PREAMBLE if frame.type == numbers.MSG_HELLO else b""
                other[each].sendall(start + encode_frame(edit(frame)))
