# SPDX-License-Identifier: BSD-3-Clause
"""Where make works: not where it cannot."""

import tempfile
from pathlib import Path

import pytest
from realmos.cache import Cache
from realmos.errors import ConfigError
from realmos.source.workspace import workspace


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's place for temporary files."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(folder))
    return folder


def test_work_is_in_the_cache_and_reaches_what_it_is_given(elsewhere: Path, tmp_path: Path) -> None:
    (tmp_path / "my, source").mkdir()
    with workspace(Cache(tmp_path / "cache"), tree=tmp_path / "my, source") as work:
        assert work.is_relative_to(tmp_path / "cache")
        assert (work / "tree").samefile(tmp_path / "my, source")
    assert not work.exists()
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("name", ["my cache", "a,b", "a:b", "a$b", "a#b", "a(b)", "a'b"])
def test_work_is_elsewhere_when_make_cannot_cope_with_the_cache(
    elsewhere: Path, tmp_path: Path, name: str
) -> None:
    with workspace(Cache(tmp_path / name)) as work:
        assert work.is_relative_to(elsewhere)


def test_nowhere_to_work_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/tm,p")
    with (
        pytest.raises(ConfigError, match="a,b/tmp, /tm,p") as caught,
        workspace(Cache(tmp_path / "a,b")),
    ):
        pass
    assert "TMPDIR" in caught.value.hint
