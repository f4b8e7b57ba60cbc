# SPDX-License-Identifier: BSD-3-Clause
"""The RMM's stacks are large enough: the deepest chain of calls, as the compiler saw them.

gcc writes for each object a graph of calls with the size of each frame (`-fcallgraph-info=su`).
The graphs are joined; what they do not tell, assembly and calls through pointers, is read from the
sources or listed here. A recursion, a frame of no fixed size, or a call to somebody unknown fails.
"""

import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

LOG = logging.getLogger(__name__)

NODE = re.compile(r'^node: \{ title: "([^"]+)" label: "[^"]*\\n(\d+) bytes \(([^"]+)\)" \}$')
EDGE = re.compile(r'^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')
ASM_FUNCTION = re.compile(r"^\s*\.type\s+(\w+),\s*%function", re.MULTILINE)
ASM_PUSH = re.compile(r"\[sp, #-(\d+)\]!")
INDIRECT = "__indirect_call"

# Whom a function may call through a pointer. mbedTLS's are those that signer.c gives it, and
# those of the one curve; the DRBG of one signature is never reseeded.
INDIRECT_CALLS: dict[str, Collection[str]] = {
    "mbedtls_mpi_core_fill_random": ("blind", "mbedtls_hmac_drbg_random"),
    "mbedtls_platform_zeroize": ("memset",),
    "mbedtls_zeroize_and_free": ("memset",),
    "ecp_modp": ("ecp_mod_p384",),
    "hmac_drbg_reseed_core": (),
}
DISPATCHERS = {
    "rmi_handle": ("rmm/src/rmi/dispatch.c", r"\] = (\w+),"),
    "rsi_handle": ("rmm/src/rsi/dispatch.c", r"(?:\] =|\{ \w+,) (\w+)(?: \})?,"),
}
# What must stay free of a stack.
MARGIN = 4096


@dataclass
class Graph:
    """Functions by name, each with its frame's size and whom it calls.

    The name of a function that only its file knows is `path:name`.
    """

    frames: dict[str, int] = field(default_factory=dict)
    calls: dict[str, set[str]] = field(default_factory=dict)

    def add(self, text: str) -> None:
        """Take in one file of gcc's."""
        for line in text.splitlines():
            if node := NODE.match(line):
                assert "dynamic" not in node[3], f"{node[1]}: a frame of no fixed size"
                self.frames[node[1]] = int(node[2])
                self.calls.setdefault(node[1], set())
            elif edge := EDGE.match(line):
                self.calls.setdefault(edge[1], set()).add(edge[2])

    def add_assembly(self, text: str) -> None:
        """Take in the functions of an assembly file; they push with pre-decrement only."""
        _, *parts = ASM_FUNCTION.split(text)
        for name, body in zip(parts[::2], parts[1::2], strict=True):
            self.frames[name] = sum(int(size) for size in ASM_PUSH.findall(body))
            self.calls[name] = set()

    def named(self, name: str) -> list[str]:
        """Return the functions of this name, of every file."""
        return [title for title in self.frames if plain(title) == name]

    def resolve(self, indirect: Mapping[str, Collection[str]]) -> None:
        """Put the listed functions where calls through pointers are."""
        for caller, callees in self.calls.items():
            if INDIRECT in callees:
                assert plain(caller) in indirect, f"{caller} calls through a pointer: list whom"
                callees.discard(INDIRECT)
                for name in indirect[plain(caller)]:
                    found = self.named(name)
                    assert found, f"{caller} may call {name}, which is not there"
                    callees.update(found)

    def deepest(self, entry: str) -> tuple[int, list[str]]:
        """Return the largest sum of frames below `entry`, itself included, and its functions."""
        known: dict[str, tuple[int, list[str]]] = {}

        def visit(name: str, above: tuple[str, ...]) -> tuple[int, list[str]]:
            chain = (*above, name)
            assert name not in above, f"recursion: {' > '.join(map(plain, chain))}"
            assert name in self.frames, f"{above[-1]} calls {name}, which is not there"
            if name not in known:
                below = max((visit(callee, chain) for callee in sorted(self.calls[name])),
                            default=(0, []))  # fmt: skip
                known[name] = (self.frames[name] + below[0], [name, *below[1]])
            return known[name]

        return visit(entry, ())


def plain(title: str) -> str:
    """Return a function's name without its file, and without what the optimiser appends."""
    return title.rpartition(":")[2].partition(".")[0]


def limit(top: Path, name: str, file: str) -> int:
    """Return a constant that C or assembly defines as a number or `1 << number`."""
    text = (top / file).read_text("utf-8")
    found = re.search(rf"#define {name}\s+(?:\(1 << (\w+)\)|(\d+))", text)
    assert found, f"{file} does not define {name}"
    if found[2]:
        return int(found[2])
    return 1 << (int(found[1]) if found[1].isdigit() else limit(top, found[1], file))


@pytest.fixture(scope="module")
def graph(top: Path, rmm_build: Path) -> Graph:
    """The RMM's calls."""
    graph = Graph()
    for path in sorted(rmm_build.rglob("*.ci")):
        graph.add(path.read_text("utf-8"))
    for folder in ("rmm/src/core", "rmm/lib/arch/aarch64"):
        for path in sorted((top / folder).glob("*.S")):
            graph.add_assembly(path.read_text("utf-8"))
    tables: dict[str, Collection[str]] = {
        caller: re.findall(pattern, (top / file).read_text("utf-8"))
        for caller, (file, pattern) in DISPATCHERS.items()
    }
    graph.resolve(INDIRECT_CALLS | tables)
    return graph


@pytest.mark.fetch
def test_the_deepest_calls_leave_room_on_a_stack(graph: Graph, top: Path) -> None:
    """At any depth an exception may come, which is reported from the same stack."""
    size, chain = graph.deepest("boot")
    frame = limit(
        top, "EXCEPTION_FRAME_SIZE", "rmm/lib/arch/aarch64/include/arch/exception_frame.S"
    )
    report, _ = graph.deepest("exception_current_el")
    room = limit(top, "STACK_HALF_SIZE", "rmm/src/limits.h")
    total = size + frame + report
    steps = " > ".join(f"{plain(name)} {graph.frames[name]}" for name in chain)
    LOG.info("%d + %d of %d bytes: %s", size, frame + report, room, steps)
    assert total <= room - MARGIN, f"{total} of {room} bytes: {steps}"


@pytest.mark.fetch
def test_a_stack_overflow_is_reported_from_a_stack_that_is_large_enough(
    graph: Graph, top: Path
) -> None:
    vectors = (top / "rmm/src/core/vectors.S").read_text("utf-8")
    room = re.search(r"\.skip\s+(\d+)\noverflow_stack_end:", vectors)
    assert room
    size, chain = graph.deepest("exception_stack_overflow")
    assert size <= int(room[1]) // 2, chain


def made(*lines: str) -> Graph:
    graph = Graph()
    graph.add("\n".join(lines))
    return graph


def node(name: str, size: int, kind: str = "static") -> str:
    return f'node: {{ title: "{name}" label: "{name}\\nf.c:1:1\\n{size} bytes ({kind})" }}'


def edge(caller: str, callee: str) -> str:
    return f'edge: {{ sourcename: "{caller}" targetname: "{callee}" label: "f.c:2:1" }}'


def test_the_deepest_chain_is_found() -> None:
    graph = made(
        node("a", 16), node("f.c:b.part.0", 32), node("c", 64), node("d", 48),
        edge("a", "f.c:b.part.0"), edge("f.c:b.part.0", "d"), edge("a", "c"),
    )  # fmt: skip
    assert graph.deepest("a") == (96, ["a", "f.c:b.part.0", "d"])


def test_assembly_counts_what_it_pushes() -> None:
    graph = made(node("a", 16), edge("a", "x"))
    graph.add_assembly(
        "\t.type x, %function\nx:\n\tstp x0, x1, [sp, #-32]!\n\tstp x2, x3, [sp, #-16]!\n"
    )
    assert graph.deepest("a") == (64, ["a", "x"])


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ((node("a", 16), node("b", 16), edge("a", "b"), edge("b", "a")), "recursion: a > b > a"),
        ((node("a", 16), edge("a", "a")), "recursion: a > a"),
        ((node("a", 16, "dynamic"),), "no fixed size"),
        ((node("a", 16), edge("a", "b")), "a calls b, which is not there"),
        ((node("a", 16), edge("a", INDIRECT)), "a calls through a pointer"),
        ((node("g", 16), edge("g", INDIRECT)), "g may call h, which is not there"),
    ],
)
def test_what_has_no_bound_is_refused(lines: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):  # noqa: PT012 - any of the three
        graph = made(*lines)
        graph.resolve({"g": ["h"]})
        graph.deepest("a")
