# SPDX-License-Identifier: BSD-3-Clause
"""Notes of a verification in progress, which become a verdict's tree.

A field may be looked at twice: for its form, and later for its value. The later note replaces the
earlier, but for a failure, which stays. The first failure is the first in time.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from realmos.attest._anchor import NO_WORTH
from realmos.attest._text import printable
from realmos.attest._verdict import Check, Status, Verdict

if TYPE_CHECKING:
    from realmos.attest._token import Token


class Book:
    """Collects checks by the names of their fields; `realm.rim` is a child of `realm`.

    Attributes:
        anchor: what the verdict is worth.
        token: the token, once it is known to be well-formed.
    """

    def __init__(self) -> None:
        self.anchor = NO_WORTH
        self.token: Token | None = None
        self._notes: dict[str, Check] = {}
        # Dictionaries as sets that keep their order: a token can have thousands of claims.
        self._children: dict[str, dict[str, None]] = {"": {}}
        self._first: Check | None = None

    def group(self, name: str, parent: str = "") -> None:
        """Give a field, and what will be below it, its place in the tree."""
        if name not in self._children:
            self._children[name] = {}
            self._place(name, parent)

    def passed(
        self, name: str, *, parent: str = "", expected: str = "", found: str = "", why: str = ""
    ) -> None:
        """Note that a field is as it has to be."""
        self._note(parent, Check(name, Status.PASS, expected, found, why))

    def not_checked(self, name: str, *, parent: str = "", found: str = "", why: str = "") -> None:
        """Note that a field was compared with nothing."""
        self._note(parent, Check(name, Status.NOT_CHECKED, "", found, why))

    def failed(
        self, name: str, *, parent: str = "", expected: str = "", found: str = "", why: str = ""
    ) -> None:
        """Note that a field is not as it has to be."""
        self._note(parent, Check(name, Status.FAIL, expected, found, why))

    def compare(
        self,
        name: str,
        *,
        parent: str = "",
        matches: bool,
        expected: str,
        found: str,
        why: str = "",
    ) -> bool:
        """Note whether a field is as expected; `why` says what it means if not."""
        if matches:
            self.passed(name, parent=parent, expected=expected, found=found)
        else:
            self.failed(name, parent=parent, expected=expected, found=found, why=why)
        return matches

    def verdict(self) -> Verdict:
        """Return the verdict on all that was noted."""
        roots = tuple(self._tree(name) for name in self._children[""])
        return Verdict(
            passed=self._first is None,
            anchor=self.anchor,
            checks=roots,
            token=self.token,
            first_failure=self._first,
        )

    def _note(self, parent: str, check: Check) -> None:
        check = replace(check, name=printable(check.name), why=printable(check.why))
        known = self._notes.get(check.name)
        if known is not None and known.status is Status.FAIL:
            return
        if known is None:
            self._place(check.name, parent)
        self._notes[check.name] = check
        if check.status is Status.FAIL and self._first is None:
            self._first = check

    def _place(self, name: str, parent: str) -> None:
        self._children.setdefault(parent, {})[name] = None

    def _tree(self, name: str) -> Check:
        children = tuple(self._tree(child) for child in self._children.get(name, ()))
        own = self._notes.get(name)
        states = {child.status for child in children} | ({own.status} if own else set())
        order = (Status.FAIL, Status.PASS, Status.NOT_CHECKED)
        status = next((state for state in order if state in states), Status.NOT_CHECKED)
        return replace(own or Check(name, status), status=status, children=children)
