# SPDX-License-Identifier: BSD-3-Clause
"""Where archives are looked for: the user's word first, else what the machine's apt says."""

import platform
from pathlib import Path

import pytest
from realmos import process
from realmos.errors import ConfigError, SourceError, ToolError
from realmos.source import _mirror

PROXY = "socks5h:proxy:3128"


@pytest.fixture(autouse=True)
def no_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_mirror.ENVIRONMENT, raising=False)


def apt_prints(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(process, "run", lambda *_args, **_options: text)


@pytest.mark.parametrize("word", ["mirror", "/srv/debian", "file:/a b/"])
def test_mirror_that_is_no_uri_is_refused(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv(_mirror.ENVIRONMENT, word)
    with pytest.raises(ConfigError, match="not a URI"):
        _mirror.candidates()


def test_machine_without_package_sources_is_told_to_name_a_mirror(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    apt_prints(monkeypatch, "")
    with pytest.raises(SourceError, match="no package source") as caught:
        _mirror.candidates()
    assert _mirror.ENVIRONMENT in caught.value.hint


def test_machine_without_apt_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_options: object) -> str:
        raise ToolError("apt-get was not found", hint="use a container")

    monkeypatch.setattr(process, "run", fail)
    with pytest.raises(SourceError, match="apt-get was not found") as caught:
        _mirror.candidates()
    assert caught.value.hint == "use a container"


def test_keys_that_are_absent_name_their_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_mirror, "_KEYRINGS", (tmp_path / "none.gpg",))
    with pytest.raises(SourceError, match="keys of Debian's archive") as caught:
        _mirror.keyring()
    assert "debian-archive-keyring" in caught.value.hint


def test_unknown_processor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(ConfigError, match="riscv64"):
        _mirror.build_architecture()


def test_override_is_the_only_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_mirror.ENVIRONMENT, "file:/srv/mirror")
    assert _mirror.candidates() == ["file:/srv/mirror/"]


def test_roots_are_those_of_release_files_main_archives_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    apt_prints(
        monkeypatch,
        "'file:/a/other/dists/x/InRelease' a_x_InRelease 0 \n"
        "'file:/m/debian-security/dists/s/InRelease' b 0 \n"
        "'file:/m/debian/dists/s/InRelease' c 0 \n"
        "'file:/m/debian/dists/s-updates/InRelease' d 0 \n"
        "'file:/m/debian/dists/s/main/binary-amd64/Packages.xz' e 0 \n",
    )
    assert _mirror.candidates() == [
        "file:/m/debian/",
        "file:/a/other/",
        "file:/m/debian-security/",
    ]


def test_only_settings_on_proxies_and_checks_are_inherited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = [f'Acquire::http::Proxy "{PROXY}";', 'Acquire::Check-Date "0";']
    dropped = ['DPkg::Post-Invoke:: "rm -f";', 'Acquire::GzipIndexes "false";', 'Dir "/x";']
    apt_prints(monkeypatch, "\n".join([*kept, *dropped]))
    assert _mirror.inherited_settings() == kept


def test_proxies_of_the_environment_reach_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", PROXY)
    monkeypatch.setenv("LD_PRELOAD_LIKE", "x")
    env = _mirror.apt_env(Path("/c"))
    assert (env["https_proxy"], env["APT_CONFIG"]) == (PROXY, "/c")
    assert "LD_PRELOAD_LIKE" not in env
