# SPDX-License-Identifier: BSD-3-Clause
"""Clients built from their own Makefiles: what is made, for whom, and what is said of failures."""

from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from realmos import cli
from realmos.cache import Cache
from realmos.errors import ConfigError
from realmos.progress import Silent
from realmos.tee import ClientSource, build_client, find_client_source
from realmos.tee.build_client import CLIENT_LOG
from realmos.tee.libteec import build_architecture

# As many are: it takes neither O nor CC from anybody who does not insist, and has a hand-made check
# of what is up to date.
MAKEFILE = """\
CC ?= $(CROSS_COMPILE)gcc
CFLAGS += -I$(TEEC_EXPORT)/include
LDADD += -lteec -L$(TEEC_EXPORT)/lib
all: my_client
my_client: main.o
\t$(CC) -o $@ $^ $(LDADD)
%.o: %.c
\t$(CC) $(CFLAGS) -c $< -o $@
"""
PROGRAM = """\
#include <tee_client_api.h>
int main(void)
{
	TEEC_Context context;

	return TEEC_InitializeContext(NULL, &context) != TEEC_SUCCESS;
}
"""
BOTH = sorted({build_architecture(), "arm64"})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "my project"
    (path / "host").mkdir(parents=True)
    (path / "host" / "Makefile").write_text(MAKEFILE, "utf-8")
    (path / "host" / "main.c").write_text(PROGRAM, "utf-8")
    return path


@pytest.fixture
def cache(cache_path: Path) -> Cache:
    return Cache(cache_path)


def build(project: Path, architecture: str, out: Path, cache: Cache) -> tuple[Path, ...]:
    source = ClientSource(project / "host", architecture)
    return build_client(source, out=out, cache=cache, reporter=Silent())


def machine(path: Path) -> str:
    with path.open("rb") as file:
        return str(ELFFile(file).header.e_machine)


def test_source_is_host_in_the_directory_or_beside_it(project: Path) -> None:
    (project / "ta").mkdir()
    assert find_client_source(project) == project / "host"
    assert find_client_source(project / "ta") == project / "host"
    (project / "host" / "Makefile").write_text("all:\n", "utf-8")
    assert find_client_source(project) is None


def test_a_makefile_of_its_own_mind_makes_a_client_for_each_architecture(
    project: Path, tmp_path: Path, cache: Cache
) -> None:
    """What one build leaves beside the sources is not taken for what the next has made."""
    machines = {"arm64": "EM_AARCH64", "amd64": "EM_X86_64"}
    for architecture in BOTH:
        out = tmp_path / "out, put" / architecture
        assert build(project, architecture, out, cache) == (out / "my_client",)
        assert machine(out / "my_client") == machines[architecture]


def test_a_mistake_in_the_source_is_shown(project: Path, tmp_path: Path, cache: Cache) -> None:
    (project / "host" / "main.c").write_text("#include <gtk.h>\n", "utf-8")
    with pytest.raises(ConfigError, match="my project's client cannot be built") as caught:
        build(project, "arm64", tmp_path / "out", cache)
    assert "gtk.h: No such file" in str(caught.value)
    assert caught.value.hint == f"everything make said: {tmp_path / 'out' / CLIENT_LOG}"


def test_a_makefile_that_makes_no_client_is_told_what_it_lacks(
    project: Path, tmp_path: Path, cache: Cache
) -> None:
    text = MAKEFILE.replace("-lteec", "")
    (project / "host" / "Makefile").write_text(text, "utf-8")
    (project / "host" / "main.c").write_text("int main(void) { return 0; }\n", "utf-8")
    with pytest.raises(ConfigError, match="left no arm64 program") as caught:
        build(project, "arm64", tmp_path / "out", cache)
    assert "-lteec" in caught.value.hint


def test_command_refuses_a_project_without_a_client(
    top: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = top / "guest/optee/bench/ta", tmp_path / "out"
    for name in ("Makefile", "sub.mk"):
        (tmp_path / name).write_text((source / name).read_text("utf-8"), "utf-8")
    assert cli.main(["ta", "build", str(tmp_path), "--out", str(out), "--client"]) == 1
    printed = capsys.readouterr().err
    assert "has no client's source" in printed
    assert "guest/optee/examples/hello/host/Makefile" in printed
    assert not list(out.glob("*.ta"))
