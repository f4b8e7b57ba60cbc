# SPDX-License-Identifier: BSD-3-Clause
"""Where a Debian archive may be found: what the user says, else what the machine's own apt uses.

No host is named here. The machine's apt tells which archives it uses, and each is a candidate
until Debian's key has verified it.
"""

import os
import platform
import re
from pathlib import Path

from realmos import process
from realmos.errors import ConfigError, SourceError, ToolError

ENVIRONMENT = "REALMOS_DEBIAN_MIRROR"

_RELEASE_URI = re.compile(r"^'(\S+/)dists/\S+/(?:In)?Release'")
_ROOT = re.compile(r"^[a-z][a-z0-9+]*:\S+$")
_KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_KEPT_SETTINGS = re.compile(r"^Acquire::(https?|tor|ForceIPv[46]|Check-|Retries|EnableSrvRecords)")
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "ftp_proxy", "all_proxy")


def build_architecture() -> str:
    """Return Debian's name of the build machine's architecture.

    Raises:
        ConfigError: it is one that we have no QEMU or compiler for.
    """
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise ConfigError(
            f"a build machine with {machine} processors is not supported",
            hint="use an x86-64 or arm64 machine with Debian",
        )
    return _ARCHITECTURES[machine]


def keyring() -> Path:
    """Return the keyring that holds the keys of Debian's archive.

    Raises:
        SourceError: it is not installed.
    """
    for path in _KEYRINGS:
        if path.is_file():
            return path
    raise SourceError(
        f"the keys of Debian's archive are not installed ({_KEYRINGS[0]})",
        hint="apt-get install debian-archive-keyring",
    )


def apt_env(config: Path | None = None) -> dict[str, str]:
    """Return the environment for apt programs: proxies kept, and our configuration if given."""
    names = [name for v in _PROXY_VARIABLES for name in (v, v.upper())]
    proxies = {name: os.environ[name] for name in names if name in os.environ}
    extra = {} if config is None else {"APT_CONFIG": str(config)}
    return process.base_env(**proxies, **extra)


def candidates() -> list[str]:
    """Return the archive roots to try, each with a final slash, the most likely first.

    Works offline, without root, and with empty package lists.

    Raises:
        ConfigError: the user's mirror is not a URI.
        SourceError: the machine's apt has no source at all, or there is no apt.
    """
    chosen = os.environ.get(ENVIRONMENT, "").strip()
    if chosen:
        if not _ROOT.match(chosen):
            raise ConfigError(
                f"{ENVIRONMENT} is not a URI: {chosen}",
                hint=f"set {ENVIRONMENT} to the root of a Debian archive, e.g. the URI that "
                "precedes dists/ on your mirror",
            )
        return [chosen.rstrip("/") + "/"]
    try:
        listing = process.run(
            ["apt-get", "update", "--print-uris"],
            env=apt_env(),
            hint="realmos needs apt; on other systems use a Debian container",
        )
    except ToolError as error:
        raise SourceError(f"apt's own sources cannot be read: {error}", hint=error.hint) from error
    found = [match[1] for line in listing.splitlines() if (match := _RELEASE_URI.match(line))]
    if not found:
        raise SourceError(
            "this machine's apt has no package source",
            hint=f"set {ENVIRONMENT} to the root of a Debian mirror",
        )
    return sorted(dict.fromkeys(found), key=_likelihood)


def inherited_settings() -> list[str]:
    """Return the machine's own apt settings on proxies and time-outs, as configuration lines."""
    dump = process.run(["apt-config", "dump"], env=apt_env())
    return [line for line in dump.splitlines() if _KEPT_SETTINGS.match(line)]


def _likelihood(root: str) -> int:
    """Rank main archives before the archives of security updates and other additions."""
    return 0 if root.rstrip("/").endswith("/debian") else 1
