# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures for integration tests that run inside realms.

    def test_kernel_knows_it_is_a_realm(realm):
        result = realm.run(["cat", "/proc/cmdline"])
        assert result.status == 0

Every test gets a machine of its own, restored from a snapshot in about a second, so that no test
sees what another left behind. `realm` is its first realm's agent; `realm_machine` the machine with
its consoles and evidence; `realm_factory` starts machines with other options. When a test fails,
the report names the layer that stopped, shows what each layer printed last, and says what to do.

    def test_the_ta_adds_one(ta_session):
        number = Value(41)
        ta_session().invoke(0, number)
        assert number.a == 42

`tee` is a connection to a TEE core of the test's own, with the Trusted Applications that `--ta`
names: on this machine as `realmos ta run --local` has it, or with `--ta-realm` in a realm that has
shown it. `ta_session` opens sessions.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from realmos import session as sessions
from realmos.agent import AgentClient
from realmos.anchor import ANCHOR_CHOICES
from realmos.cache import Cache
from realmos.errors import ConfigError
from realmos.machine import Layer
from realmos.progress import Silent
from realmos.realm import RealmConfig
from realmos.session import BOOT_TIMEOUT, Options, Session
from realmos.tee import Context, find_applications, local_tee, realm_tee, tee_workload
from realmos.tee import Session as TaSession
from realmos.tee.parameters import Parameter
from realmos.tee.symbols import error_log

_LAYERS = (Layer.BL31, Layer.RMM, Layer.MONITOR, Layer.KERNEL)
_LIVE = pytest.StashKey[list[Session]]()
_LAST_WORDS = pytest.StashKey[list[str]]()

OpenSession = Callable[..., TaSession]
RealmFactory = Callable[..., contextlib.AbstractContextManager[Session]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, all with the prefix `--realm` or `--ta`."""
    group = parser.getgroup("realmos", "realms (realmos)")
    group.addoption("--realm-image", default="linux", help="image recipe of the realms")
    group.addoption("--realm-rmm", type=Path, help="an RMM image instead of ours")
    group.addoption("--realm-bl33", type=Path, help="a normal-world image instead of the monitor")
    group.addoption(
        "--realm-anchor",
        default="development",
        choices=ANCHOR_CHOICES,
        help="what vouches for the platform: this machine's anchor, or TF-A's forgeable sample",
    )
    group.addoption("--realm-memory", type=int, default=512, help="MiB of RAM of each realm")
    group.addoption("--realm-vcpus", type=int, default=1, help="vCPUs of each realm")
    group.addoption(
        "--realm-boot-timeout",
        type=float,
        default=BOOT_TIMEOUT,
        help="seconds after which a boot is given up",
    )
    group.addoption(
        "--ta",
        type=Path,
        action="append",
        default=[],
        help="a TA (.ta) or a directory of them, for the fixture tee; may be given again",
    )
    group.addoption("--ta-realm", action="store_true", help="run the TAs in a realm, not here")
    group.addoption("--ta-key", type=Path, help="PEM file of the key that signs them")


def pytest_configure(config: pytest.Config) -> None:
    """Keep what failure reports need: the machines that run, and what those said that failed."""
    config.stash[_LIVE] = []
    config.stash[_LAST_WORDS] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Add to a failed test's report what every layer of its machines said last, and the hint."""
    report: pytest.TestReport = yield  # type: ignore[assignment] # the hook's result
    ended = item.config.stash[_LAST_WORDS]
    if report.failed and call.excinfo is not None:
        texts = [*ended, *map(_describe, _live(item.config))]
        report.sections += [(f"machine {number}", text) for number, text in enumerate(texts)]
        hint = getattr(call.excinfo.value, "hint", "")
        if hint:
            report.sections.append(("what to do", hint))
    ended.clear()
    return report  # type: ignore[return-value] # ditto


def _live(config: pytest.Config) -> list[Session]:
    return config.stash[_LIVE]


def _describe(session: Session) -> str:
    machine = session.machine
    machine.poll_consoles()
    stopped = machine.watch.failed_layer or machine.layer()
    lines = [f"furthest layer: {stopped}; QEMU's exit status: {machine.exit_status}"]
    for layer in _LAYERS:
        lines.append(f"--- {layer}")
        lines += machine.tail(layer)
    for slot in machine.spec.realms[1:]:
        lines.append(f"--- {Layer.KERNEL}, realm {slot.number}")
        lines += machine.tail(Layer.KERNEL, slot.number)
    return "\n".join(lines)


@pytest.fixture(scope="session")
def realm_options(pytestconfig: pytest.Config) -> Options:
    """The machine that `--realm-…` options ask for; override it to test another."""
    realm = RealmConfig(
        memory=pytestconfig.getoption("--realm-memory") << 20,
        vcpus=pytestconfig.getoption("--realm-vcpus"),
    )
    return Options(
        image=pytestconfig.getoption("--realm-image"),
        realms=(realm,),
        rmm=pytestconfig.getoption("--realm-rmm"),
        bl33=pytestconfig.getoption("--realm-bl33"),
        anchor=pytestconfig.getoption("--realm-anchor"),
        boot_timeout=pytestconfig.getoption("--realm-boot-timeout"),
    )


@pytest.fixture(scope="session")
def realm_factory(pytestconfig: pytest.Config, realm_options: Options) -> RealmFactory:
    """Return a function that boots a machine of its own and yields its session.

    Its keyword arguments replace those of `realm_options`.
    """

    @contextlib.contextmanager
    def factory(**changes: object) -> Iterator[Session]:
        options = replace(realm_options, **changes)  # type: ignore[arg-type] # names are checked
        live = _live(pytestconfig)
        with sessions.running(options, Cache(), Silent()) as session:
            live.append(session)
            try:
                yield session
            except BaseException:  # the machine is gone when the report is made
                pytestconfig.stash[_LAST_WORDS].append(_describe(session))
                raise
            finally:
                live.remove(session)

    return factory


@pytest.fixture
def realm_machine(realm_factory: RealmFactory) -> Iterator[Session]:
    """A machine whose realms' agents answer."""
    with realm_factory() as session:
        yield session


@pytest.fixture
def realm(realm_machine: Session) -> AgentClient:
    """The agent of the machine's first realm."""
    return realm_machine.agent


@pytest.fixture(scope="session")
def ta_files(pytestconfig: pytest.Config) -> list[Path]:
    """The TAs that `--ta` names, files or directories; override it to test others."""
    files: list[Path] = pytestconfig.getoption("--ta")
    return files


@pytest.fixture
def tee(
    ta_files: list[Path], pytestconfig: pytest.Config, request: pytest.FixtureRequest
) -> Iterator[Context]:
    """A connection to a TEE core with these TAs.

    With `--ta-realm` the first realm of `realm_machine` has it. A test that has that realm do
    something else before gets an AttestationError here, for REM 1 takes it; and the agent, `realm`,
    is the TEE's until the test ends.
    """
    key: Path | None = pytestconfig.getoption("--ta-key")
    applications = find_applications(ta_files, key)
    if pytestconfig.getoption("--ta-realm"):
        hosted = _tee_in(request.getfixturevalue("realm_machine"), applications, key)
    else:
        hosted = local_tee(applications, key, cache=Cache(), reporter=Silent())
    with hosted as path, Context(path) as context:
        yield context


@contextlib.contextmanager
def _tee_in(session: Session, applications: dict[UUID, Path], key: Path | None) -> Iterator[Path]:
    """Make the first realm of a session a TEE, and yield its socket."""
    with tempfile.TemporaryDirectory(prefix="realmos-tee-") as name:
        home = Path(name)
        (home / "ta").mkdir()
        workload, path = tee_workload(applications, key, home / "ta"), home / "tee"
        with (
            error_log(applications, key) as log,
            realm_tee(session, workload, path, log=log, reporter=Silent()),
        ):
            yield path


@pytest.fixture
def ta_session(
    tee: Context, ta_files: list[Path], pytestconfig: pytest.Config
) -> Iterator[OpenSession]:
    """A function that opens sessions, which are closed after the test.

    It takes what `Context.open` takes; without a UUID the session is with the only TA there is.
    """
    key: Path | None = pytestconfig.getoption("--ta-key")
    with contextlib.ExitStack() as stack:

        def open_session(
            uuid: UUID | str | None = None, *parameters: Parameter, **login: int
        ) -> TaSession:
            wanted = uuid or _only(find_applications(ta_files, key))
            return stack.enter_context(tee.open(wanted, *parameters, **login))

        yield open_session


def _only(applications: dict[UUID, Path]) -> UUID:
    """Return the UUID of the only TA.

    Raises:
        ConfigError: there are more, or none.
    """
    if len(applications) != 1:
        raise ConfigError(
            f"there are {len(applications)} TAs to open a session with",
            hint="name one: ta_session(UUID)" if applications else "pytest --ta FILE.ta",
        )
    return next(iter(applications))
