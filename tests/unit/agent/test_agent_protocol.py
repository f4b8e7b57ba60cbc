# SPDX-License-Identifier: BSD-3-Clause
"""The protocol without I/O: encodings, frames, credit, and who may send what when."""

import struct
import zlib
from pathlib import Path

import cbor2
import pytest
import realmos_agent.protocol
from hypothesis import given
from hypothesis import strategies as st
from realmos_abi import load
from realmos_abi.python import module
from realmos_agent.protocol import (
    Bye,
    Cancel,
    Clock,
    Credit,
    Data,
    Done,
    Eof,
    Error,
    Exited,
    Get,
    Hello,
    LocalProtocolError,
    Message,
    Opened,
    Put,
    RemoteProtocolError,
    Report,
    Run,
    Session,
    Shutdown,
    Signal,
    Started,
    Welcome,
    cbor,
    numbers,
)
from realmos_agent.protocol.frame import FRAME_MAX, PREAMBLE, Frame, FrameDecoder, encode_frame
from realmos_agent.protocol.messages import TYPES, decode_message, encode_message

NONCE = b"0123456789abcdef"
HELLO = Hello(numbers.VERSION, NONCE, "test")
WELCOME = Welcome(numbers.VERSION, NONCE, "test", b"n" * 16, b"/work", (("agent", 1),))
RUN = Run(1, (b"true",), (), None, python=False, stdin=True, pty=None)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 64), (1 << 64) - 1) | st.binary() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4).map(tuple) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=6,
)


def depth(value: object) -> int:
    if isinstance(value, tuple):
        return 1 + max(map(depth, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 0


def lists(value: object) -> object:
    """Return the value with lists for tuples, as cbor2 decodes arrays."""
    if isinstance(value, tuple):
        return [lists(item) for item in value]
    if isinstance(value, dict):
        return {key: lists(item) for key, item in value.items()}
    return value


def pair() -> tuple[Session, Session]:
    """Return a client and an agent in an open session."""
    client, agent = Session("client"), Session("agent")
    pass_on(client, agent, HELLO)
    pass_on(agent, client, WELCOME)
    return client, agent


def pass_on(sender: Session, receiver: Session, *messages: Message) -> None:
    for message in messages:
        receiver.feed(sender.send(message))
        assert receiver.next_event() == message


def forged(message: Message) -> bytes:
    """Return the bytes of a message that the sender's own rules would not let out."""
    kind, payload = encode_message(message)
    return encode_frame(Frame(kind, int.from_bytes(NONCE[:8], "little") | 1, payload))


def test_numbers_are_the_tables() -> None:
    path = Path(realmos_agent.protocol.__file__).with_name("numbers.py")
    assert path.read_text("utf-8") == module(load("agent"))


@given(values.filter(lambda value: depth(value) <= 4))
def test_cbor_is_read_and_written_as_cbor2_does(value: "cbor.Value") -> None:
    data = cbor.encode(value)
    assert cbor2.loads(data) == lists(value)
    assert cbor.decode(data) == value
    assert cbor2.dumps(lists(value)) == data


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ("", "cut short"),
        ("44616263", "cut short"),
        ("19ff", "cut short"),
        ("a161", "cut short"),
        ("9bffffffffffffffff", "cut short"),
        ("0000", "behind"),
        ("1817", "longer than it need be"),
        ("1900ff", "longer than it need be"),
        ("1b00000000ffffffff", "longer than it need be"),
        ("7f616161ff", "indefinite"),
        ("9fff", "indefinite"),
        ("1c", "reserved"),
        ("c100", "tag"),
        ("d8236161", "tag"),
        ("f93c00", "float"),
        ("f7", "simple"),
        ("61ff", "UTF-8"),
        ("a2616100616101", "twice"),
        ("a10000", "not text"),
        ("818181818100", "too deep"),
        ("81" * 60000, "too deep"),
    ],
)
def test_other_cbor_is_refused(data: str, what: str) -> None:
    with pytest.raises(cbor.CborError, match=what):
        cbor.decode(bytes.fromhex(data))


@given(st.binary())
def test_random_bytes_never_confuse_the_decoder(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except cbor.CborError:
        return
    assert cbor.encode(value) == data


messages = st.one_of(
    st.builds(Data, st.integers(1, 9), st.integers(0, 2), st.binary(max_size=200)),
    st.builds(Error, st.integers(0, 9), st.integers(1, 30), st.text(max_size=50)),
    st.builds(
        Run,
        st.integers(1, 9),
        st.lists(st.binary()).map(tuple),
        st.just(()),
        st.none() | st.binary(),
        python=st.booleans(),
        stdin=st.booleans(),
        pty=st.none() | st.tuples(st.integers(0, 99), st.integers(0, 99)),
    ),
    st.just(WELCOME),
)


@given(messages)
def test_messages_survive_their_encoding(message: Message) -> None:
    assert decode_message(*encode_message(message)) == message


@pytest.mark.parametrize(
    ("number", "fields"),
    [
        (numbers.MSG_DATA, {"id": 1, "stream": 0}),
        (numbers.MSG_DATA, {"id": 1, "stream": 0, "data": b"", "more": 1}),
        (numbers.MSG_DATA, {"id": 1, "stream": 0, "data": "text"}),
        (numbers.MSG_DATA, {"id": -1, "stream": 0, "data": b""}),
        (numbers.MSG_DATA, {"id": True, "stream": 0, "data": b""}),
        (numbers.MSG_EOF, [1, 0]),
        (numbers.MSG_SHUTDOWN, {"id": 1, "reboot": 0}),
        (numbers.MSG_CLOCK, {"id": 1, "time_ns": -1}),
        (numbers.MSG_CLOCK, {"id": 1, "time_ns": 1.7e18}),
        (numbers.MSG_CLOCK, {"id": 1, "time_ns": "now"}),
        (numbers.MSG_CLOCK, {"id": 1, "time_ns": None}),
        (numbers.MSG_CLOCK, {"id": 1, "time_ns": 1 << 64}),
        (999, {}),
    ],
)
def test_messages_with_other_fields_are_refused(number: int, fields: object) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_message(number, cbor2.dumps(fields))
    assert caught.value.code == numbers.ERR_BAD_MESSAGE


def test_messages_with_wrong_types_are_not_sent() -> None:
    with pytest.raises(LocalProtocolError):
        encode_message(Eof("1", 0))  # type: ignore[arg-type] # the point of the test
    with pytest.raises(LocalProtocolError, match="takes"):
        encode_message(Data(1, 0, bytes(numbers.PAYLOAD_MAX)))


def test_records_are_frozen_and_complete() -> None:
    message = Eof(1, 0)
    with pytest.raises(AttributeError):
        message.id = 2  # type: ignore[misc] # the point of the test
    with pytest.raises(TypeError):
        Eof(1)  # type: ignore[call-arg] # the point of the test
    with pytest.raises(TypeError):
        Eof(1, 0, id=2)  # type: ignore[misc] # the point of the test
    assert {message, Eof(1, 0)} == {message}
    assert message != Credit(1, 0, 0)
    assert set(TYPES) == set(load("agent").groups["message"].values.values())


@given(st.lists(messages, max_size=5), st.randoms())
def test_frames_survive_any_splitting(sent: list[Message], random: "object") -> None:
    stream = b"".join(encode_frame(Frame(*_framed(message))) for message in sent)
    decoder = FrameDecoder()
    got = []
    while stream:
        size = random.randint(1, 40)  # type: ignore[attr-defined] # random.Random
        decoder.feed(stream[:size])
        stream = stream[size:]
        while (frame := decoder.next_frame()) is not None:
            got.append(decode_message(frame.type, frame.payload))
    assert got == sent


def _framed(message: Message) -> tuple[int, int, bytes]:
    kind, payload = encode_message(message)
    return kind, 7, payload


@given(st.binary(max_size=300), st.integers(1, 64))
def test_a_frame_behind_junk_is_found(junk: bytes, size: int) -> None:
    frame = Frame(numbers.MSG_BYE, 7, b"\xa0")
    stream = junk + PREAMBLE + encode_frame(frame)
    decoder = FrameDecoder()
    got, errors = [], 0
    for at in range(0, len(stream), size * 97):
        decoder.feed(stream[at : at + size * 97])
        while True:
            try:
                found = decoder.next_frame()
            except RemoteProtocolError:
                errors += 1
                continue
            if found is None:
                break
            got.append(found)
    assert got == [frame]
    assert errors == bool(junk.strip(b"\0"))


def test_a_half_frame_is_completed_by_the_preamble() -> None:
    whole = encode_frame(Frame(numbers.MSG_DATA, 7, bytes(range(256)) * 200))
    frame = Frame(numbers.MSG_BYE, 7, b"\xa0")
    for cut in (1, 5, 20, 32, 33, 5000, len(whole) - 1):
        decoder = FrameDecoder()
        decoder.feed(whole[:cut] + PREAMBLE + encode_frame(frame))
        with pytest.raises(RemoteProtocolError):
            decoder.next_frame()
        assert decoder.next_frame() == frame


def test_hostile_headers_cost_linear_time_and_bounded_memory() -> None:
    magic = struct.pack("<I", numbers.FRAME_MAGIC)
    head = struct.pack("<IIQIII", numbers.FRAME_MAGIC, 1, 1, numbers.PAYLOAD_MAX + 1, 0, 0)
    head += struct.pack("<I", zlib.crc32(head))
    for piece in (magic, magic[:1], head, magic + b"\0"):
        decoder = FrameDecoder()
        decoder.feed(piece * (FRAME_MAX // len(piece)))
        with pytest.raises(RemoteProtocolError):
            decoder.next_frame()
        assert decoder.next_frame() is None
        assert len(decoder._buffer) < numbers.FRAME_HEADER_SIZE  # noqa: SLF001


def test_session_opens_works_and_ends() -> None:
    client, agent = pair()
    assert (client.state, agent.state) == ("open", "open")
    pass_on(client, agent, RUN, Data(1, 0, b"in"), Eof(1, 0))
    pass_on(agent, client, Started(1, 42), Data(1, 1, b"out"), Data(1, 2, b"err"))
    pass_on(agent, client, Eof(1, 1), Eof(1, 2), Exited(1, 0, None, oom=False))
    assert client.operations == agent.operations == ()
    pass_on(client, agent, Bye())
    assert (client.state, agent.state) == ("idle", "idle")


@pytest.mark.parametrize(
    "message",
    [
        WELCOME,
        Started(1, 1),
        Data(1, 1, b"wrong way"),
        Data(2, 0, b"no such operation"),
        Data(1, 0, bytes(numbers.DATA_MAX + 1)),
        Eof(1, 7),
        Credit(1, 0, 1),
        Cancel(1),
        RUN,
        Exited(1, 0, None, oom=False),
    ],
)
def test_what_a_client_may_not_send_is_refused_on_both_sides(message: Message) -> None:
    client, agent = pair()
    pass_on(client, agent, RUN)
    with pytest.raises(LocalProtocolError):
        client.send(message)
    pass_on(client, agent, Data(1, 0, b"nothing has changed"))
    agent.feed(forged(message))
    with pytest.raises(RemoteProtocolError):
        agent.next_event()
    assert (agent.state, agent.operations) == ("idle", ())


@pytest.mark.parametrize(
    "message",
    [
        HELLO,
        RUN,
        Signal(1, 9),
        Data(1, 1, b"before it has started"),
        Credit(1, 0, 1),
        Opened(1, 0, 0),
        Done(1, 0),
        Exited(1, 0, None, oom=False),
        Error(2, 1, "no such operation"),
    ],
)
def test_what_an_agent_may_not_send_is_refused_on_both_sides(message: Message) -> None:
    client, agent = pair()
    pass_on(client, agent, RUN)
    with pytest.raises(LocalProtocolError):
        agent.send(message)
    pass_on(agent, client, Started(1, 1))
    client, agent = pair()
    pass_on(client, agent, RUN)
    if not isinstance(message, Hello):
        client.feed(forged(message))
        with pytest.raises(RemoteProtocolError):
            client.next_event()
        assert client.state == "idle"


def test_credit_bounds_what_may_be_sent() -> None:
    client, agent = pair()
    pass_on(client, agent, RUN)
    pass_on(agent, client, Started(1, 1))
    left = numbers.WINDOW
    while left:
        piece = min(left, numbers.DATA_MAX)
        pass_on(agent, client, Data(1, 1, bytes(piece)))
        left -= piece
    assert agent.credit(1, numbers.STREAM_OUT) == 0
    assert agent.credit(1, numbers.STREAM_ERR) == numbers.WINDOW
    with pytest.raises(LocalProtocolError, match="credit"):
        agent.send(Data(1, 1, b"x"))
    pass_on(client, agent, Credit(1, 1, 10))
    pass_on(agent, client, Data(1, 1, bytes(10)))
    client.feed(forged(Data(1, 1, b"x")))
    with pytest.raises(RemoteProtocolError) as caught:
        client.next_event()
    assert caught.value.code == numbers.ERR_OVERRUN


def test_credit_beyond_the_window_is_refused() -> None:
    client, agent = pair()
    pass_on(client, agent, RUN)
    agent.feed(forged(Credit(1, 1, 1)))
    with pytest.raises(RemoteProtocolError, match="window"):
        agent.next_event()


def test_stream_that_is_over_stays_over() -> None:
    client, agent = pair()
    pass_on(client, agent, RUN, Eof(1, 0))
    for message in (Data(1, 0, b""), Eof(1, 0)):
        with pytest.raises(LocalProtocolError, match="over"):
            client.send(message)
    assert client.credit(1, 0) == 0


def test_late_messages_to_an_ended_operation_are_dropped() -> None:
    client, agent = pair()
    pass_on(client, agent, Get(1, b"/x"))
    agent.send(Error(1, numbers.ERR_NOT_FOUND, "gone"))
    agent.feed(client.send(Cancel(1)) + client.send(Report(2)))
    assert agent.next_event() == Report(2)


def test_operation_numbers_rise() -> None:
    client, agent = pair()
    pass_on(client, agent, Report(5))
    pass_on(agent, client, Done(5, 0))
    for number in (0, 4, 5):
        with pytest.raises(LocalProtocolError, match="cannot begin"):
            client.send(Report(number))
    pass_on(client, agent, Report(6))


def test_clock_is_answered_once() -> None:
    client, agent = pair()
    pass_on(client, agent, Clock(1, 10**18))
    pass_on(agent, client, Done(1, 0))
    with pytest.raises(LocalProtocolError):
        agent.send(Done(1, 0))
    with pytest.raises(LocalProtocolError):
        agent.send(Clock(2, 10**18))


def test_put_needs_no_start_and_get_does() -> None:
    client, agent = pair()
    pass_on(client, agent, Put(1, b"/x", 0o644, parents=False), Data(1, 0, b"x"), Eof(1, 0))
    pass_on(agent, client, Done(1, 1))
    pass_on(client, agent, Get(2, b"/x"))
    with pytest.raises(LocalProtocolError):
        agent.send(Data(2, 1, b"x"))
    pass_on(agent, client, Opened(2, 1, 0o644), Data(2, 1, b"x"), Eof(2, 1), Done(2, 1))


def test_nothing_is_sent_before_the_welcome() -> None:
    client, agent = Session("client"), Session("agent")
    for message in (RUN, Shutdown(1, reboot=False), Bye()):
        with pytest.raises(LocalProtocolError):
            client.send(message)
    with pytest.raises(LocalProtocolError):
        agent.send(WELCOME)


def test_hello_ends_the_session_before() -> None:
    client, agent = pair()
    pass_on(client, agent, RUN)
    another = Session("client")
    hello = Hello(numbers.VERSION, b"another client's", "x")
    pass_on(another, agent, hello)
    assert agent.operations == ()
    agent.feed(client.send(Data(1, 0, b"from the old session")))
    assert agent.next_event() is None
    client.feed(agent.send(Welcome(1, hello.nonce, "a", b"", b"", ())))
    with pytest.raises(LocalProtocolError):
        agent.send(Started(1, 1))


def test_hello_repeated_changes_nothing() -> None:
    client, agent = pair()
    pass_on(client, agent, RUN)
    agent.feed(Session("client").send(HELLO))
    assert agent.next_event() == HELLO
    assert agent.operations == (1,)
    client.feed(agent.send(WELCOME))
    assert client.next_event() is None
    pass_on(agent, client, Started(1, 1))


def test_client_ignores_what_an_old_session_left_behind() -> None:
    old_client, agent = pair()
    pass_on(old_client, agent, RUN)
    pass_on(agent, old_client, Started(1, 1))
    left = agent.send(Data(1, 1, b"old")) + agent.send(Data(1, 1, b"cut short"))[:-3]
    client = Session("client")
    hello = Hello(numbers.VERSION, b"another client's", "x")
    agent.feed(client.send(hello))
    assert agent.next_event() == hello
    client.feed(left[7:] + bytes(3))
    assert client.next_event() is None
    client.feed(agent.send(Welcome(1, hello.nonce, "a", b"", b"", ())))
    welcome = client.next_event()
    assert isinstance(welcome, Welcome)
    assert client.state == "open"


@pytest.mark.parametrize("cut", [1, 20, 32, 33, 5000])
def test_half_a_frame_of_an_old_session_does_not_swallow_the_welcome(cut: int) -> None:
    client, agent = Session("client"), Session("agent")
    agent.feed(client.send(HELLO))
    assert agent.next_event() == HELLO
    client.feed(encode_frame(Frame(numbers.MSG_DATA, 7, bytes(range(256)) * 200))[:cut])
    client.feed(agent.send(WELCOME))
    while client.next_event() is not None:
        pass
    pass_on(client, agent, HELLO)  # once more, after a while
    client.feed(agent.send(WELCOME))
    assert client.next_event() in {WELCOME, None}
    assert client.state == "open"


def test_agent_goes_on_after_junk() -> None:
    agent = Session("agent")
    agent.feed(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(RemoteProtocolError) as caught:
        agent.next_event()
    assert caught.value.code == numbers.ERR_BAD_FRAME
    client = Session("client")
    assert client.send(HELLO).startswith(PREAMBLE)
    reply = agent.send(Error(0, caught.value.code, "junk"))
    client.feed(reply)
    assert client.next_event() is None
    pass_on(Session("client"), agent, HELLO)


def test_junk_in_a_session_ends_it() -> None:
    client, agent = pair()
    pass_on(client, agent, RUN)
    agent.feed(b"junk")
    with pytest.raises(RemoteProtocolError):
        agent.next_event()
    assert agent.operations == ()
    client.feed(agent.send(Error(0, numbers.ERR_BAD_FRAME, "junk")))
    assert isinstance(client.next_event(), Error)
    assert client.state == "idle"


@given(st.lists(st.binary(max_size=80), max_size=8))
def test_agent_survives_any_bytes(pieces: list[bytes]) -> None:
    client, agent = pair()
    for piece in pieces:
        agent.feed(piece)
        _drain(agent)
    agent.disconnected()
    pass_on(Session("client"), agent, HELLO)
    assert client.state == "open"


@given(st.sampled_from(sorted(TYPES)), st.binary(max_size=60))
def test_agent_survives_any_payload(kind: int, payload: bytes) -> None:
    _, agent = pair()
    tag = int.from_bytes(NONCE[:8], "little") | 1
    agent.feed(encode_frame(Frame(kind, tag, payload)))
    _drain(agent)


def _drain(session: Session) -> None:
    while True:
        try:
            if session.next_event() is None:
                return
        except RemoteProtocolError:
            continue
