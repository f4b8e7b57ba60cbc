# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of fuzzers in C share: to make one, run it, and make it of sources with a mistake.

What such a fuzzer is: `fuzz.mk`, `main.c`.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
MAX_CORPUS_SIZE = 200_000
PATIENCE = 590


@dataclass(frozen=True)
class Mistake:
    """A change of the sources that is wrong, and part of what the fuzzer says of it."""

    file: str
    right: str
    wrong: str
    complaint: str


@dataclass(frozen=True)
class Fuzzer:
    """A fuzzer of which tests/DIRECTORY has the Makefile and the saved inputs.

    Args:
        directory: its name.
        name: of the program, as in the Makefile.
        sources: the directory of what it tries, from the top.
        parts: the directories that it is made of, from the top.
    """

    directory: str
    name: str
    sources: str
    parts: tuple[str, ...]

    @property
    def corpus(self) -> Path:
        """The saved inputs."""
        return TOP / "tests" / self.directory / "corpus.txt"

    def build(self, out: Path, generated: Path, *, top: Path = TOP) -> Path:
        """Return the program, made below `out` of the sources below `top`."""
        makefile = top / "tests" / self.directory / "Makefile"
        subprocess.run(
            ["make", "-s", f"-j{os.cpu_count() or 1}", "-f", makefile, f"BUILD_DIR={out}",
             f"GENERATED={generated}"],
            cwd=makefile.parent, check=True, timeout=PATIENCE,
        )  # fmt: skip
        return out / f"{self.name}_fuzz"

    def run(
        self,
        program: Path,
        *,
        calls: int,
        seed: int | None = None,
        environment: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
    ) -> tuple[int, str]:
        """Run the saved inputs and some by chance; return exit status and output.

        Args:
            program: as built.
            calls: how many by chance.
            seed: which; others each time if None.
            environment: variables to set.
            patience: seconds after which it hangs.
        """
        if seed is None:
            seed = random.randrange(2**32)  # noqa: S311 - no secret
        chance = [str(seed), str(calls)]
        done = subprocess.run(
            [program, self.corpus, *chance], env=os.environ | (environment or {}), check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=patience,
        )  # fmt: skip
        return done.returncode, f"{' '.join(chance)}\n{done.stdout[-4000:]}"

    def check_finds(
        self,
        mistake: Mistake,
        tmp_path: Path,
        generated: Path,
        *,
        calls: int,
        seed: int | None = None,
    ) -> None:
        """Fail unless the fuzzer finds a mistake that is put into a copy of the sources."""
        for part in self.parts:
            shutil.copytree(TOP / part, tmp_path / part)
        path = tmp_path / self.sources / mistake.file
        source = path.read_text("utf-8")
        assert mistake.right in source
        path.write_text(source.replace(mistake.right, mistake.wrong), "utf-8")
        program = self.build(tmp_path / "out", generated, top=tmp_path)
        status, output = self.run(program, calls=calls, seed=seed)
        assert status == 1, output
        assert mistake.complaint in output, output
        assert "this input failed: " in output, output
