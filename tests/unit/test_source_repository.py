# SPDX-License-Identifier: BSD-3-Clause
"""The isolated apt against a small signed archive on disk: what it refuses, and what it fetches."""

import base64
import hashlib
import os
import shutil
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from realmos import process
from realmos.cache import Cache
from realmos.errors import GoneError, IntegrityError, RealmosError, SourceError, ToolError
from realmos.progress import Silent
from realmos.source import _mirror, lock
from realmos.source.lock import Lock, fetch, resolve, resolve_sources
from realmos.source.recipe import resolve_recipe

CLOSED_PORT = "127.0.0.1:9"
SUITES = ("trixie", "trixie-backports")


def mpi(value: int) -> bytes:
    size = value.bit_length()
    return struct.pack(">H", size) + value.to_bytes((size + 7) // 8, "big")


def packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, 0xFF]) + struct.pack(">I", len(body)) + body


def subpacket(kind: int, body: bytes) -> bytes:
    return bytes([len(body) + 1, kind]) + body


class Key:
    """An OpenPGP key (RFC 4880, version 4, RSA) that can sign a Release file."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        numbers = self._key.public_key().public_numbers()
        self._created = struct.pack(">I", 1_700_000_000)
        self._body = b"\x04" + self._created + b"\x01" + mpi(numbers.n) + mpi(numbers.e)
        framed = self._framed()
        self._fingerprint = hashlib.sha1(framed, usedforsecurity=False).digest()

    def keyring(self) -> bytes:
        user = b"A test archive"
        certified = self._framed() + b"\xb4" + struct.pack(">I", len(user)) + user
        flags = subpacket(27, b"\x03")
        signature = self._sign(0x13, certified, flags)
        return packet(6, self._body) + packet(13, user) + signature

    def detached(self, data: bytes) -> bytes:
        return self._sign(0x00, data, b"")

    def _framed(self) -> bytes:
        return b"\x99" + struct.pack(">H", len(self._body)) + self._body

    def _sign(self, kind: int, data: bytes, extra: bytes) -> bytes:
        issuer = subpacket(33, b"\x04" + self._fingerprint)
        hashed = subpacket(2, self._created) + issuer + extra
        head = bytes([4, kind, 1, 8]) + struct.pack(">H", len(hashed)) + hashed
        signed = data + head + b"\x04\xff" + struct.pack(">I", len(head))
        number = self._key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        keyid = subpacket(16, self._fingerprint[-8:])
        unhashed = struct.pack(">H", len(keyid)) + keyid
        check = hashlib.sha256(signed).digest()[:2]
        return packet(2, head + unhashed + check + mpi(int.from_bytes(number, "big")))


def armor(data: bytes) -> bytes:
    body = base64.encodebytes(data)
    return b"-----BEGIN PGP SIGNATURE-----\n\n" + body + b"-----END PGP SIGNATURE-----\n"


class Archive:
    """A Debian archive on disk, of packages that hold one file each."""

    def __init__(self, root: Path, key: Key) -> None:
        self.root = root
        self.key = key
        self._stanzas: dict[str, list[str]] = {}

    @property
    def uri(self) -> str:
        return f"copy:{self.root}"

    def add(
        self,
        name: str,
        version: str,
        *,
        suite: str = "trixie",
        arch: str = "arm64",
        needs: str = "",
    ) -> None:
        work = self.root / "work"
        control = {
            "Package": name, "Version": version, "Architecture": arch,
            "Maintainer": "nobody", "Description": "test", **({"Depends": needs} if needs else {}),
        }  # fmt: skip
        text = "".join(f"{key}: {value}\n" for key, value in control.items())
        (work / "DEBIAN").mkdir(parents=True)
        (work / "DEBIAN" / "control").write_text(text, "utf-8")
        (work / name).write_text(f"{name} {version}\n", "utf-8")
        file = self.root / "pool" / f"{name}_{version.replace(':', '%3a')}_{arch}.deb"
        file.parent.mkdir(exist_ok=True)
        process.run(["dpkg-deb", "--root-owner-group", "--build", work, file])
        shutil.rmtree(work)
        text += f"Filename: pool/{file.name}\nSize: {file.stat().st_size}\nSHA256: {sha(file)}\n"
        for index in ("amd64", "arm64") if arch == "all" else (arch,):
            self._stanzas.setdefault(f"{suite} main/binary-{index}/Packages", []).append(text)

    def add_source(self, name: str, version: str) -> None:
        files = [self.root / "pool" / f"{name}_{version}{end}" for end in (".dsc", ".orig.tar.xz")]
        for file in files:
            file.parent.mkdir(exist_ok=True)
            file.write_text(file.name, "utf-8")
        rows = "".join(f" {sha(file)} {file.stat().st_size} {file.name}\n" for file in files)
        sums = "".join(f" {md5(file)} {file.stat().st_size} {file.name}\n" for file in files)
        self._stanzas.setdefault("trixie main/source/Sources", []).append(
            f"Package: {name}\nBinary: {name}\nVersion: {version}\nFormat: 3.0 (quilt)\n"
            f"Directory: pool\nFiles:\n{sums}Checksums-Sha256:\n{rows}"
        )

    def forget(self) -> None:
        """Make every package disappear from the lists."""
        self._stanzas.clear()
        shutil.rmtree(self.root / "pool")
        self.publish()

    def publish(self, suites: tuple[str, ...] = SUITES) -> None:
        for suite in suites:
            folder = self.root / "dists" / suite
            shutil.rmtree(folder, ignore_errors=True)
            for index in ("binary-amd64/Packages", "binary-arm64/Packages", "source/Sources"):
                path = folder / "main" / index
                path.parent.mkdir(parents=True)
                stanzas = self._stanzas.get(f"{suite} main/{index}", [])
                path.write_text("\n".join(stanzas), "utf-8")
            release = release_text(suite, folder).encode()
            (folder / "Release").write_bytes(release)
            (folder / "Release.gpg").write_bytes(armor(self.key.detached(release)))


def release_text(suite: str, folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    rows = [f" {sha(p)} {p.stat().st_size} {p.relative_to(folder)}\n" for p in files]
    backports = "NotAutomatic: yes\nButAutomaticUpgrades: yes\n" if "back" in suite else ""
    return (
        f"Suite: {suite}\nCodename: {suite}\nDate: {formatdate(usegmt=True)}\n{backports}"
        "Architectures: amd64 arm64\nComponents: main\nSHA256:\n" + "".join(rows)
    )


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@pytest.fixture(scope="module")
def key() -> Key:
    return Key()


@pytest.fixture
def archive(tmp_path: Path, key: Key, monkeypatch: pytest.MonkeyPatch) -> Archive:
    root = tmp_path / "archive"
    root.mkdir()
    keyring = tmp_path / "keyring.gpg"
    keyring.write_bytes(key.keyring())
    made = Archive(root, key)
    made.add("app", "1:2.0-1", needs="lib (>= 1)")
    made.add("lib", "1.5", needs="data")
    made.add("data", "7", arch="all")
    made.add("lib", "3.0~bpo1", suite="trixie-backports", needs="data")
    made.add_source("tool", "4.2")
    made.publish()
    monkeypatch.setenv(_mirror.ENVIRONMENT, made.uri)
    monkeypatch.setattr(_mirror, "keyring", lambda: keyring)
    return made


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def app_lock(cache: Cache) -> Lock:
    found = resolve(["app"], "arm64", cache=cache, reporter=Silent())
    return replace(found, image="linux")


def test_archive_signed_with_another_key_is_refused(archive: Archive, cache: Cache) -> None:
    archive.key = Key()
    archive.publish()
    with pytest.raises(SourceError, match="not signed with Debian's keys") as caught:
        app_lock(cache)
    assert _mirror.ENVIRONMENT in caught.value.hint


def test_archive_changed_after_signing_is_refused(archive: Archive, cache: Cache) -> None:
    release = archive.root / "dists" / "trixie" / "Release"
    release.write_text(release.read_text("utf-8") + "Label: changed\n", "utf-8")
    with pytest.raises(SourceError, match="not signed with Debian's keys"):
        app_lock(cache)


def test_archive_without_the_suite_is_refused(archive: Archive, cache: Cache) -> None:
    shutil.rmtree(archive.root / "dists" / "trixie-backports")
    with pytest.raises(SourceError, match="does not carry trixie and trixie-backports"):
        app_lock(cache)


def test_unreachable_mirror_says_so(
    cache: Cache, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = app_lock(cache)
    monkeypatch.setattr(_mirror, "inherited_settings", lambda: ['Acquire::Retries "0";'])
    monkeypatch.setenv(_mirror.ENVIRONMENT, f"http://{CLOSED_PORT}/debian")
    with pytest.raises(SourceError, match="no package mirror can be reached") as caught:
        fetch(locked, cache, Silent())
    assert "check the network" in caught.value.hint
    assert archive.root.is_dir()


def test_unknown_package_is_named(archive: Archive, cache: Cache) -> None:
    assert archive.root.is_dir()
    with pytest.raises(SourceError, match="does not have nosuch"):
        resolve(["nosuch"], "arm64", cache=cache, reporter=Silent())


def test_version_that_left_the_mirror_names_the_command_that_moves_the_lock(
    archive: Archive, cache: Cache
) -> None:
    locked = app_lock(cache)
    archive.forget()
    with pytest.raises(GoneError, match=r"app 1:2\.0-1") as caught:
        fetch(locked, cache, Silent())
    assert "realmos lock linux" in caught.value.hint


def test_file_that_left_the_mirror_before_its_lists_did_is_named(
    archive: Archive, cache: Cache
) -> None:
    locked = app_lock(cache)
    next((archive.root / "pool").glob("lib_1.5*")).unlink()
    with pytest.raises(GoneError, match=r"lib_1\.5") as caught:
        fetch(locked, cache, Silent())
    assert "realmos lock linux" in caught.value.hint


def test_package_with_another_hash_than_the_lock_is_refused(archive: Archive, cache: Cache) -> None:
    locked = app_lock(cache)
    assert archive.root.is_dir()
    wrong = tuple(replace(package, sha256="0" * 64) for package in locked.packages)
    with pytest.raises(IntegrityError, match="expected 0000"):
        fetch(replace(locked, packages=wrong), cache, Silent())


def test_package_changed_on_the_mirror_is_refused(archive: Archive, cache: Cache) -> None:
    locked = app_lock(cache)
    path = next((archive.root / "pool").glob("lib_1.5*"))
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(IntegrityError, match="not those of its lists"):
        fetch(locked, cache, Silent())


def test_corrupt_cached_file_is_fetched_again(archive: Archive, cache: Cache) -> None:
    locked = app_lock(cache)
    path = fetch(locked, cache, Silent())["lib"]
    good = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(good[:-1])
    assert archive.root.is_dir()
    assert fetch(locked, cache, Silent())["lib"].read_bytes() == good


def test_warm_cache_touches_no_network(
    archive: Archive, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = app_lock(cache)
    cold = fetch(locked, cache, Silent())
    shutil.rmtree(archive.root)

    def refuse(*args: object, **options: object) -> str:
        raise AssertionError((args, options))

    monkeypatch.setattr(process, "run", refuse)
    assert fetch(locked, cache, Silent()) == cold


def test_lock_holds_what_the_package_depends_on(archive: Archive, cache: Cache) -> None:
    found = {p.name: (p.version, p.architecture, p.suite) for p in app_lock(cache).packages}
    assert archive.root.is_dir()
    assert found == {
        "app": ("1:2.0-1", "arm64", "trixie"),
        "data": ("7", "all", "trixie"),
        "lib": ("1.5", "arm64", "trixie"),
    }


def test_backports_are_used_when_asked_for_alone(archive: Archive, cache: Cache) -> None:
    found = resolve(["lib"], "arm64", "trixie-backports", cache=cache, reporter=Silent())
    assert archive.root.is_dir()
    assert [(p.name, p.version, p.suite) for p in found.packages] == [
        ("data", "7", "trixie"),
        ("lib", "3.0~bpo1", "trixie-backports"),
    ]


def test_suite_beside_stable_is_locked_alone_and_fetched_with_stable(
    archive: Archive, cache: Cache, tmp_path: Path
) -> None:
    archive.add("lib", "9.0", suite="sid", needs="newer")
    archive.add("newer", "1", suite="sid")
    archive.publish((*SUITES, "sid"))
    recipe = tmp_path / "packages.toml"
    recipe.write_text(
        '[[binary]]\nnames = ["data"]\n'
        '[[binary]]\nnames = ["lib"]\nsuite = "sid"\nkeep = ["lib"]\n',
        "utf-8",
    )
    found = resolve_recipe(recipe, cache, Silent())
    assert [(p.name, p.version, p.suite) for p in found.packages] == [
        ("data", "7", "trixie"),
        ("lib", "9.0", "sid"),
    ]
    assert set(fetch(found, Cache(tmp_path / "other"), Silent())) == {"data", "lib"}
    assert [p.version for p in app_lock(cache).packages if p.name == "lib"] == ["1.5"]


def test_archive_without_a_suite_beside_stable_is_refused_by_its_name(
    archive: Archive, cache: Cache
) -> None:
    assert archive.root.is_dir()
    with pytest.raises(SourceError, match="does not carry sid"):
        resolve(["lib"], "arm64", "sid", cache=cache, reporter=Silent())


def test_fetched_files_have_the_locked_hashes(archive: Archive, cache: Cache) -> None:
    locked = app_lock(cache)
    files = fetch(locked, cache, Silent())
    assert archive.root.is_dir()
    assert {name: sha(path) for name, path in files.items()} == {
        package.name: package.sha256 for package in locked.packages
    }


def test_versions_with_the_file_method_are_copied_not_linked(
    archive: Archive, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(_mirror.ENVIRONMENT, f"file:{archive.root}")
    path = fetch(app_lock(cache), cache, Silent())["app"]
    assert path.is_relative_to(cache.path)
    assert not path.is_symlink()


def test_source_package_is_locked_and_fetched_whole(archive: Archive, cache: Cache) -> None:
    locked = resolve_sources(["tool"], cache=cache, reporter=Silent())
    files = fetch(locked, cache, Silent())
    assert archive.root.is_dir()
    assert locked.version("tool") == "4.2"
    assert files["tool_4.2.orig.tar.xz"].read_text("utf-8") == "tool_4.2.orig.tar.xz"
    assert set(files) == {"tool_4.2.orig.tar.xz", "tool_4.2.dsc"}


def test_two_fetches_at_once_on_one_cache_both_succeed(archive: Archive, cache: Cache) -> None:
    locked = app_lock(cache)
    results: list[dict[str, Path] | RealmosError] = []

    def work() -> None:
        try:
            results.append(fetch(locked, Cache(cache.path), Silent()))
        except RealmosError as error:
            results.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert archive.root.is_dir()
    assert len(results) == 2
    assert results[0] == results[1] == lock.fetch(locked, cache, Silent())


def test_recipe_keeps_and_drops_by_pattern(archive: Archive, cache: Cache, tmp_path: Path) -> None:
    recipe = tmp_path / "packages.toml"
    recipe.write_text(
        '[[binary]]\nnames = ["app"]\nkeep = ["*a*"]\ndrop = ["data"]\n'
        '[[source]]\nnames = ["tool"]\n',
        "utf-8",
    )
    found = resolve_recipe(recipe, cache, Silent())
    assert archive.root.is_dir()
    assert [item.key for item in found.items] == ["app", "tool_4.2.dsc", "tool_4.2.orig.tar.xz"]


# The command as a process, on a copy of the sources; it trusts the test archive's keys.
COMMAND = """
import sys
from pathlib import Path
from realmos.cli import main
from realmos.source import _mirror
_mirror._KEYRINGS = (Path(sys.argv[1]),)
sys.exit(main(["lock", *sys.argv[2:]]))
"""


@pytest.fixture
def move(
    archive: Archive, tmp_path: Path, top: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str]:
    """A function that runs `realmos lock NAME`, where there is a recipe named `toy`."""
    assert archive.root.is_dir()
    copy = tmp_path / "copy"
    for part in ("host/python/realmos", "guest/python/realmos_agent", "rmm/abi"):
        shutil.copytree(top / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(top / "rmm" / "Makefile", copy / "rmm")
    (copy / "images" / "toy").mkdir(parents=True)
    (copy / "images" / "toy" / "packages.toml").write_text('[[binary]]\nnames = ["app"]\n')
    places = ":".join(str(copy / part) for part in ("host/python", "guest/python", "rmm/abi"))
    monkeypatch.setenv("PYTHONPATH", places)
    monkeypatch.setenv("REALMOS_CACHE", str(tmp_path / "cache"))
    argv = [sys.executable, "-c", COMMAND, str(tmp_path / "keyring.gpg")]
    return lambda name: process.run([*argv, name], env=dict(os.environ))


def test_the_command_moves_a_lock_and_tells_what_changed(
    move: Callable[[str], str], archive: Archive, tmp_path: Path
) -> None:
    path = tmp_path / "copy" / "images" / "toy" / "packages.lock"
    assert move("toy") == "app: new -> 1:2.0-1\ndata: new -> 7\nlib: new -> 1.5\n"
    assert path.read_text().startswith("# SPDX-License-Identifier: BSD-3-Clause\n")
    first = lock.read(path)
    assert [(p.name, p.version) for p in first.packages] == [
        ("app", "1:2.0-1"), ("data", "7"), ("lib", "1.5"),
    ]  # fmt: skip
    assert move("toy") == "nothing has changed\n"
    archive.add("lib", "1.6", needs="data")
    archive.publish()
    assert move("toy") == "lib: 1.5 -> 1.6\n"
    assert lock.read(path).version("lib") == "1.6"
    archive.forget()
    moved = path.read_text()
    with pytest.raises(ToolError, match=r"(?s)exit status 1.*does not have app"):
        move("toy")
    assert path.read_text() == moved


def test_the_command_knows_the_locks_there_are(move: Callable[[str], str]) -> None:
    with pytest.raises(ToolError, match=r"(?s)no package lock linux.*next: one of: qemu, toy"):
        move("linux")
