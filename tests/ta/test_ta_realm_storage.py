# SPDX-License-Identifier: BSD-3-Clause
"""Objects of TAs that outlast their realm: by whose key, and that old ones do not come back."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from realmos import cli
from realmos.broker import Address, Broker, DecisionLog, KeyFile, Server, Store

pytest_plugins = ["ta_examples"]
Build = Callable[[str], Path]
pytestmark = [pytest.mark.qemu, pytest.mark.fetch, pytest.mark.timeout(3600)]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Path]:
    """The directory of a broker that serves there."""
    folder = tmp_path / "b"
    store = Store(folder, KeyFile(folder / "key"))
    store.update(lambda content: content)
    said: list[str] = []
    log = DecisionLog(folder / "log", say=said.append, complain=said.append)
    over = threading.Event()
    with Address.parse(str(folder / "socket")).listening() as listener:
        server = Server(listener, Broker(store, log).answer, complain=said.append)
        thread = threading.Thread(target=server.serve, args=(over.is_set,))
        thread.start()
        try:
            yield folder
        finally:
            over.set()
            thread.join()


class Tee:
    """A TEE with the counter TA, whose objects are those of an identity; and its client."""

    def __init__(
        self, broker: Path, ta: Path, home: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        self._ta, self._capfd, self._broker = ta, capfd, broker
        self._policy, self.store = home / "policy.toml", home / "store"
        self.key = self._do("broker", "key", "--store", broker)[1].strip()

    def _do(self, *words: str | Path) -> tuple[int, str, str]:
        status = cli.main([str(word) for word in words])
        said = self._capfd.readouterr()
        return status, said.out, said.err

    def identify(self) -> None:
        """Have the broker know which realm it is."""
        words = ("--storage", self.store, "--identity", "ledger", "--broker-key", self.key)
        assert self._do("measure", "--policy", self._policy, *words, "--ta", self._ta)[0] == 0
        where = ("--policy", self._policy, "--store", self._broker)
        assert self._do("broker", "identity", "ledger", *where)[0] == 0

    def run(self, script: str, store: Path, identity: str = "ledger") -> tuple[int, str, str]:
        """Return status, output and log of a client."""
        kept = ("--storage", store, "--identity", identity, "--broker-key", self.key)
        words = (*kept, "--broker", self._broker / "socket", self._ta)
        return self._do("ta", "run", *words, "--", "sh", "-c", script)


@pytest.fixture
def tee(broker: Path, build: Build, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Tee:
    made = Tee(broker, build("counter"), tmp_path, capfd)
    made.identify()
    return made


def test_objects_outlast_their_realm(tee: Tee, make_own: Build) -> None:
    client = make_own("counter")
    status, said, log = tee.run(f"{client} && {client}", tee.store)
    assert (status, said.split()) == (0, ["1", "2"]), log
    assert f"objects of TAs are those of ledger, by the broker {tee.key}" in log
    assert "everybody has" not in log
    status, said, log = tee.run(str(client), tee.store)
    assert (status, said.split()) == (0, ["3"]), log


@pytest.mark.exhaustive
def test_old_objects_are_refused_in_a_realm(tee: Tee, make_own: Build, tmp_path: Path) -> None:
    client, old = make_own("counter"), tmp_path / "old"
    status, said, log = tee.run(f"{client} && cp -r {tee.store} {old} && {client}", tee.store)
    assert (status, said.split()) == (0, ["1", "2"]), log
    status, said, log = tee.run(str(client), old)
    assert (status, said) == (1, "")
    assert "the store is not what was written last" in log
    status, said, log = tee.run(str(client), tmp_path / "new", "other")
    assert (status, said) == (1, "")
    assert "the broker refused 'other': there is no identity 'other'" in log
