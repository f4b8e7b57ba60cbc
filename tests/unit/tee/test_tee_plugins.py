# SPDX-License-Identifier: BSD-3-Clause
"""Plugins of tee-supplicant, from the pseudo TA to a process of this machine and back."""

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from fake_hub import one_frame
from pta_rig import A, PtaUsers, command, memory
from realmos.cache import Cache
from realmos.errors import ConfigError
from realmos.progress import Silent
from realmos.tee import plugins as host
from realmos.tee.hub import Hub
from realmos_agent.tee import client_numbers, numbers, wire
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.params import Memref, Params, Value, param_types
from realmos_agent.tee.plugins import ANSWER_MAX, CALL_MAX, Answer, Callee, Plugins
from realmos_agent.tee.pta import SystemPta
from realmos_agent.tee.questions import Questions

HERE = Path(__file__).resolve().parent
PATIENCE = 60.0
PLUGIN = UUID("01020304-0506-0708-090a-0b0c0d0e0f01")
OTHER = UUID("01020304-0506-0708-090a-0b0c0d0e0f02")
TYPES = param_types(
    numbers.PARAM_TYPE_MEMREF_INPUT, numbers.PARAM_TYPE_VALUE_INPUT,
    numbers.PARAM_TYPE_MEMREF_INOUT, numbers.PARAM_TYPE_VALUE_OUTPUT,
)  # fmt: skip
REVERSE, CLAIM, PRINT, FAIL, DIE, HANG, DATA_IS_NULL = range(1, 8)
MAX = client_numbers.PLUGIN_BYTES_MAX
Call = Callable[[bytes], bytes]


class Wired:
    """The core's end of plugins, behind a hub's."""

    def __init__(self, call: Call) -> None:
        self.callee = Callee(call, self._answer)
        self._questions = Questions(self._ask, PATIENCE)
        self.plugins = Plugins(self._questions)

    def _ask(self, data: bytes) -> None:
        self.callee.ask(one_frame(data, client_numbers.KIND_PLUGIN))

    def _answer(self) -> None:
        for data in self.callee.take_answers():
            self._questions.take(one_frame(data, client_numbers.KIND_PLUGIN_DONE))


def compiled(out: Path, *words: str) -> Path:
    path = out / f"{len(list(out.iterdir()))}.plugin"
    source = HERE / "tee_plugin.c"
    subprocess.run(
        ["gcc", "-std=gnu11", "-shared", "-fPIC", *words, "-o", path, source], check=True
    )
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of plugins, the first one's name 0.plugin."""
    out = tmp_path_factory.mktemp("plugins")
    compiled(out)
    return out


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def process(made: Path, cache: Cache) -> Iterator[Call]:
    with host.opened_plugins([made / "0.plugin"], cache, Silent()) as running:
        assert running is not None
        yield running


@pytest.fixture
def plugins(process: Call) -> Iterator[Plugins]:
    wired = Wired(process)
    yield wired.plugins
    wired.callee.close()


def code_of(plugins: Plugins, data: bytes = b"") -> int:
    try:
        return plugins.invoke(PLUGIN, REVERSE, 0, data).result
    except TeeError as error:
        return error.code


def test_a_plugin_is_called_and_answers(plugins: Plugins) -> None:
    assert plugins.invoke(PLUGIN, REVERSE, 3, b"abc") == Answer(numbers.SUCCESS, 3, b"cba")
    assert plugins.invoke(PLUGIN, REVERSE, 2, b"abc").data == b"cb"
    assert plugins.invoke(PLUGIN, DATA_IS_NULL, 0, b"").result == numbers.SUCCESS
    assert plugins.invoke(PLUGIN, 99, 0, b"").result == numbers.ERROR_NOT_IMPLEMENTED


def test_it_is_the_one_that_is_meant(made: Path, cache: Cache) -> None:
    paths = [made / "0.plugin", compiled(made, "-DUUID_END=2")]
    with host.opened_plugins(paths, cache, Silent()) as process:
        assert process is not None
        plugins = Wired(process).plugins
        for uuid, result in (
            (PLUGIN, numbers.SUCCESS),
            (OTHER, numbers.SUCCESS),
            (A, numbers.ERROR_ITEM_NOT_FOUND),
        ):
            assert plugins.invoke(uuid, DATA_IS_NULL, 0, b"").result == result


def test_output_beyond_the_room_for_it_is_told_and_not_had(plugins: Plugins) -> None:
    assert plugins.invoke(PLUGIN, CLAIM, 0x10, b"abc") == Answer(numbers.SUCCESS, 0x1000, b"abc")
    huge = plugins.invoke(PLUGIN, CLAIM, 0xFFFF_FFFF, b"")
    assert huge == Answer(numbers.SUCCESS, 0xFFFF_FFFF, b"")


def test_a_megabyte_is_passed_and_no_more(plugins: Plugins) -> None:
    most = plugins.invoke(PLUGIN, CLAIM, MAX >> 8, bytes(MAX))
    assert most == Answer(numbers.SUCCESS, MAX, bytes(MAX))
    assert code_of(plugins, bytes(MAX + 1)) == numbers.ERROR_OUT_OF_MEMORY


def test_what_a_plugin_prints_is_for_people(
    made: Path, cache: Cache, capfd: pytest.CaptureFixture[str]
) -> None:
    with host.opened_plugins([made / "0.plugin"], cache, Silent()) as process:
        assert process is not None
        answer = Wired(process).plugins.invoke(PLUGIN, PRINT, 0, b"")
    assert answer == Answer(numbers.SUCCESS, 0, b"")
    said = capfd.readouterr()
    assert "printed -1\n" in said.err
    assert not said.out


def test_a_plugin_that_dies_ends_the_plugins_alone(plugins: Plugins) -> None:
    for number in (DIE, REVERSE):
        result = plugins.invoke(PLUGIN, number, 0, b"").result
        assert result == numbers.ERROR_COMMUNICATION


def test_a_plugin_that_hangs_ends_with_us(
    made: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "_END_S", 0.1)
    answers, begun = list[Answer](), threading.Event()
    with host.opened_plugins([made / "0.plugin"], cache, Silent()) as process:
        assert process is not None
        running = process

        def note(body: bytes) -> bytes:
            begun.set()
            return running(body)

        wired = Wired(note)

        def call() -> None:
            answers.append(wired.plugins.invoke(PLUGIN, HANG, 0, b""))

        thread = threading.Thread(target=call)
        thread.start()
        assert begun.wait(PATIENCE)
        wired.callee.close()
    thread.join(PATIENCE)
    assert [answer.result for answer in answers] == [numbers.ERROR_COMMUNICATION]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-DNO_METHOD"], "it exports no plugin_method"),
        (["-DINIT_RESULT=7", "-DUUID_END=3"], "its init says 0x7"),
        ([], "a plugin with this UUID is there already"),
    ],
)
def test_what_is_no_plugin_is_refused(
    words: list[str], said: str, made: Path, cache: Cache, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = compiled(made, *words)
    with (
        pytest.raises(ConfigError, match=f"cannot be loaded: .*{wrong.name}"),
        host.opened_plugins([made / "0.plugin", wrong], cache, Silent()),
    ):
        pass
    assert said in capfd.readouterr().err


def test_files_that_are_none_are_refused(made: Path, cache: Cache, tmp_path: Path) -> None:
    text, other, strange = tmp_path / "text", tmp_path / "arm", tmp_path / "strange"
    text.write_text("no program")
    head = bytearray((made / "0.plugin").read_bytes()[:64])
    ours = bytes(head)
    head[18:20] = b"\xb7\x00" if head[18:20] != b"\xb7\x00" else b"\x3e\x00"
    other.write_bytes(head)
    head[18:20] = b"\xff\xff"
    strange.write_bytes(head)
    (tmp_path / "ours").write_bytes(ours)
    for paths, why in (
        ([tmp_path / "none"], "cannot be read: No such file"),
        ([text], "text is no plugin"),
        ([strange], "strange is no plugin"),
        ([tmp_path / "ours", other], "arm is "),
    ):
        with pytest.raises(ConfigError, match=why), host.opened_plugins(paths, cache, Silent()):
            pass


class Caller(PtaUsers):
    """TAs that call a plugin by the pseudo TA."""

    def __init__(self, plugins: Plugins | None) -> None:
        super().__init__(SystemPta(b"", lambda _: None, plugins))

    def call(
        self, number: int, subcommand: int, data: bytes | None, uuid: bytes = PLUGIN.bytes_le
    ) -> tuple[object, bytes, int]:
        """Return the result, what is in the buffer then, and the length that is told."""
        buffer, length = Memref(None) if data is None else memory(data), Value(0x55)
        params = Params(TYPES, (memory(uuid), Value(number, subcommand), buffer, length))
        (result,) = self.run(command(numbers.SYSTEM_PTA_SUPP_PLUGIN_INVOKE, params))
        return result, bytes(buffer.view), length.a


def test_a_ta_calls_a_plugin(plugins: Plugins) -> None:
    ta = Caller(plugins)
    assert ta.call(REVERSE, 3, b"abcd") == (numbers.SUCCESS, b"dcbd", 3)
    assert ta.call(CLAIM, 1, b"ab") == (numbers.SUCCESS, b"ab", 0x100)
    assert ta.call(DATA_IS_NULL, 0, None) == (numbers.SUCCESS, b"", 0)
    assert ta.call(FAIL, numbers.ERROR_CANCEL, b"ab") == (numbers.ERROR_CANCEL, b"!b", 1)


def test_a_ta_that_calls_it_wrong_is_told(plugins: Plugins) -> None:
    ta = Caller(plugins)
    bad = numbers.ERROR_BAD_PARAMETERS
    assert ta.call(REVERSE, 0, b"a", PLUGIN.bytes_le[:15]) == (bad, b"a", 0x55)
    assert ta.call(REVERSE, 0, b"") == (bad, b"", 0x55)
    assert ta.call(REVERSE, 0, b"a", bytes(16))[0] == numbers.ERROR_ITEM_NOT_FOUND


def test_without_plugins_there_is_none() -> None:
    assert Caller(None).call(REVERSE, 0, b"a")[0] == numbers.ERROR_ITEM_NOT_FOUND


@pytest.mark.parametrize(
    "answer", [b"", bytes(7), bytes(8) + b"x", b"\0\0\0\0\2\0\0\0x", b"\0\0\0\0\4\0\0\0wxyz"]
)
def test_an_answer_that_makes_no_sense_is_none(answer: bytes) -> None:
    assert code_of(Wired(lambda _: answer).plugins, b"abc") == numbers.ERROR_COMMUNICATION


class Slow(Questions):
    """Questions whose answers wait."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)
        self.begun, self.going_on = threading.Semaphore(0), threading.Event()

    def ask(self, kind: int, body: bytes, late: object = None) -> bytes:
        del late
        assert kind == client_numbers.KIND_PLUGIN
        return self.call(body)

    def call(self, body: bytes) -> bytes:
        del body
        self.begun.release()
        assert self.going_on.wait(PATIENCE)
        return bytes(8)


def test_more_calls_than_there_may_be_are_refused_by_the_core() -> None:
    slow, codes = Slow(), list[int]()
    plugins = Plugins(slow)
    most = range(client_numbers.PLUGIN_CALLS_MAX)
    threads = [threading.Thread(target=lambda: codes.append(code_of(plugins))) for _ in most]
    for thread in threads:
        thread.start()
    assert all(slow.begun.acquire(timeout=PATIENCE) for _ in most)
    assert code_of(plugins) == numbers.ERROR_BUSY
    slow.going_on.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert codes == [numbers.SUCCESS for _ in most]
    assert code_of(plugins) == numbers.SUCCESS


def asked(number: int, body: bytes = bytes(client_numbers.PLUGIN_SIZE)) -> wire.Frame:
    return wire.Frame(client_numbers.KIND_PLUGIN, 0, number, body)


def test_more_calls_than_there_may_be_are_answered_by_the_hub() -> None:
    """A core that gave up waiting for some may ask for more than that, and is not ended for it."""
    slow, woken = Slow(), threading.Semaphore(0)
    callee = Callee(slow.call, woken.release)
    callee.ask(asked(1))
    assert slow.begun.acquire(timeout=PATIENCE)  # it waits no longer
    for number in range(2, 3 + client_numbers.PLUGIN_CALLS_MAX):
        callee.ask(asked(number))
    (refusal,) = callee.take_answers()
    assert refusal.endswith(numbers.ERROR_BUSY.to_bytes(4, "little") + bytes(4))
    slow.going_on.set()
    callee.close()


@pytest.mark.parametrize("body", [bytes(23), bytes(CALL_MAX + 1)])
def test_what_is_no_call_is_refused_by_the_hub(body: bytes) -> None:
    with pytest.raises(wire.WireError, match="cut short or too long"):
        Callee(lambda _: b"", lambda: None).ask(asked(1, body))


def test_a_hub_without_plugins_ends_a_core_that_calls_one(tmp_path: Path) -> None:
    for plugins in (None, lambda body: bytes(8) + body[:0]):
        ours, core = socket.socketpair()
        core.settimeout(PATIENCE)
        with core, Hub(tmp_path / "hub", ours, plugins=plugins):
            core.sendall(asked(1).to_bytes())
            try:
                answer = core.recv(1 << 16)
            except ConnectionResetError:  # it left the call unread
                answer = b""
        expected = wire.Frame(client_numbers.KIND_PLUGIN_DONE, 0, 1, bytes(8)).to_bytes()
        assert answer == (b"" if plugins is None else expected)


def test_a_process_that_says_too_much_is_not_believed() -> None:
    ours, its = socket.socketpair()
    with ours, its:
        its.sendall((ANSWER_MAX + 1).to_bytes(4, "little"))
        with pytest.raises(OSError, match="too much"):
            host.PluginProcess(ours)(b"")
