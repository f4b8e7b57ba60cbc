# SPDX-License-Identifier: BSD-3-Clause
"""TOML, read strictly: every key is known, every value of its type, and errors name lines."""

import re
import tomllib
from collections.abc import Mapping

from realmos.errors import ConfigError


class Table:
    """One table of a document; each key is taken once, and `close` refuses what is left.

    Args:
        text: the whole document; to find lines in.
        header: the table's header line, such as `[[realm.rim]]`; empty at the top.
        nth: which of several tables with this header, from 0.
        values: what it holds.
    """

    def __init__(self, text: str, header: str, nth: int, values: Mapping[str, object]) -> None:
        self._text = text
        self._header = header
        self._nth = nth
        self._left = dict(values)

    def has(self, key: str) -> bool:
        """Return whether there is such a key, not yet taken."""
        return key in self._left

    def table(self, key: str) -> "Table":
        """Take a table; one without keys when it is absent.

        Raises:
            ConfigError: it is none.
        """
        value = self._left.pop(key, {})
        if not isinstance(value, dict):
            raise self.error(key, "a table")
        return Table(self._text, f"[{self._path(key)}]", 0, value)

    def tables(self, key: str) -> list["Table"]:
        """Take an array of tables; an empty one when it is absent.

        Raises:
            ConfigError: it is none.
        """
        values = self._left.pop(key, [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise self.error(key, "tables")
        header = f"[[{self._path(key)}]]"
        return [Table(self._text, header, nth, value) for nth, value in enumerate(values)]

    def text(self, key: str, default: str | None = None) -> str:
        """Take a string.

        Raises:
            ConfigError: it is absent and has no default, or is none.
        """
        value = self._take(key, default)
        if not isinstance(value, str):
            raise self.error(key, "a text")
        return value

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Take a list of strings.

        Raises:
            ConfigError: it is none.
        """
        value = self._take(key, default)
        if not isinstance(value, list | tuple):
            raise self.error(key, "a list of texts")
        found = tuple(item for item in value if isinstance(item, str))
        if len(found) != len(value):
            raise self.error(key, "a list of texts")
        return found

    def number(self, key: str, default: int | None = None) -> int:
        """Take an integer.

        Raises:
            ConfigError: it is absent and has no default, or is none.
        """
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error(key, "a whole number")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Take a truth value.

        Raises:
            ConfigError: it is none.
        """
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self.error(key, "true or false")
        return value

    def octets(self, key: str) -> bytes:
        """Take a byte string in hexadecimal.

        Raises:
            ConfigError: it is absent, or none.
        """
        return self._unhex(key, self.text(key))

    def octet_strings(self, key: str) -> tuple[bytes, ...]:
        """Take a list of byte strings in hexadecimal; an empty one when it is absent.

        Raises:
            ConfigError: it is none.
        """
        return tuple(self._unhex(key, item) for item in self.texts(key, ()))

    def close(self) -> None:
        """Refuse keys that nobody took.

        Raises:
            ConfigError: there are some.
        """
        for key in self._left:
            raise ConfigError(f"policy{self._where(key)}: {self._path(key)} is not a known key")

    def error(self, key: str, wanted: str) -> ConfigError:
        """Return an error about the value of a key."""
        return ConfigError(f"policy{self._where(key)}: {self._path(key)} must be {wanted}")

    def _take(self, key: str, default: object) -> object:
        value = self._left.pop(key, default)
        if value is None:
            raise ConfigError(f"policy{self._where('')}: {self._path(key)} is missing")
        return value

    def _unhex(self, key: str, text: str) -> bytes:
        try:
            return bytes.fromhex(text)
        except ValueError as error:
            raise self.error(key, "in hexadecimal") from error

    def _path(self, key: str) -> str:
        table = self._header.strip("[]")
        return f"{table}.{key}" if table else key

    def _where(self, key: str) -> str:
        """Return the line of a key, as ` line 7`; the table's when the key has none of its own.

        tomllib does not tell lines. This finds them in documents as people write them, and in
        others says none.
        """
        header = re.escape(self._header)
        lines = self._text.splitlines()
        starts = [n for n, line in enumerate(lines) if re.match(rf"\s*{header}\s*(#|$)", line)]
        if self._header and self._nth >= len(starts):
            return ""
        start = starts[self._nth] if self._header else -1
        for number, line in enumerate(lines[start + 1 :], start + 2):
            if key and re.match(rf"""\s*\[*["']?{re.escape(key)}["']?\s*[=.\]]""", line):
                return f" line {number}"
            if self._header and line.lstrip().startswith("["):
                break
        return f" line {start + 1}" if self._header else ""


def parse(text: str) -> Table:
    """Return a document's top table.

    Raises:
        ConfigError: it is not TOML.
    """
    try:
        return Table(text, "", 0, tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"policy: not TOML: {error}") from error
