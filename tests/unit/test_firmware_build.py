# SPDX-License-Identifier: BSD-3-Clause
"""Firmware builds: failures name their cause, and nothing is built twice."""

import io
import tarfile
import tempfile
import time
from pathlib import Path

import pytest
from realmos import process, tree
from realmos.cache import Cache, sha256_file
from realmos.errors import ConfigError, FirmwareError, ToolError
from realmos.firmware import Component, build_firmware, cimage, mbedtls, tfa
from realmos.progress import Silent
from realmos.source import _mirror, lock
from realmos.source.lock import Lock, SourceFile
from realmos.source.toolchain import CrossCompiler

COMPILER = CrossCompiler("aarch64-linux-gnu-", "gcc 12; ld 2.40", "12.2.0")
FIXED = "plat/qemu/file.c"

# Makes out of the sources what the real one makes: an image and its ELF file.
IMAGE_MAKEFILE = """\
SRC := $(dir $(lastword $(MAKEFILE_LIST)))
all:
\ttest -f $(GENERATED)/abi/rmi.h
\tmkdir -p $(BUILD_DIR)
\tcat $(SRC)src/* > $(BUILD_DIR)/rmm.bin
\ttouch $(BUILD_DIR)/rmm.elf
"""
TFA_MAKEFILE = f"""\
OUT := $(BUILD_BASE)/qemu/release
all bl1 bl2 bl31:
\t@echo "  CC      $@"
\tmkdir -p $(OUT)/$@
\tcat {FIXED} > $(OUT)/$@.bin
\techo $@ $(BUILD_STRING) $$SOURCE_DATE_EPOCH >> $(OUT)/$@.bin
\ttouch $(OUT)/$@/$@.elf
"""


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree whose RMM is a stand-in."""
    root = tmp_path / "tree"
    for name, text in {
        "Makefile": IMAGE_MAKEFILE, "rmm.ld.S": "", "lib/x.c": "", "mbedtls/x.h": "",
        "src/x.c": "int x;\n",
    }.items():  # fmt: skip
        path = root / "rmm" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    monkeypatch.setattr(tree, "root", lambda: root)
    monkeypatch.setattr(tree, "images", lambda: root / "images")
    return root


@pytest.fixture
def package(sources: Path, cache: Cache) -> Path:
    """A stand-in for TF-A's source package, locked and in the cache."""
    members = {"Makefile": TFA_MAKEFILE, FIXED: "int a;\nint b;\n"}
    members |= {"lib/libfdt/fdt.c": "", "include/lib/libfdt/libfdt.h": ""}
    add_package(sources, cache, tfa.PACKAGE, members)
    write_fix(sources, before="int b;\n", after="int c;\n")
    return sources


def write_fix(sources: Path, *, before: str, after: str) -> None:
    fix = {"file": FIXED, "why": "a test", "before": before, "after": after}
    text = "[[fix]]\n" + "".join(f"{key} = {value!r}\n" for key, value in fix.items())
    path = sources / "images" / "firmware" / "fixes.toml"
    path.write_text(text.replace("'", '"'), "utf-8")


def build(cache: Cache, compiler: CrossCompiler = COMPILER) -> Component:
    """Build the stand-in of an RMM, with as little of mbedTLS."""
    mbedtls = tree.root() / "mbedtls"
    mbedtls.mkdir(exist_ok=True)
    return cimage.build_rmm(cache, Silent(), compiler, mbedtls)


def add_package(sources: Path, cache: Cache, name: str, members: dict[str, str]) -> None:
    """Lock a stand-in for a source package, and put it into the cache."""
    archive = sources.parent / f"{name}.tar.xz"
    with tarfile.open(archive, "w:xz") as tar:
        for member, text in members.items():
            info = tarfile.TarInfo(f"{name}-2/{member}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    digest = sha256_file(archive)
    file = SourceFile(
        name, "2-1", f"{name}_2.orig.tar.xz", "trixie", archive.stat().st_size, digest
    )
    cache.add_file(archive, digest)
    path = sources / "images" / "firmware" / "packages.lock"
    before = lock.read(path) if path.is_file() else Lock()
    lock.write(lock.merge(before, Lock(sources=(file,))), path)


def rebuilds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows by one with each run of make."""
    runs: list[str] = []
    real = process.run

    def run(argv: list[str], **options: object) -> str:
        if argv[0] == "make" and "--version" not in argv:
            runs.append(str(argv))
        return real(argv, **options)  # type: ignore[arg-type] # passed on as they came

    monkeypatch.setattr(process, "run", run)
    return runs


def test_failed_compilation_shows_its_last_lines_and_keeps_nothing(
    sources: Path, cache: Cache
) -> None:
    makefile = sources / "rmm" / "Makefile"
    makefile.write_text("all:\n\t@echo 'x.c:1: error: expected a declaration'; false\n", "utf-8")
    with pytest.raises(ToolError, match="expected a declaration") as caught:
        build(cache)
    assert str(cache.path / "logs" / "rmm.log") in str(caught.value)
    makefile.write_text(IMAGE_MAKEFILE, "utf-8")
    assert build(cache).path.read_bytes() == b"int x;\n"


def test_makefile_that_makes_nothing_is_named(sources: Path, cache: Cache) -> None:
    (sources / "rmm" / "Makefile").write_text("all:\n", "utf-8")
    with pytest.raises(FirmwareError, match=r"did not make rmm\.bin"):
        build(cache)


def test_white_space_everywhere_is_refused(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sources.is_dir()
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "my temp"))
    with pytest.raises(ConfigError, match="white space") as caught:
        build(Cache(tmp_path / "my cache"))
    assert "TMPDIR" in caught.value.hint


def test_directories_with_white_space_will_do(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = sources.rename(tmp_path / "my tree")
    monkeypatch.setattr(tree, "root", lambda: root)
    made = build(Cache(tmp_path / "my cache"))
    assert made.path.read_bytes() == b"int x;\n"


def test_absent_make_names_its_package(
    sources: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(sources))
    with pytest.raises(ToolError, match="make was not found") as caught:
        build(cache)
    assert caught.value.hint == "apt-get install make"


def test_absent_compiler_stops_the_build_before_anything_is_fetched(
    sources: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_mirror, "build_architecture", lambda: "amd64")
    monkeypatch.setenv("PATH", str(sources))
    with pytest.raises(ToolError, match="aarch64-linux-gnu-gcc was not found") as caught:
        build_firmware(cache, Silent())
    assert caught.value.hint == "apt-get install gcc-aarch64-linux-gnu"


def test_wrong_image_is_refused_before_anything_is_built(
    sources: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = rebuilds(monkeypatch)
    image = sources / "rmm.elf"
    image.write_bytes(b"\x7fELF")
    with pytest.raises(FirmwareError, match="is an ELF file"):
        build_firmware(cache, Silent(), rmm=image)
    assert not runs


def test_image_is_built_once_and_again_when_its_sources_or_compiler_change(
    sources: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = rebuilds(monkeypatch)
    first = build(cache)
    assert build(cache) == first
    assert len(runs) == 1
    (sources / "rmm" / "src" / "y.c").write_text("int y;\n", "utf-8")
    second = build(cache)
    assert second.path.read_bytes() == b"int x;\nint y;\n"
    assert second.version != first.version
    build(cache, CrossCompiler("aarch64-linux-gnu-", "gcc 14", "14.2"))
    assert len(runs) == 3


def test_image_changed_in_the_cache_is_built_again(sources: Path, cache: Cache) -> None:
    assert sources.is_dir()
    made = build(cache)
    made.path.write_bytes(b"changed")
    assert build(cache) == made
    assert made.path.read_bytes() == b"int x;\n"


@pytest.mark.parametrize("before", ["int nosuch;\n", "int"])
def test_fix_that_does_not_fit_stops_the_build(package: Path, cache: Cache, before: str) -> None:
    write_fix(package, before=before, after="")
    with pytest.raises(FirmwareError, match="does not fit this version"):
        tfa.build_tfa(cache, Silent(), COMPILER)


def test_fix_to_an_absent_file_stops_the_build(tmp_path: Path) -> None:
    with pytest.raises(FirmwareError, match=r"TF-A's gone\.c does not fit"):
        tfa.Fix("gone.c", "a test", "x", "y").apply(tmp_path)


def test_source_package_without_an_archive_is_refused(package: Path, cache: Cache) -> None:
    path = package / "images" / "firmware" / "packages.lock"
    path.write_text(path.read_text("utf-8").replace(".orig.tar.xz", ".debian.tar.xz"), "utf-8")
    with pytest.raises(FirmwareError, match="no upstream archive"):
        tfa.build_tfa(cache, Silent(), COMPILER)


def test_tfa_is_built_with_our_fixes_and_without_the_time(package: Path, cache: Cache) -> None:
    assert package.is_dir()
    made = tfa.build_tfa(cache, Silent(), COMPILER)
    assert made.bl31.path.read_text("utf-8") == "int a;\nint c;\nbl31 2-1+realmos 0\n"
    assert made.bl31.origin == f"Debian source package {tfa.PACKAGE} 2-1 (trixie), with our fixes"
    assert (made.libfdt / "include" / "libfdt.h").is_file()
    assert (made.libfdt / "src" / "fdt.c").is_file()


def test_tfa_can_be_built_as_it_is_beside_the_one_with_our_fixes(
    package: Path, cache: Cache
) -> None:
    assert package.is_dir()
    fixed = tfa.build_tfa(cache, Silent(), COMPILER)
    stock = tfa.build_tfa(cache, Silent(), COMPILER, stock=True)
    assert stock.bl31.path.read_text("utf-8") == "int a;\nint b;\nbl31 2-1+realmos 0\n"
    assert stock.bl31.origin == f"Debian source package {tfa.PACKAGE} 2-1 (trixie), as it is"
    assert tfa.build_tfa(cache, Silent(), COMPILER) == fixed


def test_brought_images_change_only_the_flash(
    package: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = rebuilds(monkeypatch)
    monkeypatch.setattr("realmos.firmware.find_cross_compiler", lambda: COMPILER)
    images = [package / name for name in ("a.img", "b.img")]
    for image in images:
        image.write_bytes(b"\0\0\0\x14" + image.name.encode())  # a branch first
    one = build_firmware(cache, Silent(), rmm=images[0], bl33=images[1])
    two = build_firmware(cache, Silent(), rmm=images[1], bl33=images[1])
    assert len(runs) == 1
    assert one.firmware.bl31 == two.firmware.bl31
    assert one.sha256 != two.sha256
    assert two.rmm.sha256 == two.bl33.sha256 == sha256_file(images[1])


def test_tfa_is_not_built_again_when_another_source_package_moves(
    package: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = rebuilds(monkeypatch)
    made = tfa.build_tfa(cache, Silent(), COMPILER)
    add_package(package, cache, mbedtls.PACKAGE, {"LICENSE": ""})
    assert tfa.build_tfa(cache, Silent(), COMPILER) == made
    assert len(runs) == 1


@pytest.fixture
def mbedtls_files(sources: Path) -> list[str]:
    names = ["LICENSE", "library/ecp.c"]
    (sources / "rmm" / "mbedtls" / "files.txt").write_text("# which\n" + "\n".join(names), "utf-8")
    return names


def test_of_mbedtls_only_what_the_rmm_needs_is_kept(
    sources: Path, cache: Cache, mbedtls_files: list[str]
) -> None:
    members = dict.fromkeys([*mbedtls_files, "library/ssl.c", "tests/x.c"], "int x;\n")
    add_package(sources, cache, mbedtls.PACKAGE, members)
    made = mbedtls.find_mbedtls(cache, Silent())
    kept = [path for path in made.path.rglob("*") if path.is_file()]
    assert sorted(path.relative_to(made.path).as_posix() for path in kept) == mbedtls_files
    assert [file.name for file in made.sources] == [mbedtls.PACKAGE]


def test_mbedtls_without_a_file_that_the_rmm_needs_is_refused(
    sources: Path, cache: Cache, mbedtls_files: list[str]
) -> None:
    add_package(sources, cache, mbedtls.PACKAGE, {mbedtls_files[0]: ""})
    with pytest.raises(FirmwareError, match=r"mbedTLS's source has no library/ecp\.c"):
        mbedtls.find_mbedtls(cache, Silent())


def test_fixes_of_the_tree_have_reasons() -> None:
    assert all(fix.why and fix.before != fix.after for fix in tfa.fixes())


@pytest.mark.exhaustive
def test_whole_firmware_is_byte_identical_from_two_cold_caches(tmp_path: Path) -> None:
    made: list[dict[str, object]] = []
    for name in ("one", "a longer second"):
        cache = Cache(tmp_path / name)
        flash = build_firmware(cache, Silent())
        made.append(flash.manifest())
        began = time.monotonic()
        assert build_firmware(cache, Silent()) == flash
        assert time.monotonic() - began < 1
    assert made[0] == made[1]
