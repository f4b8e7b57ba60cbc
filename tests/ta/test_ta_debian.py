# SPDX-License-Identifier: BSD-3-Clause
"""Every TA of Debian's packages is loaded, opens a session, and closes it."""

from pathlib import Path

import pytest
from realmos.cache import Cache
from realmos.progress import Silent
from realmos.tee import find_applications, find_optee_tests, local_tee
from ta_sessions import LIBRARIES, REFUSALS, open_every


@pytest.mark.fetch
def test_every_ta_of_debian_opens_and_closes_a_session(
    cache_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cache = Cache(cache_path)
    applications = find_optee_tests(cache, Silent()).applications
    assert {path.stem for path in applications} > {*LIBRARIES, *REFUSALS}
    hosted = local_tee(find_applications(applications, None), None, cache=cache, reporter=Silent())
    with hosted as path:
        assert open_every(path, applications) == []
    said = capfd.readouterr().err
    assert "faulted" not in said
    assert "panic" not in said
