# SPDX-License-Identifier: BSD-3-Clause
"""`realmos ta inspect`: what is told of TAs made here, whole and damaged, and by whom they are."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from realmos import cli
from realmos.errors import ConfigError
from realmos.tee import Inspection, inspect_ta, read_keys
from realmos_agent.tee import numbers as tee
from realmos_agent.tee.loader import development_key, development_keys
from ta_files import LIBRARY, OTHER, TA, Level, Ta, chain, make_key
from ta_objects import CALLS, HEAD, Maker

WITH_PROPERTIES = (
    HEAD
    + CALLS
    + r"""
struct property { const char *name; unsigned type; const void *value; };
static const unsigned size = 32768;
static const unsigned long large = 1ul << 40;
static const _Bool yes = 1;
static const unsigned char uuid[16] = { 4, 3, 2, 1, 6, 5, 8, 7, 9 };
static const unsigned char identity[20] = { 7, 0, 0, 0xf0, 4, 3, 2, 1, 6, 5, 8, 7, 9 };
__attribute__((used)) struct property properties[] = {
	{ "gpd.ta.singleInstance", 0, &yes },
	{ "gpd.ta.dataSize", 1, &size },
	{ "toy.uuid", 2, uuid },
	{ "toy.identity", 3, identity },
	{ "toy.text", 4, "[red]\x1b[31m" },
	{ "toy.block", 5, "SGk=" },
	{ "toy.large", 6, &large },
	{ "toy.unknown", 9, &large },
};
void __ta_entry(unsigned long function) { call_panic(function); }
"""
)


@pytest.fixture(scope="module")
def public_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "vendor.pem"
    key = make_key().public_key()
    path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


@pytest.fixture(scope="session")
def with_properties(maker: Maker) -> bytes:
    return maker.ta(WITH_PROPERTIES, name="with_properties")


def keep(tmp_path: Path, data: bytes, name: str = str(TA)) -> Path:
    path = tmp_path / f"{name}.ta"
    path.write_bytes(data)
    return path


def inspect(path: Path, key: Path) -> Inspection:
    return inspect_ta(path, read_keys([key]))


def test_ta_tells_what_it_asks_for(tmp_path: Path, public_key: Path, main_ta: bytes) -> None:
    found = inspect(keep(tmp_path, Ta(main_ta, version=3).signed()), public_key)
    assert (found.kind, found.uuid, found.problems) == ("Trusted Application", str(TA), ())
    assert (found.root, found.development) == (str(public_key), False)
    assert [(each.signs, each.bits, each.version) for each in found.chain] == [("TA", 2048, 3)]
    program = found.program
    assert program is not None
    assert (program.stack, program.heap) == (6000, None)
    assert program.flags == ("SINGLE_INSTANCE", "MULTI_SESSION")
    assert {(call.number, call.name) for call in program.calls} == {
        (tee.CALL_RETURN, "return"),
        (tee.CALL_PANIC, "panic"),
        (None, ""),
    }
    assert [flags for _, _, flags in program.segments] == ["r-x", "rw-"]


def test_properties_are_found_without_a_symbol(
    tmp_path: Path, public_key: Path, with_properties: bytes
) -> None:
    program = inspect(keep(tmp_path, Ta(with_properties).signed()), public_key).program
    assert program is not None
    assert program.heap == 32768
    assert {each.name: (each.type, each.value) for each in program.properties} == {
        "gpd.ta.singleInstance": ("bool", True),
        "gpd.ta.dataSize": ("u32", 32768),
        "toy.uuid": ("uuid", "01020304-0506-0708-0900-000000000000"),
        "toy.identity": ("identity", "0xf0000007:01020304-0506-0708-0900-000000000000"),
        "toy.text": ("string", "[red]\x1b[31m"),
        "toy.block": ("binary block", "SGk="),
        "toy.large": ("u64", 1 << 40),
    }


def test_libraries_are_looked_for_beside_the_file(
    tmp_path: Path, public_key: Path, family: dict[str, bytes]
) -> None:
    path = keep(tmp_path, Ta(family[str(TA)]).signed())
    alone = inspect(path, public_key)
    assert alone.problems == alone.lacking == (f"there is no TA or library {LIBRARY}",)
    for uuid in (LIBRARY, OTHER):
        keep(tmp_path, Ta(family[str(uuid)], uuid).signed(), str(uuid))
    assert inspect(path, public_key).problems == ()
    program = alone.program
    assert program is not None
    assert program.needed[0] == str(LIBRARY)
    assert {"library_function", "other_function"} <= set(program.imports)


def test_symbol_in_no_library_is_no_library_that_lacks(
    tmp_path: Path, public_key: Path, family: dict[str, bytes]
) -> None:
    family = family | {str(OTHER): family[str(OTHER)].replace(b"other_function", b"other_functiom")}
    for uuid, data in family.items():
        keep(tmp_path, Ta(data, UUID(uuid)).signed(), uuid)
    found = inspect(tmp_path / f"{TA}.ta", public_key)
    assert len(found.problems) == 1
    assert "symbol 'other_function'" in found.problems[0]
    assert found.lacking == ()


def test_library_is_told_from_a_ta(
    tmp_path: Path, public_key: Path, family: dict[str, bytes]
) -> None:
    signed = Ta(family[str(OTHER)], OTHER).signed()
    found = inspect(keep(tmp_path, signed, str(OTHER)), public_key)
    assert (found.kind, found.problems) == ("shared library", ())
    assert found.program is not None
    assert found.program.soname == str(OTHER)
    assert "several" in found.program.exports


def test_chain_of_subkeys_is_told_link_by_link(
    tmp_path: Path, public_key: Path, main_ta: bytes
) -> None:
    levels = [Level(make_key("one"), 4, b"first"), Level(make_key("two"), 3, b"second")]
    uuid, data = chain(levels, LIBRARY, Ta(main_ta))
    found = inspect(keep(tmp_path, data, str(uuid)), public_key)
    assert found.uuid == str(uuid)
    assert [(each.signs, each.max_depth) for each in found.chain] == [
        ("subkey", 4),
        ("subkey", 3),
        ("TA", None),
    ]
    assert found.chain[0].uuid == str(LIBRARY)


def test_signature_of_nobody_is_a_problem_and_the_rest_is_told(
    tmp_path: Path, main_ta: bytes
) -> None:
    found = inspect_ta(keep(tmp_path, Ta(main_ta).signed()), read_keys([]))
    assert found.root == ""
    assert len(found.problems) == 1
    assert "not signed by a configured key" in found.problems[0]
    assert found.unvouched == found.problems
    assert found.program is not None


def test_what_is_wrong_by_itself_is_told_whoever_signed_it(tmp_path: Path, main_ta: bytes) -> None:
    found = inspect_ta(keep(tmp_path, Ta(main_ta, OTHER).signed(), str(OTHER)), read_keys([]))
    signature, name = found.problems
    assert found.unvouched == (signature,)
    assert name.startswith(f"it is TA {TA} and not {OTHER}")


def test_damage_is_a_problem(tmp_path: Path, public_key: Path, main_ta: bytes) -> None:
    data = bytearray(Ta(main_ta).signed())
    data[-1] ^= 1
    found = inspect(keep(tmp_path, bytes(data)), public_key)
    assert "its digest differs" in found.problems[0]


def test_what_is_signed_and_no_program_is_told_so(tmp_path: Path, public_key: Path) -> None:
    found = inspect(keep(tmp_path, Ta(b"no program").signed()), public_key)
    assert (found.kind, found.program) == ("unreadable", None)
    assert "damaged or foreign" in found.problems[0]


def test_encrypted_ta_is_told_as_far_as_it_can_be(
    tmp_path: Path, public_key: Path, main_ta: bytes
) -> None:
    sealed = Ta(main_ta, image_type=tee.SHDR_IMAGE_ENCRYPTED_TA, encryption=bytes(32))
    found = inspect(keep(tmp_path, sealed.signed()), public_key)
    assert (found.image, found.program) == ("encrypted TA", None)
    assert "is not configured" in found.problems[0]


def test_a_ta_encrypted_for_development_is_read_as_a_realm_reads_it() -> None:
    assert read_keys([]).encryption == development_keys().encryption != {}


def test_oldest_container_is_known_by_its_file_name(
    tmp_path: Path, public_key: Path, main_ta: bytes
) -> None:
    data = Ta(main_ta, image_type=tee.SHDR_IMAGE_TA).signed()
    assert inspect(keep(tmp_path, data), public_key).uuid == str(TA)
    with pytest.raises(ConfigError, match="says nowhere what its UUID is") as caught:
        inspect(keep(tmp_path, data, "toy"), public_key)
    assert "UUID.ta" in caught.value.hint


def test_files_that_are_no_container_are_refused(
    tmp_path: Path, public_key: Path, main_ta: bytes
) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        inspect(tmp_path / "nosuch.ta", public_key)
    with pytest.raises(ConfigError, match="does not begin with the magic") as caught:
        inspect(keep(tmp_path, main_ta), public_key)
    assert ".elf" in caught.value.hint


def test_keys_that_are_none_are_refused(tmp_path: Path) -> None:
    assert read_keys([]).roots == (development_key(),)
    path = tmp_path / "key.pem"
    with pytest.raises(ConfigError, match="cannot be read"):
        read_keys([path])
    path.write_text("no key", "utf-8")
    with pytest.raises(ConfigError, match=r"^key .*cannot be used") as caught:
        read_keys([path])
    assert "openssl" in caught.value.hint


def test_command_prints_a_table_that_cannot_harm_the_terminal(
    tmp_path: Path,
    public_key: Path,
    with_properties: bytes,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    path = keep(tmp_path, Ta(with_properties).signed())
    assert cli.main(["ta", "inspect", "--key", str(public_key), str(path)]) == 0
    printed = capsys.readouterr()
    assert "toy.text = [red]\\x1b[31m" in printed.out
    assert "3 sites: unknown, return, panic" in printed.out
    assert "\x1b[31m" not in printed.out
    assert printed.err == ""


def test_command_prints_json_and_tells_problems_by_its_status(
    tmp_path: Path, main_ta: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = keep(tmp_path, Ta(main_ta).signed())
    assert cli.main(["ta", "inspect", "--json", str(path)]) == 3
    printed = capsys.readouterr()
    facts = json.loads(printed.out)
    assert facts["path"] == str(path)
    assert facts["program"]["stack"] == 6000
    assert facts["problems"][0] in printed.err.replace("\n", " ")
