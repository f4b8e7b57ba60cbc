# SPDX-License-Identifier: BSD-3-Clause
"""Tests with made-up examples make up the same ones each time, but for those of `--all`."""

import ast
from collections.abc import Iterator
from pathlib import Path

from hypothesis import settings


def test_examples_are_the_same_each_time() -> None:
    assert settings().derandomize
    assert settings().print_blob, "and who meets another is told how to meet it again"


def test_only_exhaustive_tests_make_up_new_examples(texts: dict[Path, str], top: Path) -> None:
    found = [
        f"{path.relative_to(top)}: {name}"
        for path, text in texts.items()
        if path.suffix == ".py" and "hypothesis" in text and path != Path(__file__)
        for name in _random_ones(ast.parse(text))
    ]
    assert not found, "\n".join(found)


def _random_ones(tree: ast.Module) -> Iterator[str]:
    for function in tree.body:
        if isinstance(function, ast.FunctionDef):
            marks = {ast.unparse(mark) for mark in function.decorator_list}
            for word in _keywords(function):
                if word == "random=True" and "pytest.mark.exhaustive" in marks:
                    continue
                if word in ("random=True", "derandomize=False"):
                    yield f"{function.name} has {word}"


def _keywords(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.keyword):
            yield f"{node.arg}={ast.unparse(node.value)}"
