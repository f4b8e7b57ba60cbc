# SPDX-License-Identifier: BSD-3-Clause
"""Building Trusted Applications from their own sources and Makefiles, with OP-TEE's dev kit."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from realmos import process
from realmos.cache import Cache, sha256_file
from realmos.errors import ConfigError, ToolError
from realmos.progress import Reporter, Task
from realmos.source import CrossCompiler
from realmos.source.toolchain import MAKE
from realmos.source.workspace import is_plain, workspace
from realmos.tee._diagnosis import TA_FAILURES, diagnose
from realmos.tee.devkit import DevKit

MAKE_LOG = "make.log"

_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_RULES = "ta_dev_kit.mk"
_STEP = re.compile(r"^  ([A-Z]{2,8}) +(\S+)")
_OURS = {
    "CROSS_COMPILE": "the cross compiler is chosen by realmos",
    "O": "use --out",
    "PYTHON3": "realmos's own signs",
    "TA_DEV_KIT_DIR": "use --kit",
    "TA_SIGN_KEY": "use --key",
}
_ASK = "realmos-facts"
_RULE = f"{_ASK}: ; @echo 'realmos: '$(BINARY)$(SHLIBUUID) $(abspath $(TA_SIGN_KEY))"
_FACTS = re.compile(r"^realmos: (\S+)(?: (\S+))?", re.MULTILINE)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WARNING = ": warning: "
_STAMP = ".key.sha256"
_NAMED_MAX = 8
_KEY_BITS = (2048, 4096)
_KEY_HINT = "openssl genrsa -out my_ta_key.pem 4096, and keep it to yourself"


@dataclass(frozen=True)
class TaSource:
    """A Trusted Application to build.

    Attributes:
        directory: where its Makefile is.
        key: the key pair to sign it with; None: what the Makefile says, or OP-TEE's development
            key.
        settings: variables for make, such as CFG_TEE_TA_LOG_LEVEL.
    """

    directory: Path
    key: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What to call it: OP-TEE's examples have their TAs in directories named `ta`."""
        directory = self.directory.resolve()
        return directory.parent.name if directory.name == "ta" else directory.name


@dataclass(frozen=True)
class BuiltTa:
    """A Trusted Application that has been built.

    Attributes:
        uuid: its name, as the Makefile has it.
        path: the signed file.
        sha256: of that file; signatures are random, so that no two builds are the same.
        elf: the same program with symbols, for debuggers; None when the Makefile made none.
        key: the file of the key that has signed it; None for OP-TEE's development key, which
            everybody has.
        warnings: of the compiler, for what it has compiled this time.
        log: all that make and the compiler have said.
    """

    uuid: str
    path: Path
    sha256: str
    elf: Path | None
    key: Path | None
    warnings: tuple[str, ...]
    log: Path

    @property
    def development(self) -> bool:
        """It is signed with OP-TEE's development key."""
        return self.key is None


def find_source(directory: Path) -> Path:
    """Return where the Makefile of a TA is: the directory itself, or `ta` in it.

    Raises:
        ConfigError: in neither is a Makefile that includes OP-TEE's.
    """
    for candidate in (directory, directory / "ta"):
        if _uses_kit(candidate):
            return candidate
    if not directory.is_dir():
        raise ConfigError(f"{directory} is not a directory", hint="name the directory of the TA")
    below = {path.parent for name in _MAKEFILES for path in directory.glob(f"**/{name}")}
    found = sorted(str(path) for path in below if _uses_kit(path))
    hint = f"the Makefile of a TA includes $(TA_DEV_KIT_DIR)/mk/{_RULES}"
    if found:
        more = f" and {len(found) - _NAMED_MAX} more" if len(found) > _NAMED_MAX else ""
        hint = f"name one of these: {', '.join(found[:_NAMED_MAX])}{more}"
    raise ConfigError(f"{directory} does not hold the Makefile of a TA", hint=hint)


def build_ta(
    source: TaSource,
    kit: DevKit,
    compiler: CrossCompiler,
    *,
    out: Path,
    cache: Cache,
    reporter: Reporter,
) -> BuiltTa:
    """Build a TA; what has not changed since the last time is not compiled again.

    Args:
        source: what to build.
        kit: OP-TEE's dev kit.
        compiler: what to build with.
        out: directory for what is made: `UUID.ta`, `UUID.elf`, objects.
        cache: for directories that make can cope with, should these not be.
        reporter: progress.

    Raises:
        ConfigError: the sources, the Makefile, the key or the settings cannot work.
        ToolError: there is no make.
    """
    MAKE.require()
    _check_settings(source.settings)
    if source.key is not None:
        check_key(source.key)
    out = _make_directory(out)
    links = {"kit": kit.path.resolve()}
    if source.key is not None:
        links["key"] = source.key.resolve()
    with workspace(cache, **links) as work:
        places = {each: to if is_plain(to) else work / each for each, to in links.items()}
        objects = out if is_plain(out) else work / "objects"
        make = _Make(source, places, objects, compiler, out / MAKE_LOG)
        objects.mkdir(exist_ok=True)
        uuid, key = make.ask()
        _forget_other_key(key, out, objects / f"{uuid}.ta")
        with reporter.task(f"Building {source.name}") as task:
            said = make.run(_watch(task))
        for suffix in (".ta", ".elf"):
            made = objects / f"{uuid}{suffix}"
            if objects != out and made.is_file():
                shutil.copyfile(made, out / made.name)
        development = key == str(places["kit"] / "keys" / "default_ta.pem")
    path, elf = _made(uuid, out, source.name)
    return BuiltTa(
        uuid=uuid,
        path=path,
        sha256=sha256_file(path),
        elf=elf,
        key=None if development else source.key or Path(key),
        warnings=tuple(line for line in said.splitlines() if _WARNING in line),
        log=out / MAKE_LOG,
    )


def check_key(path: Path) -> None:
    """Refuse what cannot sign a TA.

    Raises:
        ConfigError: it is no RSA key pair in PEM, or has a passphrase, or the wrong size.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ConfigError(f"the key {path} cannot be read: {error.strerror}") from error
    except TypeError as error:
        raise ConfigError(
            f"the key {path} has a passphrase",
            hint=f"openssl rsa -in {path} -out plain.pem takes it off",
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{path} is no key pair in PEM", hint=_KEY_HINT) from error
    least, most = _KEY_BITS
    if not isinstance(key, rsa.RSAPrivateKey) or not least <= key.key_size <= most:
        raise ConfigError(
            f"{path} is not an RSA key pair of {least} to {most} bits", hint=_KEY_HINT
        )


class _Make:
    """make, with what the dev kit wants to be told."""

    def __init__(
        self,
        source: TaSource,
        places: Mapping[str, Path],
        objects: Path,
        compiler: CrossCompiler,
        log: Path,
    ) -> None:
        self._name = source.name
        self._log = log
        variables = {
            **source.settings,
            "CROSS_COMPILE": compiler.prefix,
            "O": str(objects),
            "PYTHON3": shlex.quote(sys.executable),
            "TA_DEV_KIT_DIR": str(places["kit"]),
        }
        if "key" in places:
            variables["TA_SIGN_KEY"] = str(places["key"])
        words = [f"{name}={value}" for name, value in variables.items()]
        self._argv = ["make", "--no-print-directory", "-C", str(source.directory), *words]

    def ask(self) -> tuple[str, str]:
        """Return the UUID of what the Makefile makes, and the path of the key it signs with."""
        text = self._run(["--silent", f"--eval={_RULE}", _ASK], None)
        match = _FACTS.search(text)
        if match is None:
            raise ConfigError(
                f"{self._name}: its Makefile makes a static library, not a Trusted Application",
                hint="build it with the TA's own Makefile; that sets BINARY, or SHLIBUUID of a "
                "shared library, to a UUID",
            )
        if not _UUID.fullmatch(match[1]):
            raise ConfigError(
                f"{self._name}: its Makefile calls the TA {match[1]!r}, which is no UUID",
                hint="BINARY, or SHLIBUUID of a shared library, is the UUID that clients ask for, "
                "the same as TA_UUID: 8-4-4-4-12 hexadecimal digits, as uuidgen prints",
            )
        return match[1], match[2] or ""

    def run(self, on_line: Callable[[str], None]) -> str:
        """Build; return what was said."""
        return self._run([f"-j{os.cpu_count() or 1}"], on_line)

    def _run(self, words: list[str], on_line: Callable[[str], None] | None) -> str:
        lines: list[str] = []

        def keep(line: str) -> None:
            lines.append(line)
            if on_line is not None:
                on_line(line)

        try:
            return process.run([*self._argv, *words], log=self._log, on_line=keep)
        except ToolError as error:
            raise diagnose(lines, self._name, str(self._log), TA_FAILURES) from error


def _uses_kit(directory: Path) -> bool:
    for name in _MAKEFILES:
        path = directory / name
        if path.is_file():
            return _RULES in path.read_text("utf-8", "replace")
    return False


def _check_settings(settings: Mapping[str, str]) -> None:
    for name in settings:
        if name in _OURS:
            raise ConfigError(f"{name} cannot be set", hint=_OURS[name])


def _make_directory(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be made: {error.strerror}", hint="--out names another directory"
        ) from error
    return path.resolve()


def _forget_other_key(key: str, out: Path, signed: Path) -> None:
    """Have a TA signed again that was signed with another key: make looks at times only."""
    stamp = out / _STAMP
    path = Path(key)
    now = sha256_file(path) if path.is_file() else key
    if not stamp.is_file() or stamp.read_text("utf-8") != now:
        signed.unlink(missing_ok=True)
        stamp.write_text(now, "utf-8")


def _watch(task: Task) -> Callable[[str], None]:
    """Return a line callback that turns the kit's lines into progress."""
    steps: list[str] = []

    def on_line(line: str) -> None:
        if match := _STEP.match(line):
            steps.append(line)
            task.update(done=len(steps), note=f"{match[1]} {Path(match[2]).name}")

    return on_line


def _made(uuid: str, out: Path, name: str) -> tuple[Path, Path | None]:
    """Return the signed file and, if there is one, the program with symbols."""
    path, elf = out / f"{uuid}.ta", out / f"{uuid}.elf"
    if not path.is_file():
        raise ConfigError(
            f"{name}: make ended well, and made no {path.name}",
            hint=f"the Makefile must leave the target `all` to {_RULES}",
        )
    return path, elf if elf.is_file() else None
