# SPDX-License-Identifier: BSD-3-Clause
"""A TA and a client that ask for everything get the answers that OP-TEE gives them.

conformance/expected.txt is what the same pair printed on OP-TEE itself, the peer of `realmos bench
tee`; conformance/differs.toml has what is meant to be different here.
"""

import tomllib
from pathlib import Path

import pytest
from realmos import cli, process
from realmos.cache import Cache
from realmos.progress import Silent
from realmos.source import find_cross_compiler
from realmos.tee import TaSource, build_ta, find_client_headers, find_dev_kit
from realmos.tee.libteec import build_libteec

pytest_plugins = ["ta_examples"]
pytestmark = pytest.mark.fetch

HERE = Path(__file__).resolve().parent / "conformance"
PARTS = ("client", "panics", "cases")


def test_a_ta_that_asks_for_everything_is_answered_as_by_op_tee(
    cache: Cache, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ta, client = build_pair(cache, tmp_path)
    script = "; ".join(f"{client} {part}" for part in PARTS)
    assert cli.main(["ta", "run", "--local", str(ta), "--", "sh", "-c", script]) == 0
    found, wanted = sections(capfd.readouterr().out), expected()
    assert found.keys() == wanted.keys()
    for name, text in wanted.items():
        assert found[name] == text, name


def build_pair(cache: Cache, out: Path) -> tuple[Path, Path]:
    """Return the TA, and its client for this machine."""
    kit = find_dev_kit(cache, Silent())
    ta = build_ta(
        TaSource(HERE / "ta"), kit, find_cross_compiler(),
        out=out / "ta", cache=cache, reporter=Silent(),
    )  # fmt: skip
    export = out / "export"
    (export / "lib").mkdir(parents=True)
    (export / "include").symlink_to(find_client_headers(cache, Silent()))
    (export / "lib" / "libteec.so").symlink_to(build_libteec(cache, Silent()).path)
    words = ["CROSS_COMPILE=", f"TEEC_EXPORT={export}", f"O={out}"]
    process.run(["make", "-C", HERE / "host", *words])
    return ta.path, out / "conformance"


def sections(text: str) -> dict[str, str]:
    """Return what was printed for each case, and for each end of the TA."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("panic "):
            name = line.split(":")[0]
        elif line.startswith("== "):
            name = line.removeprefix("== ")
        found[name] = f"{found.get(name, '')}{line}\n"
    return found


def expected() -> dict[str, str]:
    """Return OP-TEE's answers, but ours where they are meant to be others."""
    lines = (HERE / "expected.txt").read_text("utf-8").splitlines(keepends=True)
    answers = sections("".join(line for line in lines if not line.startswith("#")))
    for difference in tomllib.loads((HERE / "differs.toml").read_text("utf-8"))["difference"]:
        name = difference["section"]
        for theirs, ours in zip(difference["optee"], difference["here"], strict=True):
            assert answers[name].count(theirs) == 1, f"{name}: OP-TEE does not say {theirs!r}"
            answers[name] = answers[name].replace(theirs, ours)
    return answers
