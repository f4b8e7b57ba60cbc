# SPDX-License-Identifier: BSD-3-Clause
"""make for our own Makefiles: where it works, and what is said when there is none that will do."""

from pathlib import Path

import pytest
from realmos.errors import ToolError
from realmos.source.make import run_make


@pytest.mark.parametrize(
    ("line", "problem"),
    [("", "make was not found"), ("GNU Make 3.81", r"make 3\.81 is too old: 4\.2 is needed")],
)
def test_absent_or_old_make_names_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, problem: str
) -> None:
    if line:
        program = tmp_path / "make"
        program.write_text(f"#!/bin/sh\necho '{line}'\n", "utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=problem) as caught:
        run_make(tmp_path, tmp_path / "Makefile", [], hint="see the log")
    assert caught.value.hint == "apt-get install make"


def test_makefile_is_told_where_things_are(tmp_path: Path) -> None:
    makefile = tmp_path / "Makefile"
    makefile.write_text("all:;@echo $(BUILD_DIR) $(GENERATED) $(WORD)\n", "utf-8")
    log = tmp_path / "log"
    build = run_make(tmp_path, makefile, ["WORD=said"], hint="", log=log)
    assert build == tmp_path / "build"
    assert log.read_text("utf-8").split() == [str(build), str(tmp_path / "generated"), "said"]
