# SPDX-License-Identifier: BSD-3-Clause
"""The documents say what is there: links, folders, commands and options exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import realmos_abi

LINK = re.compile(r"\]\((?!#)([^)#\s]+)[^)]*\)")
DOCUMENT = re.compile(r"\b[\w./-]+\.md\b")
COMMAND = re.compile(r"^    realmos (\w+)", re.MULTILINE)
OPTION = re.compile(r"`(--?[a-z][a-z0-9-]*)")
FOLDER = re.compile(r"^\| `([\w/.]+/)` \|", re.MULTILINE)


def usage(*words: str) -> str:
    """Return the command line's own help."""
    argv = [sys.executable, "-m", "realmos.cli", *words, "--help"]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def test_links_between_documents_lead_somewhere(texts: dict[Path, str], top: Path) -> None:
    broken = [
        f"{path.relative_to(top)}: {target}"
        for path, text in texts.items()
        if path.suffix == ".md"
        for target in LINK.findall(text)
        if not (path.parent / target).exists()
    ]
    assert not broken, "\n".join(broken)


def test_documents_that_tables_refer_to_exist(top: Path) -> None:
    specs = {
        entry.spec
        for table in map(realmos_abi.load, realmos_abi.names())
        for entries in (table.groups, table.fields, table.structs)
        for entry in entries.values()
    }
    wanted = {name for spec in specs for name in DOCUMENT.findall(spec)}
    assert [name for name in sorted(wanted) if not (top / name).is_file()] == []


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md"])
def test_folders_of_the_map_exist(top: Path, document: str) -> None:
    folders = FOLDER.findall((top / document).read_text("utf-8"))
    assert len(folders) > 5
    assert [name for name in folders if not (top / name).is_dir()] == []


def test_commands_of_the_readme_exist(top: Path) -> None:
    named = set(COMMAND.findall((top / "README.md").read_text("utf-8")))
    known = re.findall(r"^    (\w+) ", usage(), re.MULTILINE)
    assert named == set(known)


def test_options_of_the_readme_exist(top: Path) -> None:
    text = (top / "README.md").read_text("utf-8")
    table = text[text.index("Options of `realmos run`") : text.index("## For whom")]
    known = usage("run")
    named = OPTION.findall(table)
    assert len(named) > 10
    assert [option for option in named if not re.search(rf"{option}\b", known)] == []
