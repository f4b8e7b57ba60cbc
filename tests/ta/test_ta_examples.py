# SPDX-License-Identifier: BSD-3-Clause
"""Our example TAs, built with OP-TEE's own dev kit; and Debian's TAs, which a realm would load."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from realmos import process
from realmos.cache import Cache
from realmos.errors import ConfigError, ToolError
from realmos.progress import Silent
from realmos.source import find_cross_compiler
from realmos.tee import (
    BuiltTa,
    DevKit,
    OpteeTests,
    TaSource,
    build_ta,
    find_dev_kit,
    find_optee_tests,
    find_source,
    inspect_ta,
    read_keys,
)

pytestmark = pytest.mark.fetch
pytest_plugins = ["ta_examples"]

Build = Callable[[str], Path]
EXAMPLES = ("counter", "hello", "signer")
LIBRARIES = {"b3091a65-9751-4784-abf7-0298a7cc35ba", "ffd2bded-ab7d-4988-95ee-e4962fff7154"}
LINKED = "5b9e0e40-2636-11e1-ad9e-0002a5d5c51b"
CALLS = 56


@pytest.fixture(scope="module")
def kit(cache: Cache) -> DevKit:
    return find_dev_kit(cache, Silent())


@pytest.fixture(scope="module")
def optee(cache: Cache) -> OpteeTests:
    return find_optee_tests(cache, Silent())


def build(source: Path, kit: DevKit, out: Path, cache: Cache) -> BuiltTa:
    compiler, reporter = find_cross_compiler(), Silent()
    return build_ta(TaSource(source), kit, compiler, out=out, cache=cache, reporter=reporter)


def copy_example(top: Path, to: Path, *, flat: bool = False) -> None:
    """Copy the sources of the hello TA, as they are or into one directory."""
    example = top / "guest/optee/examples/hello"
    names = ("ta/Makefile", "ta/sub.mk", "ta/user_ta_header_defines.h", "ta/hello_ta.c")
    for name in (*names, "proto/hello_ta.h"):
        place = to / Path(name).name if flat else to / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((example / name).read_bytes())


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_is_built_as_the_ta_that_its_clients_call(
    name: str, top: Path, kit: DevKit, cache: Cache, tmp_path: Path
) -> None:
    example = top / "guest" / "optee" / "examples" / name
    made = build(find_source(example), kit, tmp_path / "out", cache)
    assert made.development
    found = inspect_ta(made.path, read_keys([]))
    assert (found.uuid, found.problems) == (made.uuid, ())
    assert found.program is not None
    assert found.program.head_uuid == made.uuid
    assert len(found.program.calls) == CALLS
    header = (example / "proto" / f"{name}_ta.h").read_text("utf-8")
    assert made.uuid in header
    digits = "".join(re.findall(r"0x([0-9a-f]+)", header)[:11])
    assert digits == made.uuid.replace("-", "")


@pytest.mark.parametrize("name", EXAMPLES)
def test_client_of_an_example_runs_with_debians_library(
    name: str, optee: OpteeTests, make_debians: Build
) -> None:
    """There is no TEE here, which is what it says."""
    arguments = ["key"] if name == "signer" else []
    with pytest.raises(ToolError, match=f"{name}: finding a TEE: result 0xffff0008"):
        process.run(optee.argv(make_debians(name), *arguments))


def test_failures_of_the_real_kit_are_explained(
    top: Path, kit: DevKit, cache: Cache, tmp_path: Path
) -> None:
    source, out = tmp_path / "toy", tmp_path / "out"
    copy_example(top, source, flat=True)
    code = source / "hello_ta.c"
    good = code.read_text("utf-8")

    def failure() -> str:
        with pytest.raises(ConfigError) as caught:
            build(source, kit, out, cache)
        return str(caught.value)

    code.write_text(good.replace("return capitals(", "return fork("), "utf-8")
    assert "fork" in failure()
    code.write_text(f"#include <stdio_of_linux.h>\n{good}", "utf-8")
    assert "stdio_of_linux.h is included, and not there" in failure()
    code.unlink()
    assert "hello_ta.c is wanted, and not there" in failure()
    (source / "sub.mk").unlink()
    assert "no sub.mk" in failure()
    makefile = source / "Makefile"
    makefile.write_text(re.sub(r"(?m)^BINARY.*$", "", makefile.read_text("utf-8")), "utf-8")
    assert "does not say what is to be built" in failure()


def test_directory_with_white_space_will_do(
    top: Path, kit: DevKit, cache: Cache, tmp_path: Path
) -> None:
    copy = tmp_path / "my project"
    copy_example(top, copy)
    assert build(copy / "ta", kit, copy / "ta" / "out", cache).path.is_file()


def test_every_ta_of_debian_would_be_loaded(optee: OpteeTests) -> None:
    keys = read_keys([])
    beside = {path.stem: path for path in optee.applications}
    assert len(beside) == 24
    for uuid, path in beside.items():
        found = inspect_ta(path, keys)
        assert (found.uuid, found.problems, found.development) == (uuid, (), True)
        assert (found.kind == "shared library") == (uuid in LIBRARIES)
        program = found.program
        assert program is not None
        assert len(program.calls) == (0 if uuid == LINKED else CALLS)
        assert (program.heap is None) == (uuid in LIBRARIES)


def test_xtest_starts_with_the_libraries_of_the_tree(optee: OpteeTests) -> None:
    usage = process.run(optee.argv(optee.xtest, "-h"))
    assert "regression" in usage
    assert os.access(optee.xtest, os.X_OK)
