# SPDX-License-Identifier: BSD-3-Clause
"""Who may import or include whom: the dependency rules of ARCHITECTURE.md."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

FOUNDATIONS = {"errors", "process", "tree", "cache", "progress"}
_COMPOSED = {"attest", "anchor", "source", "firmware", "image", "realm", "machine", "agent"}
# Each stage, and the stages that it may import besides the foundations and itself.
MAY_IMPORT = {
    "attest": set[str](),
    "anchor": {"attest"},
    "source": set[str](),
    "firmware": {"attest", "anchor", "source"},
    "image": {"source"},
    "realm": {"source", "image"},
    "machine": {"source", "firmware", "image", "realm"},
    "agent": set[str](),
    "broker": {"attest"},
    "session": _COMPOSED,
    "tee": {"source", "image", "realm", "agent"},
    "peer": _COMPOSED | {"tee"},
    "cli": _COMPOSED | {"session", "broker", "tee", "peer"},
    "pytest_plugin": _COMPOSED | {"session", "tee"},
} | dict.fromkeys(FOUNDATIONS, FOUNDATIONS)

HOST = "host/python/realmos"
AGENT = "guest/python/realmos_agent"
# What the agent can do without, and so imports late: images may lack it.
AGENT_EXTRAS = {
    name: {"cryptography"} for name in ("identity.py", "asking.py", "container.py", "keys.py")
}
# A program of its own, in images that have these; cffi itself makes its binding, on the PC.
TEE_CORE = f"{AGENT}/tee"
TEE_CORE_EXTRAS = {"cryptography", "cffi", "_cffi_backend"}
RUNS_PROGRAMS = {"subprocess", "pty", "multiprocessing"}

INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)
FREESTANDING = {
    "limits.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdnoreturn.h",
}  # fmt: skip
# Which folders' headers a C part may include, besides its own and freestanding ones.
MAY_INCLUDE = {
    "rmm/lib": ("abi/", "lib/", "arch/"),
    "rmm/src": ("abi/", "lib/", "arch/", "mbedtls/"),
    "host/monitor": ("abi/", "lib/", "arch/", "libfdt.h"),
}
# PID 1 is a Linux program: it has the C library, and no header of ours but the agent's numbers.
INIT = "guest/init"
# So is the process that holds a TA.
RUNNER = "guest/optee/runner"
# Part of a kernel: it has that one's headers, and its own device's numbers.
DRIVER = "guest/rsi"


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of everything that a module imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            assert node.module is not None
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def modules(files: list[Path], folder: Path) -> list[Path]:
    return [path for path in files if path.suffix == ".py" and path.is_relative_to(folder)]


def test_every_stage_imports_only_earlier_stages(files: list[Path], top: Path) -> None:
    wrong = []
    for path in modules(files, top / HOST):
        stage = path.relative_to(top / HOST).parts[0].removesuffix(".py")
        if stage == "__init__":
            continue
        allowed = MAY_IMPORT[stage] | FOUNDATIONS | {stage, "__version__"}
        for line, name in imports(path):
            package, _, rest = name.partition(".")
            if package == "realmos" and rest.partition(".")[0] not in allowed:
                wrong.append(f"{path.relative_to(top)}:{line}: {name}")
    assert not wrong, "\n".join(wrong)


def test_private_modules_are_imported_by_their_own_package_alone(
    files: list[Path], top: Path
) -> None:
    wrong = []
    for path in modules(files, top / HOST):
        here = ".".join(path.relative_to(top / "host/python").with_suffix("").parts[:-1])
        for line, name in imports(path):
            parts = name.split(".")
            private = [n for n, part in enumerate(parts) if re.fullmatch(r"_[a-z]\w*", part)]
            if parts[0] == "realmos" and private:
                owner = ".".join(parts[: private[0]])
                if here != owner and not here.startswith(f"{owner}."):
                    wrong.append(f"{path.relative_to(top)}:{line}: {name}")
    assert not wrong, "\n".join(wrong)


def test_one_module_runs_programs(files: list[Path], top: Path) -> None:
    wrong = [
        f"{path.relative_to(top)}:{line}: {name}"
        for path in modules(files, top / HOST)
        if path != top / HOST / "process.py"
        for line, name in imports(path)
        if name.partition(".")[0] in RUNS_PROGRAMS
    ]
    assert not wrong, "\n".join(wrong)


def test_the_agent_imports_itself_and_the_standard_library(files: list[Path], top: Path) -> None:
    allowed = {"realmos_agent"} | sys.stdlib_module_names
    wrong = []
    for path in modules(files, top / AGENT):
        is_core = path.is_relative_to(top / TEE_CORE)
        extras = TEE_CORE_EXTRAS if is_core else AGENT_EXTRAS.get(path.name, set())
        for line, name in imports(path):
            if name.partition(".")[0] not in allowed | extras:
                wrong.append(f"{path.relative_to(top)}:{line}: {name}")
    assert not wrong, "\n".join(wrong)


def test_the_agent_does_without_the_tee_core(files: list[Path], top: Path) -> None:
    wrong = [
        f"{path.relative_to(top)}:{line}: {name}"
        for path in modules(files, top / AGENT)
        if not path.is_relative_to(top / TEE_CORE)
        for line, name in imports(path)
        if name.startswith("realmos_agent.tee")
    ]
    assert not wrong, "\n".join(wrong)


def test_abi_tables_import_the_standard_library_alone(files: list[Path], top: Path) -> None:
    allowed = {"realmos_abi"} | sys.stdlib_module_names
    wrong = [
        f"{path.relative_to(top)}:{line}: {name}"
        for path in modules(files, top / "rmm/abi/realmos_abi")
        for line, name in imports(path)
        if name.partition(".")[0] not in allowed
    ]
    assert not wrong, "\n".join(wrong)


def test_c_includes_only_what_it_may(files: list[Path], texts: dict[Path, str], top: Path) -> None:
    wrong = []
    for folder, prefixes in MAY_INCLUDE.items():
        root = top / folder
        sources = [p for p in files if p.suffix in {".c", ".h", ".S"} and p.is_relative_to(root)]
        assert sources, folder
        own = {p.name for p in sources} | {p.relative_to(root).as_posix() for p in sources}
        wrong += [
            f"{path.relative_to(top)}: {name}"
            for path in sources
            for name in INCLUDE.findall(texts[path])
            if name not in FREESTANDING | own and not name.startswith(prefixes)
        ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("folder", "tables"), [(INIT, {"abi/agent.h"}), (RUNNER, {"abi/tee.h", "abi/tee_run.h"})]
)
def test_linux_programs_include_nothing_of_ours_but_their_numbers(
    files: list[Path], texts: dict[Path, str], top: Path, folder: str, tables: set[str]
) -> None:
    suffixes = {".c", ".h", ".S"}
    sources = [p for p in files if p.suffix in suffixes and p.is_relative_to(top / folder)]
    assert sources
    quoted = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
    for path in sources:
        assert {path.parent / name for name in quoted.findall(texts[path])} <= set(sources), path
        ours = [n for n in INCLUDE.findall(texts[path]) if n.startswith(("abi/", "lib/", "arch/"))]
        assert set(ours) <= tables, path


def test_the_kernels_driver_includes_the_kernel_and_its_own_numbers(
    texts: dict[Path, str], files: list[Path], top: Path
) -> None:
    sources = [
        p for p in files if p.suffix in {".c", ".h", ".S"} and p.is_relative_to(top / DRIVER)
    ]
    assert sources
    for path in sources:
        for name in INCLUDE.findall(texts[path]):
            assert name.startswith(("linux/", "asm/")) or name == "abi/rsi_device.h", (path, name)
