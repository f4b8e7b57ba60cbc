# SPDX-License-Identifier: BSD-3-Clause
"""The result of a verification: a tree of checks, one result, and what it is worth."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from rich.console import RenderableType

from realmos.attest._ear import EAR_POLICY, to_ear
from realmos.attest._render import to_json, to_table
from realmos.attest._token import Token


class Status(Enum):
    """What came of a check. Its value is what renderings say."""

    PASS = "pass"  # noqa: S105 (no password)
    FAIL = "fail"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, or a group of such.

    Attributes:
        name: the field, from the token's root, such as `realm.rim`.
        status: of a group: fail if one of its checks failed, else pass if one passed.
        expected: what had to be there, as text; empty when nothing in particular.
        found: what is there, as text.
        why: what a failure means, or why nothing was checked; may be empty.
        children: the checks of a group.
    """

    name: str
    status: Status
    expected: str = ""
    found: str = ""
    why: str = ""
    children: tuple["Check", ...] = ()

    def walk(self) -> Iterator["Check"]:
        """Yield this check and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def __str__(self) -> str:
        """Return the check in a line, for messages."""
        parts = [f"expected {self.expected}"] if self.expected else []
        parts += [f"found {self.found}"] if self.found else []
        said = ", ".join(parts)
        why = f" ({self.why})" if said and self.why else self.why
        return f"{self.name}: {said}{why}"


@dataclass(frozen=True)
class Verdict:
    """What a relying party needs to know about a token.

    Attributes:
        passed: no check failed. What was not checked is in the tree, and does not count.
        anchor: what the verdict is worth, by the anchor that it rests on.
        checks: everything that was looked at.
        token: the token; None when it is not a well-formed one.
        first_failure: the first check that failed, in the order of verification.
    """

    passed: bool
    anchor: str
    checks: tuple[Check, ...]
    token: Token | None
    first_failure: Check | None

    def find(self, name: str) -> Check | None:
        """Return the check of that name, such as `realm.rim`, if there is one."""
        every = (check for root in self.checks for check in root.walk())
        return next((check for check in every if check.name == name), None)

    def to_json(self) -> dict[str, object]:
        """Return the verdict as a JSON document."""
        return to_json(self)

    def to_table(self) -> RenderableType:
        """Return the verdict for a terminal."""
        return to_table(self)

    def to_ear(self, *, issued_at: int = 0, policy_id: str = EAR_POLICY) -> dict[str, object]:
        """Return the verdict as the claims set of an EAT Attestation Result, which is not signed.

        Args:
            issued_at: seconds since the epoch; 0 when nobody minds.
            policy_id: what to call the policy.
        """
        return to_ear(self, issued_at=issued_at, policy_id=policy_id)
