# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta build` on a dev kit of a few lines: what is made, and what is said of failures."""

import json
import os
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from realmos import cli
from realmos.cache import Cache
from realmos.cli import _ta_build
from realmos.errors import ConfigError
from realmos.progress import Silent
from realmos.source import CrossCompiler
from realmos.tee import BuiltTa, TaSource, build_ta, find_source, open_dev_kit
from realmos.tee._diagnosis import CLIENT_FAILURES, TA_FAILURES, diagnose
from realmos.tee.build import check_key
from ta_files import OTHER, TA, Level, Ta, chain, make_key

UUID = str(TA)
COMPILER = CrossCompiler("echo-", "echo 1", "12")
MAKEFILE = f"BINARY = {UUID}\ninclude $(TA_DEV_KIT_DIR)/mk/ta_dev_kit.mk\n"
# The TA is what it was told, so that tests can read it; like the real kit, it asks times only.
RULES = """\
kit := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
TA_SIGN_KEY ?= $(kit)/../keys/default_ta.pem
all: $(O)/$(BINARY).ta $(O)/$(BINARY).elf
$(O)/$(BINARY).elf: main.c
\t@echo '  LD      $@'
\t@cat main.c >'$@'; sed -n 's/^careless/main.c:1:1: warning: [red]/p' main.c
$(O)/$(BINARY).ta: $(O)/$(BINARY).elf $(TA_SIGN_KEY)
\t@echo '  SIGN    $@'
\t@echo '$(CROSS_COMPILE) $(LEVEL)' >'$@'; cat '$(TA_SIGN_KEY)' >>'$@'
\t@if test -f signed; then cp signed '$@'; fi
"""


def pem(key: RSAPrivateKey, encryption: KeySerializationEncryption | None = None) -> bytes:
    protection = encryption or NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key pair of signed TAs, older than anything that a test makes."""
    path = tmp_path_factory.mktemp("keys") / "mine.pem"
    path.write_bytes(pem(make_key()))
    os.utime(path, (0, 0))
    return path


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    path = tmp_path / "kit"
    (path / "mk").mkdir(parents=True)
    (path / "keys").mkdir()
    (path / "mk" / "ta_dev_kit.mk").write_text(RULES, "utf-8")
    (path / "keys" / "default_ta.pem").write_text("development key\n", "utf-8")
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "toy" / "ta"
    path.mkdir(parents=True)
    (path / "Makefile").write_text(MAKEFILE, "utf-8")
    (path / "main.c").write_text("program\n", "utf-8")
    return path.parent


def build(source: TaSource, kit: Path, out: Path) -> BuiltTa:
    cache = Cache(kit.parent / "cache")
    reporter = Silent()
    return build_ta(source, open_dev_kit(kit), COMPILER, out=out, cache=cache, reporter=reporter)


def test_source_is_the_directory_or_ta_in_it(project: Path) -> None:
    assert find_source(project) == find_source(project / "ta") == project / "ta"
    assert TaSource(project / "ta").name == "toy"


def test_directory_above_several_tas_names_them(project: Path) -> None:
    with pytest.raises(ConfigError, match="does not hold the Makefile") as caught:
        find_source(project.parent)
    assert caught.value.hint == f"name one of these: {project}/ta"
    for number in range(9):
        shutil.copytree(project, project.parent / f"more{number}")
    with pytest.raises(ConfigError) as caught:
        find_source(project.parent)
    assert caught.value.hint.count("/ta") == 8
    assert caught.value.hint.endswith(" and 2 more")


def test_directory_without_a_ta_says_what_its_makefile_has(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not hold the Makefile") as caught:
        find_source(tmp_path)
    assert "includes $(TA_DEV_KIT_DIR)/mk/ta_dev_kit.mk" in caught.value.hint
    with pytest.raises(ConfigError, match="is not a directory"):
        find_source(tmp_path / "nosuch")


@pytest.mark.parametrize("name", ["out", "my out, puts"])
def test_build_makes_a_file_signed_with_the_development_key(
    project: Path, kit: Path, tmp_path: Path, name: str
) -> None:
    source = TaSource(project / "ta", settings={"LEVEL": "4"})
    made = build(source, kit, tmp_path / name)
    assert made.uuid == UUID
    assert made.path == tmp_path / name / f"{UUID}.ta"
    assert made.path.read_text("utf-8") == "echo- 4\ndevelopment key\n"
    assert made.elf is not None
    assert made.elf.read_text("utf-8") == "program\n"
    assert made.development


def test_source_and_kit_may_be_where_make_cannot_work(
    project: Path, kit: Path, key: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "odd, place"
    odd.mkdir()
    project, kit = project.rename(odd / "toy"), kit.rename(odd / "kit")
    mine = odd / "my key.pem"
    mine.write_bytes(key.read_bytes())
    made = build(TaSource(project / "ta", mine), kit, tmp_path / "out")
    assert made.path.read_bytes().endswith(key.read_bytes())


def test_key_of_the_user_signs_even_what_is_newer_than_it(
    project: Path, kit: Path, key: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert build(TaSource(project / "ta"), kit, out).development
    made = build(TaSource(project / "ta", key), kit, out)
    assert not made.development
    assert made.path.read_bytes().endswith(key.read_bytes())
    assert build(TaSource(project / "ta"), kit, out).development


def test_key_that_the_makefile_names_is_not_called_the_development_key(
    project: Path, kit: Path, key: Path, tmp_path: Path
) -> None:
    text = f"TA_SIGN_KEY = {key}\n{MAKEFILE}"
    (project / "ta" / "Makefile").write_text(text, "utf-8")
    assert not build(TaSource(project / "ta"), kit, tmp_path / "out").development


def test_what_has_not_changed_is_not_made_again(project: Path, kit: Path, tmp_path: Path) -> None:
    source, out = TaSource(project / "ta"), tmp_path / "out"
    before = build(source, kit, out).path.stat().st_mtime_ns
    assert build(source, kit, out).path.stat().st_mtime_ns == before


@pytest.mark.parametrize("name", ["CROSS_COMPILE", "O", "PYTHON3", "TA_DEV_KIT_DIR", "TA_SIGN_KEY"])
def test_variables_that_realmos_sets_cannot_be_set(
    project: Path, kit: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigError, match=f"{name} cannot be set") as caught:
        build(TaSource(project / "ta", settings={name: "1"}), kit, tmp_path / "out")
    assert caught.value.hint


def test_makefile_of_a_library_is_refused(project: Path, kit: Path, tmp_path: Path) -> None:
    text = MAKEFILE.replace(f"BINARY = {UUID}", "LIBNAME = libtoy")
    (project / "ta" / "Makefile").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match="makes a static library"):
        build(TaSource(project / "ta"), kit, tmp_path / "out")


def test_makefile_that_makes_no_ta_is_named(project: Path, kit: Path, tmp_path: Path) -> None:
    (project / "ta" / "Makefile").write_text(f"all: ;\n{MAKEFILE}\nall: ;\n", "utf-8")
    (kit / "mk" / "ta_dev_kit.mk").write_text("", "utf-8")
    with pytest.raises(ConfigError, match=f"made no {UUID}.ta"):
        build(TaSource(project / "ta"), kit, tmp_path / "out")


def test_failure_is_told_with_the_cause(project: Path, kit: Path, tmp_path: Path) -> None:
    (project / "ta" / "main.c").unlink()
    with pytest.raises(ConfigError, match=r"toy cannot be built: main\.c is wanted") as caught:
        build(TaSource(project / "ta"), kit, tmp_path / "out")
    assert "sub.mk" in caught.value.hint


def test_output_that_cannot_be_made_names_the_option(
    project: Path, kit: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be made") as caught:
        build(TaSource(project / "ta"), kit, tmp_path / "file" / "out")
    assert "--out" in caught.value.hint


def test_directory_that_is_no_kit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a dev kit") as caught:
        open_dev_kit(tmp_path)
    assert "export-ta_arm64" in caught.value.hint


def test_kit_of_32_bits_is_refused(kit: Path) -> None:
    (kit / "mk" / "conf.mk").write_text("sm := ta_arm32\n", "utf-8")
    with pytest.raises(ConfigError, match="makes 32-bit TAs") as caught:
        open_dev_kit(kit)
    assert "export-ta_arm64" in caught.value.hint


def test_keys_that_cannot_sign_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    with pytest.raises(ConfigError, match="cannot be read"):
        check_key(path)
    path.write_text("no key", "utf-8")
    with pytest.raises(ConfigError, match="no key pair in PEM"):
        check_key(path)
    path.write_bytes(pem(make_key("small", 1024)))
    with pytest.raises(ConfigError, match="not an RSA key pair of 2048 to 4096 bits"):
        check_key(path)
    path.write_bytes(pem(make_key(), BestAvailableEncryption(b"word")))
    with pytest.raises(ConfigError, match="has a passphrase"):
        check_key(path)
    other = ec.generate_private_key(ec.SECP256R1())
    form = PrivateFormat.PKCS8
    path.write_bytes(other.private_bytes(Encoding.PEM, form, NoEncryption()))
    with pytest.raises(ConfigError, match="not an RSA key pair"):
        check_key(path)


@pytest.mark.parametrize(
    ("line", "cause", "hint"),
    [
        ("x.mk:13: *** You must specify exactly one of BINARY, LIBNAME.", "what is to", "BINARY"),
        ("subdir.mk:9: ./sub.mk: No such file or directory", "no sub.mk", "srcs-y"),
        ("make: *** No rule to make target 'sub.mk'.  Stop.", "no sub.mk", "srcs-y"),
        ("h.c:1:9: fatal error: user_ta_header_defines.h: No such file", "no directory", "stack"),
        ("a.c:1:9: fatal error: gtk.h: No such file or directory", "gtk.h is included", "incdirs"),
        ("ld.bfd: a.c:3: undefined reference to `fork'", "fork is called", "sub.mk"),
        ("a.c:3:9: error: implicit declaration of function 'fork'", "fork is called", "#include"),
        ("ld.bfd: cannot find -lmy: No such file or directory", "-lmy is wanted", "-LDIR"),
        ("undefined reference to `TA_DestroyEntryPoint'", "does not define TA_De", 'extern "C"'),
        ("a.cpp:3: undefined reference to `__dso_handle'", "wants __dso_handle", "port-your-ta"),
        ("(.text): undefined reference to `_dl_find_object'", "wants _dl_find", "port-your-ta"),
        ("/bin/sh: 1: some-arch-g++: not found", "no some-arch-g++", "install g++-some-arch"),
        ("/bin/sh: line 1: g++: command not found", "there is no g++", "apt-get install g++"),
        (
            "k/user_ta_header.c:106:23: error: 'TA_STACK_SIZE' undeclared here (not in a function)",
            "user_ta_header_defines.h does not define TA_STACK_SIZE",
            "hello/ta",
        ),
        ("a.c:3:1: error: expected ';' before 'return'", "expected ';'", "everything make said"),
    ],
)
def test_known_causes_are_explained(line: str, cause: str, hint: str) -> None:
    lines = ["  CC      a.o", line, "make: *** [x:1: a.o] Error 1"]
    error = diagnose(lines, "toy", "make.log", TA_FAILURES)
    assert str(error).startswith("toy cannot be built:")
    assert cause in str(error)
    assert line in str(error)
    assert "Error 1" not in str(error)
    assert hint in error.hint


def test_client_that_finds_no_library_is_told_where_it_is() -> None:
    error = diagnose(["ld: cannot find -lteec: No such file"], "toy", "log", CLIENT_FAILURES)
    assert "libteec is not found" in str(error)
    assert "$(CC)" in error.hint


def test_many_errors_are_cut_and_counted() -> None:
    lines = [f"a.c:{number}:1: error: no" for number in range(30)]
    assert str(diagnose(lines, "toy", "make.log")).splitlines()[-1].strip() == "and 18 more"


@pytest.fixture
def words(
    project: Path, kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, main_ta: bytes
) -> list[str]:
    """A command line that works, with a cache and a compiler of its own."""
    (project / "ta" / "signed").write_bytes(Ta(main_ta).signed())
    monkeypatch.setenv("REALMOS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_ta_build, "find_cross_compiler", lambda: COMPILER)
    return ["ta", "build", str(project), "--kit", str(kit)]


def test_command_names_the_file_and_the_development_key(
    words: list[str], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*words, "--json", "--set", "LEVEL=3"]) == 0
    printed = capsys.readouterr()
    facts = json.loads(printed.out)
    assert facts["path"] == str(project / "ta" / "out" / f"{UUID}.ta")
    assert facts["development_key"] is True
    assert "OP-TEE's development key, which everybody has" in printed.err


def test_command_is_silent_about_keys_of_the_user(
    words: list[str], key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*words, "--key", str(key), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    assert UUID in printed.out
    assert printed.err == ""


def test_command_refuses_a_variable_set_twice(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*words, "--set", "LEVEL=3", "--set", "LEVEL=4"]) == 1
    assert "LEVEL is set twice" in capsys.readouterr().err


def test_command_tells_what_a_realm_would_refuse(
    words: list[str],
    project: Path,
    key: Path,
    main_ta: bytes,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """BINARY and TA_UUID differ, for one: the sources of a TA were copied for another."""
    (project / "ta" / "Makefile").write_text(MAKEFILE.replace(UUID, str(OTHER)), "utf-8")
    (project / "ta" / "signed").write_bytes(Ta(main_ta, OTHER).signed())
    assert cli.main([*words, "--key", str(key), "--json"]) == 0
    printed = capsys.readouterr()
    refusal = f"it is TA {TA} and not {OTHER}: BINARY in its Makefile"
    assert f"{OTHER}.ta will not be loaded: {refusal}" in printed.err
    assert json.loads(printed.out)["problems"][0].startswith(refusal)


@pytest.mark.parametrize("subkey", [False, True])
def test_command_tells_it_when_nobody_knows_the_key(
    words: list[str],
    project: Path,
    main_ta: bytes,
    capsys: pytest.CaptureFixture[str],
    *,
    subkey: bool,
) -> None:
    """The Makefile signs with a file that is no key, or with a subkey, whose root is elsewhere."""
    uuid, signed = OTHER, Ta(main_ta, OTHER).signed()
    if subkey:
        uuid, signed = chain([Level(make_key("one"), 4, b"first")], OTHER, Ta(main_ta))
    (project / "ta" / "signed").write_bytes(signed)
    token = project / "ta" / "token"
    token.write_bytes(pem(make_key("one")) if subkey else b"no key\n")
    makefile = MAKEFILE.replace(UUID, str(uuid))
    (project / "ta" / "Makefile").write_text(f"TA_SIGN_KEY = {token}\n{makefile}", "utf-8")
    assert cli.main([*words, "--json"]) == 0
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert [each.partition(":")[0] for each in problems] == [f"it is TA {TA} and not {uuid}"]


def test_command_does_not_ask_for_libraries(
    words: list[str],
    project: Path,
    key: Path,
    family: dict[str, bytes],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (project / "ta" / "signed").write_bytes(Ta(family[UUID]).signed())
    assert cli.main([*words, "--key", str(key)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "Trusted Application" in printed.out


def test_library_is_called_one(
    words: list[str],
    project: Path,
    key: Path,
    family: dict[str, bytes],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (project / "ta" / "signed").write_bytes(Ta(family[str(OTHER)], OTHER).signed())
    assert cli.main([*words, "--key", str(key)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "shared library" in printed.out
    assert "Trusted Application" not in printed.out


def test_what_the_compiler_warns_of_is_told(
    words: list[str], project: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "ta" / "main.c").write_text(7 * "careless\n", "utf-8")
    assert cli.main([*words, "--key", str(key)]) == 0
    said = capsys.readouterr().err
    assert said.count("main.c:1:1: warning: [red]") == 5
    assert "and 2 more warnings of the compiler: " in said
    assert cli.main([*words, "--key", str(key)]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["toy", "1d08b4ae-afde-4c31-aaf9-9e1ebcbe02c"])
def test_name_that_is_no_uuid_is_refused(
    project: Path, kit: Path, tmp_path: Path, name: str
) -> None:
    (project / "ta" / "Makefile").write_text(MAKEFILE.replace(UUID, name), "utf-8")
    with pytest.raises(ConfigError, match=f"'{name}', which is no UUID") as caught:
        build(TaSource(project / "ta"), kit, tmp_path / "out")
    assert "uuidgen" in caught.value.hint
