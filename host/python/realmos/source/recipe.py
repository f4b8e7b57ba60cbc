# SPDX-License-Identifier: BSD-3-Clause
"""Which packages an image is made from, before versions: `images/<name>/packages.toml`.

    [[binary]]                      # any number of times
    names = ["python3"]             # resolved with all that they depend on
    suite = "trixie"                # the default; any other than it and its backports is alone
    keep = ["linux-binary-*"]       # of those, only what matches; default: everything
    drop = ["dpkg", "debconf"]      # of those, not what matches; default: nothing

    [[source]]
    names = ["arm-trusted-firmware"]
    suite = "trixie"                # the default

Binary packages are arm64. `move_lock` writes `packages.lock` beside it. QEMU, which has a lock for
each architecture of build machines, has no recipe.
"""

import tomllib
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

from realmos import tree
from realmos.cache import Cache
from realmos.errors import ConfigError
from realmos.progress import Reporter
from realmos.source import qemu
from realmos.source.apt import STABLE
from realmos.source.lock import (
    FILE_NAME,
    Lock,
    Package,
    merge,
    read,
    resolve,
    resolve_sources,
    write,
)

_RECIPE = "packages.toml"
_QEMU = "qemu"
_KEYS = {"binary": {"names", "suite", "keep", "drop"}, "source": {"names", "suite"}}


def lock_file(name: str) -> Path:
    """Return the path of an image's package lock."""
    return tree.images() / name / FILE_NAME


def locks() -> list[str]:
    """Return the names of all locks that `move_lock` can move."""
    recipes = {path.parent.name for path in tree.images().glob(f"*/{_RECIPE}")}
    return sorted(recipes | {_QEMU})


def move_lock(name: str, cache: Cache, reporter: Reporter) -> list[str]:
    """Move a lock to the versions that the mirror has now, and return what changed, a line each.

    Raises:
        ConfigError: there is no such lock, its recipe is malformed, or it cannot be written.
        SourceError: no network, no mirror, or no such package.
    """
    if name not in locks():
        raise ConfigError(f"there is no package lock {name}", hint=f"one of: {', '.join(locks())}")
    if name == _QEMU:
        new = {
            qemu.lock_path(arch): qemu.resolve_lock(arch, cache, reporter)
            for arch in qemu.ARCHITECTURES
        }
    else:
        new = {lock_file(name): resolve_recipe(tree.images() / name / _RECIPE, cache, reporter)}
    changes: list[str] = []
    for path, lock in new.items():
        changes += _differences(read(path) if path.is_file() else Lock(), lock)
        try:
            write(lock, path)
        except OSError as error:
            raise ConfigError(
                f"the lock {path} cannot be written: {error.strerror}",
                hint="locks are moved in a source checkout",
            ) from error
    return changes or ["nothing has changed"]


def resolve_recipe(path: Path, cache: Cache, reporter: Reporter) -> Lock:
    """Return the newest versions of all that a recipe asks for.

    Raises:
        ConfigError: the recipe is malformed.
        SourceError: no network, no mirror, or no such package.
    """
    sections = load_recipe(path)
    parts = []
    for section in sections["binary"]:
        names, suite = section["names"], section.get("suite", [STABLE])[0]
        whole = resolve(names, "arm64", suite, cache=cache, reporter=reporter)
        keep, drop = section.get("keep", ["*"]), section.get("drop", [])
        parts.append(whole.select(_chooser(keep, drop)))
    for section in sections["source"]:
        suite = section.get("suite", [STABLE])[0]
        parts.append(resolve_sources(section["names"], suite, cache=cache, reporter=reporter))
    return merge(*parts)


def _chooser(keep: list[str], drop: list[str]) -> Callable[[Package], bool]:
    def wanted(package: Package) -> bool:
        kept = any(fnmatch(package.name, pattern) for pattern in keep)
        return kept and not any(fnmatch(package.name, pattern) for pattern in drop)

    return wanted


def load_recipe(path: Path) -> dict[str, list[dict[str, list[str]]]]:
    """Read a recipe: its sections by kind; every value is a list of strings, a suite's of one.

    Raises:
        ConfigError: it is absent or malformed.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    unknown = raw.keys() - _KEYS.keys()
    if unknown:
        raise ConfigError(f"{path}: unknown section {min(unknown)}")
    return {kind: [_section(path, kind, each) for each in raw.get(kind, [])] for kind in _KEYS}


def _section(path: Path, kind: str, raw: dict[str, object]) -> dict[str, list[str]]:
    unknown = raw.keys() - _KEYS[kind]
    if unknown:
        raise ConfigError(f"{path}: [[{kind}]] has no {min(unknown)}")
    lists = {key: _strings(value) for key, value in raw.items()}
    if not all(lists.values()) or "names" not in lists:
        raise ConfigError(f"{path}: [[{kind}]] needs names, and strings or lists of strings")
    return lists


def _strings(value: object) -> list[str]:
    """Return a string, or a list of strings, as a list; empty if it is neither."""
    values = value if isinstance(value, list) else [value]
    strings = [each for each in values if isinstance(each, str)]
    return strings if len(strings) == len(values) else []


def _differences(old: Lock, new: Lock) -> list[str]:
    before = {item.name: item.version for item in old.items}
    after = {item.name: item.version for item in new.items}
    changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    return [f"{n}: {before.get(n, 'new')} -> {after.get(n, 'gone')}" for n in sorted(changed)]
