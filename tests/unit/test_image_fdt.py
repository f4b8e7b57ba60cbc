# SPDX-License-Identifier: BSD-3-Clause
"""Reading device trees back, whatever is given for one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realmos.errors import ConfigError
from realmos.image import compile_source, fdt

SOURCE = """/dts-v1/;
/ {
    compatible = "one", "two";
    chosen { bootargs = "quiet"; empty; };
    memory@40000000 { reg = <0 0x40000000 0 1>; bytes = [01 02 03]; };
};
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return compile_source(SOURCE, tmp_path_factory.mktemp("fdt") / "x.dtb").read_bytes()


def test_properties_are_found_by_their_paths(tree: bytes) -> None:
    found = {path: fdt.show(value) for path, value in fdt.properties(tree).items()}
    assert found == {
        "/compatible": '"one", "two"',
        "/chosen/bootargs": '"quiet"',
        "/chosen/empty": "<>",
        "/memory@40000000/reg": "<00000000 40000000 00000000 00000001>",
        "/memory@40000000/bytes": "<010203>",
    }


def test_a_tree_cut_anywhere_is_refused(tree: bytes) -> None:
    end = tree.rindex(b"\0\0\0\x09")
    for size in range(end):
        with pytest.raises(ConfigError, match="not a flattened device tree"):
            fdt.properties(tree[:size])


@given(st.data())
def test_a_changed_tree_is_read_or_refused(tree: bytes, data: st.DataObject) -> None:
    changed = bytearray(tree)
    for at in data.draw(st.lists(st.integers(0, len(tree) - 1), min_size=1, max_size=8)):
        changed[at] = data.draw(st.integers(0, 255))
    try:
        found = fdt.properties(bytes(changed))
    except ConfigError:
        return
    assert all(map(fdt.show, found.values()))


def test_a_file_of_one_node_after_the_other_ends(tmp_path: Path) -> None:
    deep = compile_source(
        "/dts-v1/; / { " + "a { " * 200 + "x;" + "}; " * 200 + "};", tmp_path / "deep.dtb"
    )
    assert list(fdt.properties(deep.read_bytes())) == ["/a" * 200 + "/x"]
