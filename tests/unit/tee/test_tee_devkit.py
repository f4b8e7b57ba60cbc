# SPDX-License-Identifier: BSD-3-Clause
"""OP-TEE's dev kit and test programs, out of packages made here: what is kept, what is missed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from realmos import process, tree
from realmos.cache import Cache, sha256_file
from realmos.errors import ConfigError, SourceError
from realmos.progress import Silent
from realmos.source.lock import Lock, Package, write
from realmos.tee import OpteeTests, devkit, find_client_headers, find_dev_kit, find_optee_tests
from realmos.tee import testset as tests_of_optee

KIT = "usr/lib/optee-os-dev/vexpress-qemu_armv8a"
RULES = f"{KIT}/mk/ta_dev_kit.mk"
LIBC = "usr/lib/aarch64-linux-gnu/libc.so.6"

Packages = Callable[[dict[str, list[str]]], None]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def packages(cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packages:
    """A function that makes packages with these files, locks them, and puts them in the cache."""
    images = tmp_path / "images"
    monkeypatch.setattr(tree, "images", lambda: images)
    monkeypatch.setattr(tests_of_optee, "qemu_user", lambda *_: ("qemu-aarch64",))

    def make(contents: dict[str, list[str]]) -> None:
        locked = [_package(name, files, tmp_path, cache) for name, files in contents.items()]
        write(Lock(tuple(sorted(locked))), images / "tee" / "packages.lock")

    return make


def _package(name: str, files: list[str], tmp_path: Path, cache: Cache) -> Package:
    root = tmp_path / "roots" / name
    for file in ["DEBIAN/control", *files]:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(f"{name}: {file}\n", "utf-8")
    fields = {"Package": name, "Version": "1", "Architecture": "arm64"}
    fields |= {"Maintainer": "nobody", "Description": "test"}
    control = "".join(f"{key}: {value}\n" for key, value in fields.items())
    (root / "DEBIAN" / "control").write_text(control, "utf-8")
    deb = tmp_path / f"{name}.deb"
    process.run(["dpkg-deb", "--root-owner-group", "--build", root, deb])
    sha256 = sha256_file(deb)
    found = Package(name, "1", "arm64", "sid", deb.stat().st_size, sha256)
    cache.add_file(deb, sha256)
    return found


def test_kit_of_one_platform_is_kept(packages: Packages, cache: Cache) -> None:
    other = RULES.replace("qemu_armv8a", "other")
    packages({"optee-os-dev": [RULES, other, f"{KIT}/ta/b.ta", f"{KIT}/ta/a.ta"]})
    kit = find_dev_kit(cache, Silent())
    assert kit.version == "1"
    assert (kit.path / "mk" / "ta_dev_kit.mk").is_file()
    assert [path.name for path in kit.trusted_applications] == ["a.ta", "b.ta"]
    assert kit.development_key == kit.path / "keys" / "default_ta.pem"


def test_package_without_the_kit_is_refused(packages: Packages, cache: Cache) -> None:
    packages({"optee-os-dev": ["usr/share/doc/readme"]})
    with pytest.raises(SourceError, match=r"does not hold .*ta_dev_kit\.mk"):
        find_dev_kit(cache, Silent())


def test_lock_without_the_kit_names_the_command_that_moves_it(
    packages: Packages, cache: Cache
) -> None:
    packages({"libc6": [LIBC]})
    with pytest.raises(ConfigError, match="optee-os-dev is not in the lock") as caught:
        find_dev_kit(cache, Silent())
    assert caught.value.hint == "move the lock: realmos lock tee"


def test_headers_of_clients_are_kept(packages: Packages, cache: Cache) -> None:
    packages({"optee-client-dev": ["usr/include/tee_client_api.h", "usr/share/doc/readme"]})
    headers = find_client_headers(cache, Silent())
    assert [path.name for path in headers.glob("[!.]*")] == ["tee_client_api.h"]


@pytest.fixture
def found(packages: Packages, cache: Cache) -> OpteeTests:
    loader = "usr/lib/ld-linux-aarch64.so.1"
    ta, plugin = "usr/lib/optee_armtz/a.ta", "usr/lib/tee-supplicant/plugins/b.plugin"
    packages(
        {
            "libc6": [LIBC, loader, "usr/lib/aarch64-linux-gnu/gconv/UTF-16.so"],
            "optee-os-dev": [RULES, f"{KIT}/ta/pkcs11.ta"],
            "optee-test-qemu": ["usr/bin/xtest", ta, plugin, "usr/share/doc/readme"],
        }
    )
    return find_optee_tests(cache, Silent())


def test_tests_are_xtest_with_its_libraries_and_every_ta(found: OpteeTests) -> None:
    assert found.xtest.is_file()
    assert [path.name for path in found.applications] == ["a.ta", "pkcs11.ta"]
    assert (found.root / "lib" / "ld-linux-aarch64.so.1").is_file()
    kept = {path.relative_to(found.root).parts[:3] for path in found.root.rglob("*")}
    assert ("usr", "share") not in kept
    assert not (found.root / "usr/lib/aarch64-linux-gnu/gconv").exists()


def test_client_is_run_in_the_tree_with_libraries_of_choice_first(found: OpteeTests) -> None:
    own = Path("/opt/ours")
    assert found.argv(found.xtest, "-l", "0", libraries=own) == [
        *("qemu-aarch64", "-L", str(found.root), "-E", "LD_LIBRARY_PATH=/opt/ours"),
        *(str(found.xtest), "-l", "0"),
    ]
    native = OpteeTests(found.root, found.applications, found.plugins, ())
    assert native.argv(Path("/bin/client"), libraries=own) == [
        str(found.root / "usr/lib/ld-linux-aarch64.so.1"),
        "--library-path",
        f"/opt/ours:{found.root}/usr/lib/aarch64-linux-gnu",
        "/bin/client",
    ]


def test_package_without_xtest_is_refused(packages: Packages, cache: Cache) -> None:
    packages({"optee-test-qemu": ["usr/share/doc/readme"]})
    with pytest.raises(SourceError, match="do not hold usr/bin/xtest"):
        find_optee_tests(cache, Silent())


def test_lock_in_the_tree_holds_what_is_asked_for() -> None:
    lock = devkit.locked([devkit.PACKAGE, devkit.CLIENT_PACKAGE, tests_of_optee.TEST_PACKAGE])
    assert len(lock.packages) == 3
    assert lock.architecture == "arm64"
