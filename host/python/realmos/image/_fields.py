# SPDX-License-Identifier: BSD-3-Clause
"""Reading TOML strictly: every key known, every value of its type, errors that say where."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from realmos.errors import ConfigError


class Fields:
    """One table of a recipe; each key is taken once, and `close` refuses what is left.

    Args:
        path: the recipe, for messages.
        name: the table's name, for messages; empty for the whole file.
        values: what it holds.
    """

    def __init__(self, path: Path, name: str, values: Mapping[str, object]) -> None:
        self._path = path
        self._name = name
        self._values = dict(values)

    def has(self, key: str) -> bool:
        """Return whether there is such a key, not yet taken."""
        return key in self._values

    def path(self, key: str) -> Path:
        """Take the name of something beside the recipe.

        Raises:
            ConfigError: it is absent, or nothing of that name is there.
        """
        path = self._path.parent / self.text(key)
        if not path.exists():
            raise self.error(f"{key}: there is no {path}")
        return path

    def text(self, key: str, default: str | None = None) -> str:
        """Take a string.

        Raises:
            ConfigError: it is absent and has no default, or is no string.
        """
        value = self._take(key, default)
        if not isinstance(value, str) or not value:
            raise self.error(f"{key} must be a text")
        return value

    def number(self, key: str, default: int | None = None) -> int:
        """Take a non-negative integer.

        Raises:
            ConfigError: it is absent and has no default, or is none.
        """
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.error(f"{key} must be a whole number, not negative")
        return value

    def flag(self, key: str) -> bool:
        """Take an optional boolean, false when absent.

        Raises:
            ConfigError: it is none.
        """
        value = self._take(key, default=False)
        if not isinstance(value, bool):
            raise self.error(f"{key} must be true or false")
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Take a list of strings.

        Raises:
            ConfigError: it is absent and has no default, or is none.
        """
        value = self._take(key, default)
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise self.error(f"{key} must be a list of texts")
        return tuple(cast("list[str]", value))

    def table(self, key: str) -> "Fields":
        """Take a table.

        Raises:
            ConfigError: it is absent, or none.
        """
        value = self._take(key, None)
        if not isinstance(value, dict):
            raise self.error(f"{key} must be a table")
        name = f"{self._name}.{key}" if self._name else key
        return Fields(self._path, name, value)

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """Take an optional table of strings, sorted.

        Raises:
            ConfigError: it is none.
        """
        value = self._take(key, {})
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise self.error(f"{key} must be a table of texts")
        return tuple(sorted(cast("dict[str, str]", value).items()))

    def close(self) -> None:
        """Refuse keys that nobody took.

        Raises:
            ConfigError: there are some.
        """
        if self._values:
            raise self.error(f"unknown key {', '.join(sorted(self._values))}")

    def error(self, what: str) -> ConfigError:
        """Return an error about this table."""
        where = f" [{self._name}]" if self._name else ""
        return ConfigError(f"{self._path}{where}: {what}")

    def _take(self, key: str, default: object) -> object:
        value = self._values.pop(key, default)
        if value is None:
            raise self.error(f"{key} is missing")
        return value


def read_toml(path: Path) -> dict[str, object]:
    """Return a TOML file's content.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
