# SPDX-License-Identifier: BSD-3-Clause
"""Where builds by make run: make and compilers cannot cope with every path, users' directories can.

White space and a colon part words of make's, a comma those of `-Wp,` and `-Wl,`, and the rest means
something to a shell.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from realmos.cache import Cache
from realmos.errors import ConfigError

_PLAIN = re.compile(r"[\w./+@~-]+")


def is_plain(path: Path) -> bool:
    """Return whether make and compilers can cope with a path."""
    return _PLAIN.fullmatch(str(path)) is not None


@contextmanager
def workspace(cache: Cache, **links: Path) -> Iterator[Path]:
    """Yield a fresh directory with a path that make can cope with; it is removed afterwards.

    Args:
        cache: the directory is in it if its path allows, else in the system's place for such.
        links: directories to reach from there, under the names of the arguments.

    Raises:
        ConfigError: neither path allows.
    """
    candidates = (str(cache.path / "tmp"), tempfile.gettempdir())
    base = next((path for path in candidates if _PLAIN.fullmatch(path)), None)
    if base is None:
        raise ConfigError(
            "make cannot work in directories with white space or punctuation in their names: "
            f"{', '.join(candidates)}",
            hint="set TMPDIR to a directory without",
        )
    with tempfile.TemporaryDirectory(prefix="realmos-", dir=base) as name:
        for link, target in links.items():
            (Path(name) / link).symlink_to(target)
        yield Path(name)
