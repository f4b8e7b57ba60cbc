# SPDX-License-Identifier: BSD-3-Clause
"""What every file must say, and what none may."""

import re
from collections.abc import Iterator
from pathlib import Path

MAX_LINES = 600
SPDX = "SPDX-License-Identifier: BSD-3-Clause"

# Files that cannot hold a comment, or are the licence itself.
WITHOUT_SPDX = {"LICENSE", "py.typed"}

# Names that lead nowhere: this machine, what RFC 2606 sets aside for examples, and the profile that
# old CCA tokens name by a URI.
HARMLESS_HOST = re.compile(r"localhost|127\.0\.0\.1|arm\.com|[\w.-]+\.(?:invalid|example|test)")
HOST = re.compile(r"\bhttps?://([A-Za-z0-9.-]+)")
BARE_HOST = re.compile(
    r"\b(?:[a-z0-9-]+\.)*(?:debian\.org|pypi\.org|pythonhosted\.org|ubuntu\.com|github\.com"
    r"|kernel\.org|trustedfirmware\.org|docker\.io)\b"
)
# Names of attestation profiles, which look like addresses and are none.
PROFILE = re.compile(r"http://arm\.com/CCA-SSD/[0-9.]+|tag:github\.com,2023:veraison/ear")
MACHINE_PATH = re.compile(r"(?<![\w.)}/-])/(?:work|root|home)/\w+")

BANNED_C = re.compile(
    r"\b(?:strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|strtok|alloca|atoi|atol|scanf"
    r"|sscanf|system|popen|tmpnam|mktemp)\s*\("
)
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b|NotImplemented" r"Error")
# Function identifiers of the SMC calling convention: fast calls of the standard services.
FUNCTION_ID = re.compile(r"\b0x[8cC]400[0-9A-Fa-f]{4}\b")
GENERATED_FROM_TABLE = re.compile(r"Generated from the ABI table \w+: do not edit\.")


def lines(texts: dict[Path, str], top: Path, *suffixes: str) -> Iterator[tuple[str, Path, str]]:
    """Yield `path:line`, path from the top, and text of every line of files with these endings."""
    for path, text in texts.items():
        if suffixes and path.suffix not in suffixes:
            continue
        name = path.relative_to(top)
        for number, line in enumerate(text.splitlines(), 1):
            yield f"{name}:{number}", name, line


def test_every_file_names_its_licence(texts: dict[Path, str], top: Path) -> None:
    missing = [
        str(path.relative_to(top))
        for path, text in texts.items()
        if path.name not in WITHOUT_SPDX and SPDX not in text[:200]
    ]
    assert not missing, "\n".join(missing)


def test_no_file_is_too_long(texts: dict[Path, str], top: Path) -> None:
    long = {
        str(path.relative_to(top)): count
        for path, text in texts.items()
        if path.suffix in {".py", ".c", ".h", ".S"}
        and (count := text.count("\n")) > MAX_LINES
        and not GENERATED_FROM_TABLE.search(text)
    }
    assert long == {}


def test_no_file_names_a_host(texts: dict[Path, str], top: Path) -> None:
    found = [
        f"{where}: {host}"
        for where, name, line in lines(texts, top)
        if name != Path("tests/quality/test_texts.py")
        for rest in [PROFILE.sub("", line)]
        for host in [*HOST.findall(rest), *BARE_HOST.findall(rest)]
        if not HARMLESS_HOST.fullmatch(host)
    ]
    assert not found, "\n".join(found)


def test_no_file_names_a_path_of_one_machine(texts: dict[Path, str], top: Path) -> None:
    found = [
        f"{where}: {match[0]}"
        for where, _, line in lines(texts, top)
        if (match := MACHINE_PATH.search(line))
    ]
    assert not found, "\n".join(found)


def test_nothing_is_left_unfinished(texts: dict[Path, str], top: Path) -> None:
    found = [where for where, _, line in lines(texts, top) if UNFINISHED.search(line)]
    assert not found, "\n".join(found)


def test_c_calls_no_banned_function(texts: dict[Path, str], top: Path) -> None:
    found = [
        f"{where}: {match[0]}"
        for where, _, line in lines(texts, top, ".c", ".h")
        if (match := BANNED_C.search(line))
    ]
    assert not found, "\n".join(found)


def test_function_identifiers_stand_in_abi_tables_alone(texts: dict[Path, str], top: Path) -> None:
    outside = {
        path: text
        for path, text in texts.items()
        if not path.is_relative_to(top / "rmm/abi")
        and not path.is_relative_to(top / "tests")  # identifiers that are nobody's have no name
        and not GENERATED_FROM_TABLE.search(text)
    }
    found = [where for where, _, line in lines(outside, top) if FUNCTION_ID.search(line)]
    assert not found, "\n".join(found)
