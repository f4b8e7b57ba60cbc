# SPDX-License-Identifier: BSD-3-Clause
"""Files both ways, whole or not at all."""

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from realmos.agent import AgentClient
from realmos.errors import ConfigError, PeerRefusedError
from realmos_agent.protocol import numbers

if TYPE_CHECKING:
    from tests.unit.agent.conftest import Agent

LARGE = 24 << 20


def test_large_file_goes_there_and_back(
    client: AgentClient, agent: "Agent", tmp_path: Path
) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(os.urandom(LARGE))
    source.chmod(0o750)
    remote = tmp_path / "deep" / "er" / "remote"
    before = agent.memory()
    assert client.put(source, str(remote)) == LARGE
    assert client.get(str(remote), back) == LARGE
    assert source.read_bytes() == remote.read_bytes() == back.read_bytes()
    for path in (remote, back):
        assert stat.S_IMODE(path.stat().st_mode) == 0o750
    assert agent.memory() - before < 8 << 20
    assert sorted(p.name for p in remote.parent.iterdir()) == ["remote"]


@pytest.mark.parametrize("size", [0, 1, numbers.DATA_MAX, numbers.WINDOW, numbers.WINDOW + 1])
def test_sizes_at_the_edges(client: AgentClient, tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    path = str(tmp_path / "file")
    assert client.put_bytes(data, path, mode=0o600) == size
    assert client.get_bytes(path) == data


def test_put_replaces_what_was_there(client: AgentClient, tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"before")
    client.put_bytes(b"after", str(target))
    assert target.read_bytes() == b"after"


@pytest.mark.parametrize("path", ["/proc/version", "/proc/self/maps", "/sys/kernel/uevent_seqnum"])
def test_kernels_own_files_are_not_handed_out(client: AgentClient, path: str) -> None:
    """They show the memory of programs, and no event would tell."""
    with pytest.raises(PeerRefusedError, match="Not a file that a program wrote"):
        client.get_bytes(path)


def test_transfers_and_programs_share_the_port(client: AgentClient, tmp_path: Path) -> None:
    handle = client.start(["cat"], stdin=True)
    data = os.urandom(1 << 20)
    client.put_bytes(data, str(tmp_path / "file"))
    handle.write(b"meanwhile")
    assert client.get_bytes(str(tmp_path / "file")) == data
    handle.close_stdin()
    assert handle.wait(10).stdout == b"meanwhile"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/no/such/file", numbers.ERR_NOT_FOUND),
        ("/tmp", numbers.ERR_NOT_A_FILE),  # noqa: S108 - only a directory that there is
        ("/dev/null", numbers.ERR_NOT_A_FILE),
        ("/nul\0", numbers.ERR_FAILED),
        ("", numbers.ERR_NOT_FOUND),
    ],
)
def test_get_of_what_is_no_file_is_refused(client: AgentClient, path: str, code: int) -> None:
    with pytest.raises(PeerRefusedError) as caught:
        client.get_bytes(path)
    assert caught.value.code == code


def test_get_of_a_fifo_is_refused_at_once(client: AgentClient, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(PeerRefusedError, match="Not a regular file"):
        client.get_bytes(str(tmp_path / "fifo"))


@pytest.mark.parametrize("path", ["/proc/no/file", "/tmp/", "/nul\0", ""])  # noqa: S108 - ditto
def test_put_where_nothing_can_be_is_refused(client: AgentClient, path: str) -> None:
    with pytest.raises(PeerRefusedError):
        client.put_bytes(bytes(1 << 20), path)
    assert client.run(["true"]).status == 0


def test_put_onto_a_directory_leaves_nothing(client: AgentClient, tmp_path: Path) -> None:
    (tmp_path / "place" / "directory").mkdir(parents=True)
    with pytest.raises(PeerRefusedError) as caught:
        client.put_bytes(b"x", str(tmp_path / "place" / "directory"))
    assert caught.value.code == numbers.ERR_NOT_A_FILE
    assert [p.name for p in (tmp_path / "place").iterdir()] == ["directory"]


def test_full_file_system_is_reported(client: AgentClient) -> None:
    if not os.access("/dev/full", os.W_OK):
        pytest.skip("this machine has no /dev/full")
    result = client.run(["dd", "if=/dev/zero", "of=/dev/full", "count=1"])
    assert result.status == 1
    assert b"No space left" in result.stderr


def test_failed_get_leaves_the_local_file_alone(client: AgentClient, tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.write_bytes(b"mine")
    with pytest.raises(PeerRefusedError):
        client.get("/no/such/file", local)
    assert local.read_bytes() == b"mine"
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []


def test_local_trouble_is_the_users(client: AgentClient, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        client.put(tmp_path / "absent", str(tmp_path / "x"))
    with pytest.raises(ConfigError, match="cannot be written"):
        client.get("/etc/passwd", tmp_path / "absent" / "x")
