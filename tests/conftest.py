# SPDX-License-Identifier: BSD-3-Clause
"""The three tiers of tests, the paths that tests share, and machines that run a program of theirs.

`--units` runs units and checks of the sources, without QEMU or network. The default adds what boots
machines in QEMU or builds from sources that are downloaded, and is what CI runs. `--all` adds what
is marked `exhaustive`.
"""

import platform
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from realmos import process
from realmos.anchor import data_dir
from realmos.cache import Cache
from realmos.errors import BootError
from realmos.firmware import Flash
from realmos.firmware.mbedtls import find_mbedtls
from realmos.image import build_runner
from realmos.machine import Machine, MachineSpec, firmware_argv, uart_log
from realmos.machine._spec import CPU
from realmos.progress import Silent
from realmos.source import find_qemu
from realmos_abi.__main__ import main as write_headers

BARE_RAM = 2 << 30
"""Less than the RMM tracks, so that programs can try what becomes of memory that is not there."""
_MACHINE_FIXTURES = {"realm", "realm_machine", "realm_factory"}
_FETCHING_FIXTURES = {"runner_program"}


# A test says the same of the same sources each time. What searches for new examples is exhaustive,
# and says `derandomize=False` itself; what it finds it prints in a form that repeats it.
settings.register_profile("realmos", derandomize=True, database=None, print_blob=True)
settings.load_profile("realmos")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tiers", "tiers of tests")
    group.addoption("--units", action="store_true", help="only what needs no QEMU")
    group.addoption("--all", action="store_true", help="the exhaustive tests too")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--units") and config.getoption("--all"):
        raise pytest.UsageError("--units and --all exclude each other")
    _let_interrupts_through()


def _let_interrupts_through() -> None:
    """Undo what `&` in a script and nohup do: what tests start would inherit the deafness."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out: set[str] = set()
    if config.getoption("--units"):
        left_out = {"qemu", "fetch", "exhaustive"}
    elif not config.getoption("--all"):
        left_out = {"exhaustive"}
    for item in items:
        if not _MACHINE_FIXTURES.isdisjoint(_fixtures(item)):
            item.add_marker(pytest.mark.qemu)
        if not _FETCHING_FIXTURES.isdisjoint(_fixtures(item)):
            item.add_marker(pytest.mark.fetch)
    dropped = [item for item in items if _marks(item) & left_out]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if not _marks(item) & left_out]


def _fixtures(item: pytest.Item) -> Sequence[str]:
    names: Sequence[str] = getattr(item, "fixturenames", ())
    return names


def _marks(item: pytest.Item) -> set[str]:
    return {mark.name for mark in item.iter_markers()}


@pytest.fixture(scope="session")
def top() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the C headers of all ABI tables, as abi/*.h."""
    out = tmp_path_factory.mktemp("generated")
    write_headers(out)
    return out


@pytest.fixture(scope="session")
def mbedtls_path() -> Path:
    """mbedTLS's source. What uses it is marked `fetch`: with a cold cache it is downloaded."""
    return find_mbedtls(Cache(), Silent()).path


@pytest.fixture(scope="session")
def runner_program() -> Path:
    """The runner of Trusted Applications; with a cold cache, its libcrypto is downloaded."""
    return build_runner(Cache(), Silent())


@pytest.fixture(scope="session")
def cross_compile() -> str:
    """The prefix of the compiler for arm64; empty where that is the machine's own."""
    return "" if platform.machine() == "aarch64" else "aarch64-linux-gnu-"


@pytest.fixture(scope="session")
def cache_path() -> Path:
    """The user's cache, looked up while HOME is the user's: pytester changes that."""
    return Cache().path


@pytest.fixture(scope="session")
def data_path() -> Path:
    """Where the user's anchor is; as above."""
    return data_dir()


MakeProgram = Callable[..., Path]


@pytest.fixture(scope="session")
def make_program(
    top: Path, generated: Path, cross_compile: str, tmp_path_factory: pytest.TempPathFactory
) -> MakeProgram:
    """Return a function that makes what tests/NAME/Makefile makes, and returns its directory."""

    def make(name: str, *words: str) -> Path:
        out = tmp_path_factory.mktemp(name)
        process.run(
            ["make", "-j2", "-f", top / f"tests/{name}/Makefile", f"BUILD_DIR={out}",
             f"GENERATED={generated}", f"CROSS_COMPILE={cross_compile}", *words]
        )  # fmt: skip
        return out

    return make


@dataclass(frozen=True)
class BareRun:
    """What a machine without devices and realms did: what it printed, and what stopped it."""

    console: str
    fault: str
    """Empty when it powered itself off."""

    def __str__(self) -> str:
        return f"{self.fault or 'it powered itself off'}\n{self.console[-3000:]}"


BootBare = Callable[..., BareRun]


@pytest.fixture(scope="session")
def boot_bare(tmp_path_factory: pytest.TempPathFactory) -> BootBare:
    """Return a function that runs firmware until it powers off, fails, or has had its time."""

    def boot(flash: Flash, *, seconds: float, pes: int = 1, cpu: str = CPU) -> BareRun:
        out = tmp_path_factory.mktemp("bare")
        qemu = find_qemu(Cache(), Silent()).argv_prefix
        spec = MachineSpec(qemu=qemu, flash=flash.path, realms=(), logs=out, sockets=out)
        fault = ""
        command = firmware_argv(spec, pes=pes, cpu=cpu, ram_size=BARE_RAM)
        with Machine(spec, command=command) as machine:
            try:
                machine.wait_until(
                    lambda: machine.watch.is_over, what="the power-off", timeout=seconds
                )
            except BootError as error:
                # QEMU may be gone before EL3 has said that it will power off.
                fault = "" if machine.exit_status == 0 else str(error)
        console = uart_log(spec).read_text("utf-8", errors="replace")
        # What EL3 prints after that is about its surprise that it still runs.
        return BareRun(console.partition("System Power off")[0], fault)

    return boot
