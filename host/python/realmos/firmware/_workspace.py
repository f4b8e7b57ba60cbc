# SPDX-License-Identifier: BSD-3-Clause
"""Where builds by make run: make cannot cope with white space in paths, users' directories can."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from realmos.cache import Cache
from realmos.errors import ConfigError


@contextmanager
def workspace(cache: Cache, **links: Path) -> Iterator[Path]:
    """Yield a fresh directory without white space in its path; it is removed afterwards.

    Args:
        cache: the directory is in it if its path allows, else in the system's place for such.
        links: directories to reach from there, under the names of the arguments.

    Raises:
        ConfigError: neither path is free of white space.
    """
    candidates = (str(cache.path / "tmp"), tempfile.gettempdir())
    base = next((path for path in candidates if not path.split()[1:]), None)
    if base is None:
        raise ConfigError(
            f"make cannot work in directories with white space: {', '.join(candidates)}",
            hint="set TMPDIR to a directory without",
        )
    with tempfile.TemporaryDirectory(prefix="realmos-", dir=base) as name:
        for link, target in links.items():
            (Path(name) / link).symlink_to(target)
        yield Path(name)
