# SPDX-License-Identifier: BSD-3-Clause
"""What no machine can be is refused before anything is fetched or built."""

from pathlib import Path

import pytest
from realmos.cache import Cache
from realmos.errors import ConfigError
from realmos.progress import Silent
from realmos.realm import RealmConfig
from realmos.session import Options
from realmos.session._prepare import prepare


@pytest.mark.parametrize(
    ("realms", "told"),
    [
        ((), "at least one realm"),
        ((RealmConfig(memory=3 << 30),), "one realm of 3072 MiB"),
        ((RealmConfig(memory=2 << 30), RealmConfig(memory=2 << 30)), "2 realms of 2048"),
        ((RealmConfig(vcpus=8), RealmConfig()), "9 vCPUs"),
    ],
)
def test_options_that_no_machine_can_meet_are_refused_at_once(
    realms: tuple[RealmConfig, ...], told: str, tmp_path: Path
) -> None:
    cache = Cache(tmp_path / "cache")
    with pytest.raises(ConfigError, match=told):
        prepare(Options(realms=realms), cache, Silent(), out=tmp_path)
    assert cache.entries() == []
