# SPDX-License-Identifier: BSD-3-Clause
"""Byte-compiling: what the script that runs in the target makes, here made by this interpreter."""

import importlib.util
import sys
from pathlib import Path

import pytest
from realmos import process
from realmos.errors import SourceError
from realmos.image import bytecode
from realmos.image._target import Target
from realmos.progress import Silent


class ThisInterpreter(Target):
    """A target that is the build machine itself."""

    def run(self, program: str, *arguments: str | Path, on_line: object = None) -> str:
        assert program == bytecode.PYTHON
        lines = on_line if callable(on_line) else None
        return process.run([sys.executable, *arguments], on_line=lines)


def compile_here(path: Path, sources: dict[str, str], *, level: int = 0) -> dict[str, bytes]:
    path.mkdir()
    files = {}
    for number, (name, text) in enumerate(sources.items()):
        files[name] = path / f"{number}.py"
        files[name].write_text(text, "utf-8")
    (path / "work").mkdir()
    target = ThisInterpreter(path, ())
    return bytecode.compile_modules(target, files, path / "work", level=level, reporter=Silent())


SOURCES = {f"usr/lib/m{n}.py": f'"""Doc."""\nname = {n}\nassert True\n' for n in range(20)}


def test_bytecode_is_not_checked_against_a_source(tmp_path: Path) -> None:
    found = compile_here(tmp_path / "a", SOURCES)
    assert found.keys() == SOURCES.keys()
    for name, data in found.items():
        assert data[:4] == importlib.util.MAGIC_NUMBER
        assert data[4:8] == b"\1\0\0\0"
        assert data[8:16] == importlib.util.source_hash(SOURCES[name].encode())


def test_bytecode_without_its_source_can_be_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = compile_here(tmp_path / "a", {"usr/lib/only.py": "answer = 42\n"})
    (tmp_path / "only_bytecode.pyc").write_bytes(data["usr/lib/only.py"])
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("only_bytecode")
    assert module.answer == 42


def test_tracebacks_name_the_path_in_the_realm(tmp_path: Path) -> None:
    data = compile_here(tmp_path / "a", {"usr/lib/m.py": "x = 1\n"})["usr/lib/m.py"]
    assert b"/usr/lib/m.py" in data
    assert str(tmp_path).encode() not in data


def test_neither_directory_nor_hash_seed_nor_company_changes_a_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = compile_here(tmp_path / "a", SOURCES)
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    again = compile_here(tmp_path / "b", dict(reversed(SOURCES.items())))
    alone = compile_here(tmp_path / "c", {"usr/lib/m7.py": SOURCES["usr/lib/m7.py"]})
    assert again == first
    assert alone["usr/lib/m7.py"] == first["usr/lib/m7.py"]


def test_level_two_drops_what_it_says(tmp_path: Path) -> None:
    data = compile_here(tmp_path / "a", {"usr/lib/m.py": '"""Documentation."""\n'}, level=2)
    assert b"Documentation" not in data["usr/lib/m.py"]


def test_module_that_does_not_compile_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"/usr/lib/m7\.py"):
        compile_here(tmp_path / "a", SOURCES | {"usr/lib/m7.py": "def\n"})
