# SPDX-License-Identifier: BSD-3-Clause
"""A client that runs in the realm of its TAs: what the realm is given, besides what a core is."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

from realmos_agent.tee import inside

from realmos.errors import ConfigError
from realmos.realm import Workload
from realmos.tee.libteec import NAME, architecture_of
from realmos.tee.local import find_program
from realmos.tee.realm import HOME

LIBRARIES: Final = f"{HOME}/{inside.LIBRARIES}"
"""Where a client in a realm finds libraries before all others."""

_CLIENT = f"{HOME}/{inside.HOME}"
_PROGRAM_MODE, _LIBRARY_MODE = 0o755, 0o644
_SCRIPT = b"#!"


def with_client(core: Workload, client: Sequence[str], library: Path, copies: Path) -> Workload:
    """Return a core's workload with a client that runs beside it.

    Args:
        core: of `tee_workload`.
        client: the client's command line, its program a file here; or found on PATH.
        library: our libteec for arm64.
        copies: the directory for copies, as for `tee_workload`.

    Raises:
        ConfigError: there is no such program, or a realm cannot run it.
    """
    program = _find(client[0])
    there = PurePosixPath(_CLIENT, program.name)
    given = (
        (library, copies / NAME, _LIBRARY_MODE, f"{LIBRARIES}/{NAME}"),
        (program, copies / "client", _PROGRAM_MODE, str(there)),
    )
    for path, copy, mode, _ in given:
        shutil.copyfile(path, copy)
        copy.chmod(mode)
    put = tuple((copy, remote) for _, copy, _, remote in given)
    argv = (*core.argv, "--", str(there), *client[1:])
    return replace(core, argv=argv, put=(*core.put, *put))


def _find(word: str) -> Path:
    program = find_program(word)
    with program.open("rb") as file:
        is_script = file.read(len(_SCRIPT)) == _SCRIPT
    if is_script or architecture_of(program) == "arm64":
        return program
    raise ConfigError(
        f"{program} is no program of arm64, so it cannot run in a realm",
        hint="build it with CROSS_COMPILE=aarch64-linux-gnu-, or leave out --client-inside",
    )
