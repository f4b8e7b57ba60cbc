# SPDX-License-Identifier: BSD-3-Clause
"""The ABI tables: consistent in themselves, and equal to the specifications where we looked."""

import itertools
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import realmos_abi
from realmos_abi.python import module

TABLES = realmos_abi.names()
FUNCTION_ID_CLASSES = {0x8000, 0x8400, 0xC000, 0xC400}


def every_constant() -> list[tuple[str, str, int]]:
    """Return (table, full C name, value) of every constant of every table."""
    return [(t, name, value) for t in TABLES for name, value in realmos_abi.load(t).constants()]


@pytest.mark.parametrize("table", TABLES)
def test_everything_names_its_specification(table: str) -> None:
    loaded = realmos_abi.load(table)
    assert loaded.title
    specs = {name: group.spec for name, group in loaded.groups.items()}
    specs |= {name: field.spec for name, field in loaded.fields.items()}
    specs |= {name: layout.spec for name, layout in loaded.structs.items()}
    specs |= {"calls": loaded.calls.spec} if loaded.calls else {}
    assert specs
    assert [name for name, spec in specs.items() if not spec.strip()] == []


def test_a_name_means_one_value_in_all_tables() -> None:
    known: dict[str, int] = {}
    twice = [
        (table, name)
        for table, name, value in every_constant()
        if known.setdefault(name, value) != value
    ]
    assert twice == []


def test_no_function_identifier_is_given_twice() -> None:
    owners: dict[int, str] = {}
    for table, name, value in every_constant():
        if table.startswith("tee"):  # algorithms and attributes, not functions, look alike
            continue
        if value >> 16 in FUNCTION_ID_CLASSES and not name.startswith("RMI_FID_"):
            assert owners.setdefault(value, name) in {name, "EL3_RMI_REQ_COMPLETE"}
    assert len(owners) > 40


@pytest.mark.parametrize("table", TABLES)
def test_bit_fields_of_one_word_do_not_overlap(table: str) -> None:
    fields = realmos_abi.load(table).fields.values()
    for one, other in itertools.combinations(fields, 2):
        if one.spec == other.spec:
            assert one.mask & other.mask == 0, (one.name, other.name)


@pytest.mark.parametrize(
    ("table", "name", "value"),
    [
        ("rmi", "RMI_VERSION", 0xC4000150),
        ("rmi", "RMI_REC_ENTER", 0xC400015C),
        ("rmi", "RMI_RTT_SET_RIPAS", 0xC4000169),
        ("rmi", "RMI_ERROR_RTT", 4),
        ("rsi", "RSI_VERSION", 0xC4000190),
        ("rsi", "RSI_HOST_CALL", 0xC4000199),
        ("smccc", "PSCI_CPU_ON_64", 0xC4000003),
        ("smccc", "PSCI_ALREADY_ON", -4),
        ("el3", "EL3_GTSI_DELEGATE", 0xC40001B0),
        ("virtio", "VIRTIO_MMIO_QUEUE_NOTIFY", 0x50),
        ("tee", "TEE_CALL_CRYP_OBJ_GENERATE_KEY", 54),
        ("tee", "TEE_ERROR_SHORT_BUFFER", 0xFFFF0010),
        ("tee", "TEE_ALG_RSASSA_PKCS1_PSS_MGF1_SHA256", 0x70414930),
    ],
)
def test_values_are_those_of_the_specifications(table: str, name: str, value: int) -> None:
    assert realmos_abi.load(table)[name] == value


@pytest.mark.parametrize(
    ("name", "member", "offset"),
    [
        ("RmiRealmParams", "rtt_base", 0x808),
        ("RmiRecParams", "aux", 0x808),
        ("RmiRecEnter", "gicv3_lrs", 0x308),
        ("RmiRecExit", "ripas_base", 0x500),
        ("RmiRecExit", "imm", 0x600),
        ("RmmMeasurementData", "content", 0x60),
    ],
)
def test_offsets_are_those_of_the_specifications(name: str, member: str, offset: int) -> None:
    assert realmos_abi.load("rmi").structs[name].members[member].offset == offset


@pytest.mark.parametrize(
    ("table", "path"),
    [("agent", "protocol/numbers"), ("tee", "tee/numbers"), ("tee_run", "tee/runner_numbers")],
)
def test_the_kept_numbers_are_those_of_their_table(top: Path, table: str, path: str) -> None:
    kept = top / f"guest/python/realmos_agent/{path}.py"
    assert kept.read_text("utf-8") == module(realmos_abi.load(table))


def test_calls_fit_the_registers_of_a_system_call() -> None:
    tee = realmos_abi.load("tee")
    assert tee.calls
    two = {"IN", "IN_OWN", "OUT", "OUT32", "OUT32_OPT", "FILL", "ATTRS", "ATTRS_INOUT", "IN_ZEROS"}
    for name, arguments in tee.calls.arguments.items():
        registers = sum(3 if a.kind == "READ" else 1 + (a.kind in two) for a in arguments)
        assert registers <= tee["TEE_CALL_ARGUMENTS_MAX"], name
    assert max(tee.calls.numbers.values()) == tee["TEE_CALL_MAX"]
    assert tee.calls.arguments["GET_TIME"][1] == realmos_abi.Argument("time", "OUTSTRUCT", 8)


def test_unknown_names_are_refused() -> None:
    rmi = realmos_abi.load("rmi")
    with pytest.raises(KeyError, match="RMI_NO_SUCH_THING is not in the ABI table rmi"):
        _ = rmi["RMI_NO_SUCH_THING"]
    with pytest.raises(KeyError, match="no_such_member"):
        rmi.structs["RmiRecEnter"].pack(no_such_member=1)
    with pytest.raises(FileNotFoundError):
        realmos_abi.load("no_such_table")


@pytest.mark.parametrize("value", [-1, 1 << 64])
def test_values_that_do_not_fit_are_refused(value: int) -> None:
    with pytest.raises(struct.error):
        realmos_abi.load("rmi").structs["RmiRecEnter"].pack(flags=value)


@pytest.fixture
def load_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], object]:
    """A function that loads a table of its own from its text."""
    (tmp_path / "tables").mkdir()
    monkeypatch.setattr("realmos_abi._tables.resources.files", lambda _: tmp_path)
    numbers = itertools.count()

    def load(text: str) -> object:
        name = f"{tmp_path.name}-{next(numbers)}"
        (tmp_path / "tables" / f"{name}.toml").write_text(f'title = "a test"\n{text}', "utf-8")
        return realmos_abi.load(name)

    return load


CALLS = """
[group.kind]
spec = "none"
prefix = "K_"
values = {{ U32 = 1, INSTRUCT = 2 }}
[calls]
spec = "none"
prefix = "C_"
kinds = "kind"
list = {{ A = {{ number = 1, args = ["a {a}"] }}, B = {{ number = {b}, args = [] }} }}
"""


@pytest.mark.parametrize(
    ("argument", "number", "error"),
    [
        ("U16", 2, "U16 is no kind of argument"),
        ("INSTRUCT", 2, "needs a struct exactly if its kind has one"),
        ("U32 Time", 2, "needs a struct exactly if its kind has one"),
        ("U32", 1, "two calls have one number"),
    ],
)
def test_calls_that_contradict_themselves_are_refused(
    load_text: Callable[[str], object], argument: str, number: int, error: str
) -> None:
    with pytest.raises(ValueError, match=error):
        load_text(CALLS.format(a=argument, b=number))


MEMBERS = """
[struct.Example]
spec = "none"
c_name = "example"
size = {size}
members = [
  {{ name = "one", offset = 0, type = "u64" }},
  {{ name = "two", offset = {offset}, type = "u32" }},
]
"""


def test_a_table_that_contradicts_itself_is_refused(load_text: Callable[[str], object]) -> None:
    load_text(MEMBERS.format(size=12, offset=8))
    with pytest.raises(ValueError, match=r"Example\.two overlaps the member before it"):
        load_text(MEMBERS.format(size=16, offset=4))
    with pytest.raises(ValueError, match="Example is larger than its size"):
        load_text(MEMBERS.format(size=8, offset=8))
    twice = '[group.{0}]\nspec = "none"\nprefix = "P_"\nvalues = {{ X = 1 }}\n'
    with pytest.raises(ValueError, match="a constant is named twice"):
        load_text(twice.format("a") + twice.format("b"))
