# SPDX-License-Identifier: BSD-3-Clause
"""An apt of our own: isolated from the machine's, without root, signatures checked, no host named.

Each `Apt` is one index (the packages of one architecture, or the source packages) with its own
state directory in the cache. Stable and its backports share one; every other suite is alone, so
that nothing newer than was asked for is chosen. The network is touched by `update` and the
downloads alone.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from realmos import process
from realmos.cache import Cache
from realmos.errors import GoneError, IntegrityError, SourceError, ToolError
from realmos.progress import Reporter, Task
from realmos.source import _mirror

SOURCES = "source"
STABLE = "trixie"
BACKPORTS = "trixie-backports"
_SUITES = (STABLE, BACKPORTS)

_STATUS = re.compile(r"^dlstatus:[^:]*:([0-9.]+):(.*)")
_UNREACHABLE = re.compile(
    r"Temporary failure resolving|Could not resolve|Could not connect|Unable to connect"
    r"|Network is unreachable|Connection timed out|No route to host|Connection refused"
    r"|connection timed out|Connection failed",
)
_UNTRUSTED = re.compile(r"NO_PUBKEY|is not signed|BADSIG|EXPKEYSIG|signatures? (?:couldn't|were)")
_GONE = re.compile(
    r"Version '(?P<version>[^']+)' for '(?P<name>[^']+)' was not found"
    r"|Unable to locate package (?P<package>\S+)"
    r"|Can not find version '(?P<srcversion>[^']+)' of package '(?P<source>[^']+)'"
    r"|Unable to find a source package for (?P<nosource>\S+)"
    r"|Failed to fetch \S+/(?P<file>[^/\s]+)\s+(?:404 |File not found|Failed to stat|No such file)"
)
_ABSENT = re.compile(
    r"404 |does not have a Release file|no longer has a Release|File not found"
    r"|Failed to stat|No such file",
)


class Apt:
    """The isolated apt for one index of one cache.

    Args:
        cache: holds the state, and the locks against other processes.
        index: a Debian architecture, or `SOURCES`.
        suite: the suite that is wanted, or another of the same `index_of`.
    """

    def __init__(self, cache: Cache, index: str, suite: str = STABLE) -> None:
        self._suites = _SUITES if suite in _SUITES else (suite,)
        self._is_source = index == SOURCES
        self._architecture = _mirror.build_architecture() if self._is_source else index
        self._name = index_of(index, suite)
        self._cache = cache
        self._state = cache.path / "apt" / self._name
        self._config = self._state / "apt.conf"
        self._root_file = self._state / "root"
        self._fresh = False

    @property
    def fresh(self) -> bool:
        """Whether this object itself has updated the lists."""
        return self._fresh

    def update(self, reporter: Reporter, *, force: bool = False) -> None:
        """Fetch the package lists, if there are none yet or if `force`d.

        Tries each archive root that the machine's apt knows until one is Debian's.

        Raises:
            SourceError: none is, or the network is not there.
        """
        with self._cache.lock(f"apt-{self._name}"):
            if not force and self._is_set_up():
                return
            roots = _mirror.candidates()
            failures: list[tuple[str, str]] = []
            for root in roots:
                failure = self._try_root(root, reporter)
                if failure is None:
                    self._root_file.write_text(root, "utf-8")
                    self._fresh = True
                    return
                failures.append((root, failure))
        raise _no_root(failures, self._suites)

    def solve(self, names: Sequence[str]) -> list[tuple[str, str]]:
        """Return (name, version) of the packages and of all that they depend on.

        Args:
            names: packages, each may be followed by `/suite` or `=version`.

        Raises:
            SourceError: there is no such package, or its dependencies contradict each other.
        """
        text = self._apt(["apt-get", "--simulate", "install", *names], "packages do not resolve")
        found = [m for line in text.splitlines() if (m := re.match(r"Inst (\S+) \((\S+) ", line))]
        return sorted((match[1], match[2]) for match in found)

    def records(self, pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
        """Return the control fields of each (name, version)."""
        wanted = [f"{name}={version}" for name, version in pairs]
        text = self._apt(["apt-cache", "show", *wanted], "packages are not in the lists")
        fields = [_fields(stanza) for stanza in text.split("\n\n")]
        return [stanza for stanza in fields if "Package" in stanza]

    def suites(self, names: Iterable[str]) -> dict[tuple[str, str], str]:
        """Return the suite that each (name, version) is in; stable before backports."""
        text = self._apt(["apt-cache", "madison", *names], "packages are not in the lists")
        rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]
        found: dict[tuple[str, str], str] = {}
        for name, version, where in (row for row in rows if len(row) == 3):
            suite = where.split()[1].partition("/")[0]
            if found.get((name, version)) != STABLE:
                found[name, version] = suite
        return found

    def source_files(self, name: str, suite: str) -> list[tuple[str, int, str]]:
        """Return (file, size, sha256) of each file of a source package."""
        argv = ["apt-get", "--print-uris", "--only-source", "-oAcquire::ForceHash=SHA256"]
        text = self._apt([*argv, "source", f"{name}/{suite}"], f"no source package {name}")
        rows = re.findall(r"^'[^']+' (\S+) (\d+) SHA256:([0-9a-f]{64})$", text, re.MULTILINE)
        return [(file, int(size), sha256) for file, size, sha256 in rows]

    def download(self, names: Sequence[str], into: Path, task: Task) -> None:
        """Download each `name=version`: a binary package, or a source package's files.

        Raises:
            GoneError: a version is gone from the lists or from the mirror.
            IntegrityError: a file is not what the lists say.
            SourceError: there is no network, or apt failed for another reason.
        """
        what = ["source", "--download-only", "--only-source"]
        verb = what if self._is_source else ["download"]
        argv = ["apt-get", "-oAPT::Status-Fd=1", *verb, *names]
        with self._cache.lock(f"apt-{self._name}"):
            self._apt(argv, "packages cannot be downloaded", cwd=into, on_line=_watch(task))

    def _is_set_up(self) -> bool:
        if not (self._root_file.is_file() and self._config.is_file()):
            return False
        roots = _mirror.candidates()
        return self._root_file.read_text("utf-8") in roots

    def _try_root(self, root: str, reporter: Reporter) -> str | None:
        """Update from one archive root; return None, or why it is none of Debian's."""
        self._root_file.unlink(missing_ok=True)
        self._write_config(root)
        argv = ["apt-get", "-oAPT::Status-Fd=1", "-oAPT::Update::Error-Mode=any", "update"]
        with reporter.task(f"Updating package lists ({self._name})") as task:
            try:
                process.run(argv, env=self._env(), on_line=_watch(task))
            except ToolError as error:
                reporter.note(f"{root}: {_without_status(error)}")
                return _without_status(error)
        return None

    def _write_config(self, root: str) -> None:
        state = self._state
        for name in ("empty", "sources.d", "lists/partial", "cache/archives/partial", "log"):
            (state / name).mkdir(parents=True, exist_ok=True)
        (state / "status").write_bytes(b"")
        settings = _SETTINGS.format(state=state, architecture=self._architecture)
        lines = [settings.strip(), *_mirror.inherited_settings()]
        self._config.write_text("\n".join(lines) + "\n", "utf-8")
        source = {
            "Types": "deb-src" if self._is_source else "deb",
            "URIs": root,
            "Suites": " ".join(self._suites),
            "Components": "main",
            "Signed-By": str(_mirror.keyring()),
        }
        if not self._is_source:
            source["Architectures"] = self._architecture
        text = "".join(f"{key}: {value}\n" for key, value in source.items())
        (state / "sources.d" / "debian.sources").write_text(text, "utf-8")

    def _env(self) -> dict[str, str]:
        return _mirror.apt_env(self._config)

    def _apt(
        self,
        argv: Sequence[str],
        what: str,
        *,
        cwd: Path | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        try:
            return process.run(argv, env=self._env(), cwd=cwd, on_line=on_line)
        except ToolError as error:
            text = _without_status(error)
            gone = _gone(text, argv)
            if gone:
                names = ", ".join(gone)
                raise GoneError(f"the package mirror does not have {names}") from error
            if "Hash Sum mismatch" in text:
                raise IntegrityError(
                    "the package mirror's files are not those of its lists",
                    hint="the mirror may be updating: try again in some minutes",
                ) from error
            reasons = [line[3:] for line in _lines(text) if line.startswith("E: ")]
            hint = _NETWORK_HINT if _UNREACHABLE.search(text) else ""
            raise SourceError(f"{what}: {'; '.join(reasons) or text}", hint=hint) from error


def index_of(index: str, suite: str) -> str:
    """Return the name of the index that holds a suite's packages."""
    return index if suite in _SUITES else f"{index}-{suite}"


_NETWORK_HINT = (
    "check the network (and http_proxy); a warm cache and an unchanged lock need none. "
    f"{_mirror.ENVIRONMENT} names another mirror"
)

_SETTINGS = """
Dir::Etc "{state}/empty";
Dir::Etc::parts "{state}/empty";
Dir::Etc::main "/dev/null";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{state}/sources.d";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "{state}/empty";
Dir::Etc::trusted "/dev/null";
Dir::Etc::trustedparts "{state}/empty";
Dir::Etc::netrc "/etc/apt/auth.conf";
Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
Dir::State "{state}";
Dir::State::lists "{state}/lists";
Dir::State::status "{state}/status";
Dir::Cache "{state}/cache";
Dir::Cache::srcpkgcache "";
Dir::Log "{state}/log";
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Acquire::PDiffs "false";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Debug::NoLocking "true";
"""


def _without_status(error: ToolError) -> str:
    lines = str(error).splitlines()
    return "\n".join(line for line in lines if not _STATUS.match(line.strip()))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def _gone(text: str, argv: Sequence[str]) -> list[str]:
    """Return the packages, or files, that apt says the mirror does not have.

    Args:
        text: what apt printed.
        argv: its command line, which says what versions were wanted.
    """
    wanted = dict(word.split("=", 1) for word in argv if re.match(r"[a-z0-9][^/]*=", word))
    found = set()
    for match in _GONE.finditer(text):
        name = match["name"] or match["source"] or match["package"] or match["nosource"]
        version = match["version"] or match["srcversion"] or wanted.get(name, "")
        found.add(f"{name} {version}".strip() if name else match["file"])
    return sorted(found)


def _fields(stanza: str) -> dict[str, str]:
    pairs = (line.partition(": ") for line in stanza.splitlines() if not line.startswith(" "))
    return {key: value for key, colon, value in pairs if colon}


def _watch(task: Task) -> Callable[[str], None]:
    """Return a line callback that turns apt's status lines into progress."""

    def on_line(line: str) -> None:
        match = _STATUS.match(line)
        if match:
            task.update(done=float(match[1]), total=100.0)

    return on_line


def _no_root(failures: list[tuple[str, str]], wanted: Sequence[str]) -> SourceError:
    """Return the error that says why no archive root would do."""
    names = ", ".join(root for root, _ in failures)
    suites = " and ".join(wanted)
    if all(_UNREACHABLE.search(text) for _, text in failures):
        return SourceError(f"no package mirror can be reached (tried {names})", hint=_NETWORK_HINT)
    rows = "".join(f"\n    {root}: {_reason(text, suites)}" for root, text in failures)
    return SourceError(
        f"none of this machine's package sources serves Debian {suites}:{rows}",
        hint=f"set {_mirror.ENVIRONMENT} to the root of a Debian mirror",
    )


def _reason(text: str, suites: str) -> str:
    """Say in a few words why an archive root was refused."""
    if _UNREACHABLE.search(text):
        return "cannot be reached"
    if _UNTRUSTED.search(text):
        return "not signed with Debian's keys"
    if _ABSENT.search(text):
        return f"does not carry {suites}"
    errors = [line for line in _lines(text) if line.startswith(("E: ", "W: "))]
    return errors[0][3:] if errors else _lines(text)[-1]
