# SPDX-License-Identifier: BSD-3-Clause
"""What REM 1 takes: the canonical form of events, strictly read, and the value that they make."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realmos_agent.protocol import Run, cbor, measurement, numbers
from realmos_agent.protocol.measurement import (
    EventError,
    FileEvent,
    RunEvent,
    decode,
    encode,
    file_event,
    run_event,
)
from realmos_agent.protocol.messages import encode_message

WORK = b"/run/realmos/00112233445566778899aabbccddeeff"
HASH = hashlib.sha256(b"content").digest()
FILE = FileEvent(b"/data/in.csv", 0o644, HASH)
RUN = RunEvent((b"prog", b"-v"), (b"A=1", b"B=2"), b"\0work", python=False, program=None)
SCRIPT = RunEvent((b"\0work/scripts/1/x.py",), (), b"/", python=True, program=HASH)

WORDS = st.binary(max_size=20).map(lambda text: text.replace(b"\0", b"."))
NAMES = WORDS.map(lambda text: text.replace(b"=", b".") or b"N")
ENTRIES = st.dictionaries(NAMES, WORDS, max_size=5).map(
    lambda env: [b"%s=%s" % item for item in env.items()]
)


def test_events_have_these_bytes() -> None:
    assert encode(FILE).hex() == "8464" + b"file".hex() + "4c" + FILE.path.hex() + (
        "1901a4" + "5820" + HASH.hex()
    )
    assert encode(RUN).hex() == "8663" + b"run".hex() + (
        "82" + "44" + b"prog".hex() + "42" + b"-v".hex()
        + "82" + "43" + b"A=1".hex() + "43" + b"B=2".hex()
        + "45" + b"\0work".hex() + "f4" + "f6"
    )  # fmt: skip


@pytest.mark.parametrize("event", [FILE, RUN, SCRIPT])
def test_an_event_is_read_as_it_was_written(event: measurement.Event) -> None:
    assert decode(encode(event)) == event


@given(argv=st.lists(WORDS, max_size=5), env=ENTRIES, cwd=st.none() | WORDS)
def test_any_run_has_one_form(argv: list[bytes], env: list[bytes], cwd: bytes | None) -> None:
    event = run_event(argv, env, cwd, program=None, work_dir=WORK)
    assert decode(encode(event)) == event
    assert run_event(argv, env[::-1], cwd, program=None, work_dir=WORK) == event


def test_fields_are_written_in_their_order_however_they_were_given() -> None:
    assert encode(FileEvent(sha256=HASH, mode=0o644, path=FILE.path)) == encode(FILE)


def test_the_random_name_of_the_work_directory_does_not_count() -> None:
    made = [
        run_event(
            [work + b"/scripts/1/x.py", b"--out=" + work + b"/out"],
            [b"HOME=" + work],
            cwd,
            program=HASH,
            work_dir=work,
        )
        for work, cwd in ((WORK, None), (WORK[::-1], WORK[::-1]), (b"/w", b""))
    ]
    assert made[0] == made[1] == made[2]
    assert made[0].argv == (b"\0work/scripts/1/x.py", b"--out=\0work/out")
    assert (made[0].env, made[0].cwd) == ((b"HOME=\0work",), b"\0work")
    assert file_event(WORK + b"/f", 0o100644, HASH, work_dir=WORK) == FileEvent(
        b"\0work/f", 0o644, HASH
    )


def test_the_environment_is_a_mapping_of_which_the_last_entry_counts() -> None:
    env = [b"B=1", b"A", b"B=2=3"]
    made = run_event([b"x"], env, b"/", program=None, work_dir=WORK)
    assert made.env == (b"A=", b"B=2=3")


@pytest.mark.parametrize(
    ("argv", "env", "cwd"),
    [
        ([b"a\0b"], [], None),
        ([b"a"], [b"A=\0"], None),
        ([b"a"], [], b"\0work"),
        ([b"a"], [b"=1"], None),
    ],
)
def test_nobody_can_pass_for_the_work_directory(
    argv: list[bytes], env: list[bytes], cwd: bytes | None
) -> None:
    with pytest.raises(EventError):
        run_event(argv, env, cwd, program=None, work_dir=WORK)
    with pytest.raises(EventError):
        file_event(b"\0work/x", 0o644, HASH, work_dir=WORK)


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
def test_rem_1_is_a_chain_of_hashes_from_zeros(algorithm: str) -> None:
    def new(data: bytes) -> bytes:
        return hashlib.new(algorithm.replace("-", ""), data).digest()

    first, second = encode(FILE), encode(RUN)
    zeros = bytes(len(new(b"")))
    assert measurement.replay([], algorithm) == zeros
    assert measurement.digest(first, algorithm) == new(first)
    assert measurement.replay([first, second], algorithm) == new(
        new(zeros + new(first)) + new(second)
    )
    assert measurement.replay([second, first], algorithm) != measurement.replay(
        [first, second], algorithm
    )


BAD_ITEMS: "list[cbor.Value]" = [
    {"kind": "file"},
    (),
    (b"file", b"/x", 0, HASH),
    ("fil", b"/x", 0, HASH),
    ("file", b"/x", 0),
    ("file", b"/x", 0, HASH, 0),
    ("file", b"", 0, HASH),
    ("file", "/x", 0, HASH),
    ("file", b"/x\0", 0, HASH),
    ("file", b"\0w\0workork", 0, HASH),
    ("file", b"/x", True, HASH),
    ("file", b"/x", -1, HASH),
    ("file", b"/x", 0o10000, HASH),
    ("file", b"/x", 0, HASH[1:]),
    ("file", b"/x", 0, None),
    ("run", b"x", (), b"/", False, None),
    ("run", ("x",), (), b"/", False, None),
    ("run", (b"x\0",), (), b"/", False, None),
    ("run", (b"x",), (b"A",), b"/", False, None),
    ("run", (b"x",), (b"=1",), b"/", False, None),
    ("run", (b"x",), (b"B=1", b"A=1"), b"/", False, None),
    ("run", (b"x",), (b"A=1", b"A=2"), b"/", False, None),
    ("run", (b"x",), (), None, False, None),
    ("run", (b"x",), (), b"", False, None),
    ("run", (b"x",), (), b"/", 0, None),
    ("run", (b"x",), (), b"/", True, None),
    ("run", (b"x",), (), b"/", False, HASH),
    ("run", (b"x",), (), b"/", True, HASH[1:]),
]


@pytest.mark.parametrize("item", BAD_ITEMS, ids=repr)
def test_an_event_that_is_not_as_it_must_be_is_refused(item: "cbor.Value") -> None:
    with pytest.raises(EventError):
        decode(cbor.encode(item))


@pytest.mark.parametrize("event", [FILE, RUN, SCRIPT])
def test_an_event_cut_short_or_with_bytes_behind_it_is_refused(event: measurement.Event) -> None:
    data = encode(event)
    for bad in (*(data[:end] for end in range(len(data))), data + b"\0", data + data):
        with pytest.raises(EventError):
            decode(bad)


@pytest.mark.parametrize("event", [FILE, SCRIPT])
def test_no_changed_byte_leaves_the_same_event(event: measurement.Event) -> None:
    data = encode(event)
    for at in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            try:
                found = decode(bytes(changed))
            except EventError:
                continue
            assert found != event
            assert encode(found) == changed


@given(st.binary(max_size=200))
def test_bytes_are_refused_or_are_the_encoding_of_what_they_say(data: bytes) -> None:
    try:
        event = decode(data)
    except EventError:
        return
    assert encode(event) == data


@pytest.mark.parametrize(
    ("argv", "env"),
    [
        ((b"x" * 65450,), ()),
        ((), tuple(b"%04x" % number for number in range(13000))),
        ((), tuple(bytes([first, second]) for first in range(1, 256) for second in range(1, 60))),
    ],
    ids=["one word", "many names", "many short names"],
)
def test_the_longest_message_makes_an_event_that_fits(
    argv: tuple[bytes, ...], env: tuple[bytes, ...]
) -> None:
    env = tuple(name for name in env if b"=" not in name)
    message = Run(id=1, argv=argv, env=env, cwd=None, python=False, stdin=False, pty=None)
    assert len(encode_message(message)[1]) > numbers.PAYLOAD_MAX // 2
    event = run_event(message.argv, message.env, message.cwd, program=None, work_dir=WORK)
    assert decode(encode(event)) == event


def test_an_event_that_is_too_long_is_refused() -> None:
    with pytest.raises(EventError, match="bytes"):
        encode(FileEvent(b"x" * measurement.EVENT_MAX, 0, HASH))
    with pytest.raises(EventError, match="bytes"):
        decode(cbor.encode(("file", b"x" * measurement.EVENT_MAX, 0, HASH)))


def test_a_field_of_a_wrong_type_is_not_written() -> None:
    with pytest.raises(EventError, match="mode of an event of the kind file"):
        encode(FileEvent(b"/x", -1, HASH))
