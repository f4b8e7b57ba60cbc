# SPDX-License-Identifier: BSD-3-Clause
"""Objects of TAs that outlast their realm: by whose key, and that old ones do not come back."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from realmos import cli
from realmos.broker import Address, Broker, DecisionLog, KeyFile, Server, Store

pytest_plugins = ["ta_examples"]
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


def test_objects_outlast_their_realm_and_do_not_go_back(
    broker: Path,
    build: Callable[[str], Path],
    make_own: Callable[[str], Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    ta, client, policy = build("counter"), make_own("counter"), tmp_path / "policy.toml"
    store, old = tmp_path / "store", tmp_path / "old"

    def do(*words: str | Path) -> tuple[int, str, str]:
        status = cli.main([str(word) for word in words])
        said = capfd.readouterr()
        return status, said.out, said.err

    def run(directory: Path, script: str) -> tuple[int, str, str]:
        kept = ("--storage", directory, *identity, "--broker", broker / "socket")
        return do("ta", "run", *kept, ta, "--", "sh", "-c", script)

    key = do("broker", "key", "--store", broker)[1].strip()
    identity = ("--identity", "ledger", "--broker-key", key)
    assert do("measure", "--policy", policy, "--storage", store, *identity, "--ta", ta)[0] == 0
    assert do("broker", "identity", "ledger", "--policy", policy, "--store", broker)[0] == 0

    status, said, log = run(store, f"{client} && cp -r {store} {old} && {client}")
    assert (status, said.split()) == (0, ["1", "2"]), log
    assert f"objects of TAs are those of ledger, by the broker {key}" in log
    assert "everybody has" not in log
    status, said, log = run(store, str(client))
    assert (status, said.split()) == (0, ["3"]), log
    status, said, log = run(old, str(client))
    assert (status, said) == (1, "")
    assert "the store is not what was written last" in log

    shutil.rmtree(old)
    status, said, log = do(
        "ta", "run", "--storage", old, "--identity", "other", "--broker-key", key,
        "--broker", broker / "socket", ta, "--", client,
    )  # fmt: skip
    assert (status, said) == (1, "")
    assert "the broker refused 'other': there is no identity 'other'" in log
