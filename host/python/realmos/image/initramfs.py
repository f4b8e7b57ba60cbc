# SPDX-License-Identifier: BSD-3-Clause
"""The initramfs: two archives, one behind the other, as Linux takes them.

First what changes often: PID 1, the agent, what runs TAs, the kernel's modules. Then the root
file system. Both are packed by LZ4: every byte is copied and measured before the realm starts, and
unpacking costs the realm less than that. An edited agent makes only the first anew.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from realmos import tree
from realmos.cache import Cache, sha256_file
from realmos.errors import ConfigError
from realmos.image import _libraries, bytecode, cpio, rootfs, rsimodule
from realmos.image._target import Target, find_target
from realmos.image.kernel import Kernel, is_kernel_package
from realmos.image.recipe import DebianKernel, Recipe, RootFs, SourceKernel
from realmos.image.tarunner import build_runner
from realmos.image.teeedge import build_edge
from realmos.progress import Reporter
from realmos.source import CrossCompiler, Lock, fetch, find_cross_compiler
from realmos.source.program import made_program

_ROOT = "rootfs"
_ROOT_ARCHIVE = "root.cpio.lz4"
_ROOT_TREE = "tree"
_ARCHIVE = "initramfs"
_FACTS = "facts.json"
_AGENT_HOME = "usr/lib/realmos"
_RUNNER = "usr/libexec/realmos/ta-runner"
EDGE = "usr/libexec/realmos/tee-edge.so"
"""Where a realm has the edge of the TEE core."""
_PACKAGES = "usr/lib/python3/dist-packages"
_MODULE_LIST = "etc/realmos/modules"
_LAZY_MODULE_LIST = "etc/realmos/lazy-modules"
_LZ4 = "usr/bin/lz4"
_PAGE = 4096


@dataclass(frozen=True)
class Initramfs:
    """An initramfs.

    Attributes:
        path: the archives.
        sha256: their hash.
        size: their bytes.
        unpacked_size: bytes of memory that its files take, whole pages.
    """

    path: Path
    sha256: str
    size: int
    unpacked_size: int


def build_initramfs(
    recipe: Recipe, kernel: Kernel, lock: Lock, cache: Cache, reporter: Reporter
) -> Initramfs:
    """Return a recipe's initramfs, built if the cache does not hold it.

    Raises:
        ConfigError: the recipe asks for what the packages do not hold.
        SourceError: packages cannot be had, or do not fit each other.
        ToolError: PID 1 cannot be compiled.
    """
    root_packages = _root_packages(lock)
    agent = tree.agent_package()
    init = tree.root() / "guest" / "init"
    compiler = find_cross_compiler()
    runner, edge = build_runner(cache, reporter), build_edge(cache, reporter)
    modules = _module_nodes(
        recipe.kernel, kernel, _rsi_module(recipe, kernel, lock, cache, reporter)
    )
    inputs = {
        "root": cache.name(_ROOT, _root_inputs(recipe.root, root_packages)),
        "agent": tree.digest([agent]),
        "init": tree.digest([init, tree.abi_package()]),
        "runner": sha256_file(runner),
        "edge": sha256_file(edge),
        "compiler": compiler.identity,
        "modules": {node.path: hashlib.sha256(node.data).hexdigest() for node in modules},
    }

    def make(out: Path) -> None:
        root = _build_root(recipe.root, root_packages, cache, reporter)
        target = find_target(root / _ROOT_TREE, cache, reporter)
        with cache.scratch() as work, reporter.task("Packing the initramfs"):
            nodes = [
                cpio.file("init", _build_init(init, cache, compiler), executable=True),
                *_agent_nodes(target, recipe.root.optimize, work, reporter),
                cpio.file(_RUNNER, runner.read_bytes(), executable=True),
                cpio.file(EDGE, edge.read_bytes()),
                *modules,
            ]
            _pack(target, nodes, work, out / _ARCHIVE)
        with (out / _ARCHIVE).open("ab") as file:
            file.write((root / _ROOT_ARCHIVE).read_bytes())
        unpacked = _memory_of(nodes) + _read_unpacked(root)
        (out / _FACTS).write_text(json.dumps({"unpacked": unpacked}), "utf-8")

    home = cache.build("initramfs", inputs, make)
    path = home / _ARCHIVE
    return Initramfs(path, sha256_file(path), path.stat().st_size, _read_unpacked(home))


def _root_packages(lock: Lock) -> Lock:
    """Return the packages of the root file system.

    Raises:
        ConfigError: there are none.
    """
    packages = lock.select(lambda package: not is_kernel_package(package.name))
    if not packages.packages:
        raise ConfigError(
            "the package lock has nothing for a root file system",
            hint=f"move the lock: realmos lock {lock.image}",
        )
    return packages


def _root_inputs(recipe: RootFs, packages: Lock) -> dict[str, object]:
    return {
        "lock": packages.digest,
        "include": recipe.include,
        "exclude": recipe.exclude,
        "links": recipe.links,
        "files": tree.digest([recipe.files]),
        "optimize": recipe.optimize,
        "how": _how(),
    }


def _build_root(recipe: RootFs, packages: Lock, cache: Cache, reporter: Reporter) -> Path:
    """Return the directory with the packed root file system, and its tree with the interpreter."""

    def make(out: Path) -> None:
        debs = fetch(packages, cache, reporter)
        with cache.scratch() as work:
            with reporter.task("Unpacking the root file system"):
                rootfs.unpack_packages([debs[name] for name in sorted(debs)], work / "root")
            target = find_target(work / "root", cache, reporter)
            nodes = _root_nodes(recipe, target, work, reporter)
            with reporter.task("Packing the root file system"):
                _pack(target, nodes, work, out / _ROOT_ARCHIVE)
            rootfs.materialise(nodes, out / _ROOT_TREE)
            _keep_packer(target, out / _ROOT_TREE)
        (out / _FACTS).write_text(json.dumps({"unpacked": _memory_of(nodes)}), "utf-8")

    return cache.build(_ROOT, _root_inputs(recipe, packages), make)


def _keep_packer(target: Target, tree_: Path) -> None:
    """Put the packer, which is not shipped, into the tree that builds with the image's programs."""
    needed = {_LZ4, *_libraries.closure(target.root, [_LZ4])}
    absent = [path for path in sorted(needed) if not (tree_ / path).exists()]
    rootfs.materialise(rootfs.nodes(target.root, absent, {}), tree_)


def _root_nodes(recipe: RootFs, target: Target, work: Path, reporter: Reporter) -> list[cpio.Node]:
    paths = rootfs.select(target.root, recipe)
    (work / "compiled").mkdir()
    compiled = bytecode.compile_modules(
        target,
        rootfs.modules(target.root, paths),
        work / "compiled",
        level=recipe.optimize,
        reporter=reporter,
    )
    return [*rootfs.skeleton(recipe), *rootfs.nodes(target.root, paths, compiled)]


def _agent_nodes(target: Target, level: int, work: Path, reporter: Reporter) -> list[cpio.Node]:
    sources = rootfs.package_sources(tree.agent_package(), _AGENT_HOME)
    (work / "compiled").mkdir()
    compiled = bytecode.compile_modules(
        target, sources, work / "compiled", level=level, reporter=reporter
    )
    package = tree.agent_package().name
    return [
        *(cpio.file(rootfs.bytecode_path(name), data) for name, data in compiled.items()),
        # So that workloads can import it: the agent's own place is not on their path.
        cpio.symlink(f"{_PACKAGES}/{package}", f"/{_AGENT_HOME}/{package}"),
    ]


def _build_init(source: Path, cache: Cache, compiler: CrossCompiler) -> bytes:
    """Return PID 1, a static program.

    Raises:
        ToolError: it does not compile.
    """
    with made_program(
        "init",
        source,
        cache,
        compiler=f"{compiler.prefix}gcc",
        hint="`realmos doctor` checks the compiler and the static C library",
    ) as program:
        return program.read_bytes()


def _rsi_module(
    recipe: Recipe, kernel: Kernel, lock: Lock, cache: Cache, reporter: Reporter
) -> Path | None:
    """Return the module of guest/rsi, or None for a recipe without it, or with it built in."""
    if not isinstance(recipe.kernel, DebianKernel) or not recipe.kernel.rsi_device:
        return None
    return rsimodule.build_module(kernel, lock, cache, reporter)


def _module_nodes(
    recipe: DebianKernel | SourceKernel, kernel: Kernel, rsi_module: Path | None
) -> list[cpio.Node]:
    """Return the kernel's modules, and the lists of those that PID 1 loads, in order."""
    if kernel.modules is None or not isinstance(recipe, DebianKernel):
        return [cpio.file(_MODULE_LIST, b""), cpio.file(_LAZY_MODULE_LIST, b"")]
    below = f"usr/lib/modules/{kernel.release}"
    files = {path.stem: path for path in sorted(kernel.modules.glob("*.ko"))}
    lazy = recipe.lazy_modules
    if rsi_module is not None:
        files[rsi_module.stem] = rsi_module
        lazy = (*lazy, rsi_module.stem)

    def listed(names: Sequence[str]) -> bytes:
        return "".join(f"/{below}/{name}.ko\n" for name in names if name in files).encode()

    return [
        *(cpio.file(f"{below}/{path.name}", path.read_bytes()) for path in files.values()),
        cpio.file(_MODULE_LIST, listed(recipe.modules)),
        cpio.file(_LAZY_MODULE_LIST, listed(lazy)),
    ]


def _pack(target: Target, nodes: Sequence[cpio.Node], work: Path, out: Path) -> None:
    """Write an archive of nodes, in LZ4's legacy format: the one that Linux knows."""
    plain = work / "plain.cpio"
    with plain.open("wb") as file:
        cpio.write(nodes, file)
    target.run(_LZ4, "-l", "-9", "-T1", "-q", plain, out)


def _memory_of(nodes: Sequence[cpio.Node]) -> int:
    return sum(-len(node.data) // _PAGE * -_PAGE for node in nodes)


def _read_unpacked(home: Path) -> int:
    return int(json.loads((home / _FACTS).read_text("utf-8"))["unpacked"])


def _how() -> str:
    """Return a hash of the code that decides what a root file system holds."""
    modules = (rootfs.__file__, cpio.__file__, _libraries.__file__, bytecode.__file__, __file__)
    return tree.digest([bytecode.SCRIPT, *map(Path, modules)])
