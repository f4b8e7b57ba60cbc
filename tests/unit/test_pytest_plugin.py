# SPDX-License-Identifier: BSD-3-Clause
"""The report of a failed test names the layer that stopped, whichever fixture made the machine."""

import pytest

pytest_plugins = ["pytester"]

STUB = """
from contextlib import contextmanager
from types import SimpleNamespace
import pytest
from realmos.machine import Layer

@pytest.fixture(autouse=True, scope="session")
def stub():
    machine = SimpleNamespace(
        watch=SimpleNamespace(failed_layer=None), layer=lambda: Layer.AGENT, exit_status=None,
        tail=lambda layer, realm=0: (f"last words of {layer} {realm}",),
        spec=SimpleNamespace(realms=[SimpleNamespace(number=n) for n in range(2)]),
        poll_consoles=lambda: None,
    )
    @contextmanager
    def running(*_):
        yield SimpleNamespace(machine=machine, agent=None)
    patch = pytest.MonkeyPatch()
    patch.setattr("realmos.session.running", running)
    yield
    patch.undo()
"""


@pytest.mark.parametrize(
    "test",
    [
        "def test_it(realm):\n    assert False",
        "def test_it(realm_machine):\n    assert False",
        "def test_it(realm_factory):\n    with realm_factory():\n        assert False",
    ],
)
def test_a_failed_test_shows_every_layer(test: str, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(STUB)
    pytester.makepyfile(test)
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*machine 0*", "furthest layer: agent*", "last words of RMM 0", "last words of kernel 1"]
    )


def test_a_test_that_passes_leaves_no_words_to_the_next(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(STUB)
    pytester.makepyfile(
        "import pytest\n"
        "def test_one(realm_factory):\n"
        "    with pytest.raises(KeyError), realm_factory():\n"
        "        raise KeyError\n"
        "def test_two():\n"
        "    assert False\n"
    )
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*furthest layer*")


def test_an_error_of_ours_is_shown_with_what_to_do(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(STUB)
    pytester.makepyfile(
        "from realmos.errors import BootError\n"
        "def test_it(realm_machine):\n"
        "    raise BootError('it stopped', layer='RMM', tail=('its last',), hint='mend it')\n"
    )
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*it stopped (stopped in: RMM)", "*its last", "*- what to do -*"])
    result.stdout.fnmatch_lines(["mend it"])


def test_every_option_reaches_the_machine(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "from pathlib import Path\n"
        "from realmos.realm import RealmConfig\n"
        "from realmos.session import Options\n"
        "def test_it(realm_options):\n"
        "    realm = RealmConfig(memory=1 << 30, vcpus=4)\n"
        "    assert realm_options == Options(\n"
        "        image='small', realms=(realm,), rmm=Path('r.img'), bl33=Path('b.img'),\n"
        "        anchor='sample', boot_timeout=7.5)\n"
    )
    words = "--realm-image small --realm-rmm r.img --realm-bl33 b.img --realm-memory 1024"
    more = "--realm-vcpus 4 --realm-boot-timeout 7.5 --realm-anchor sample -p no:cacheprovider"
    pytester.runpytest(*words.split(), *more.split()).assert_outcomes(passed=1)
