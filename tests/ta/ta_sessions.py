# SPDX-License-Identifier: BSD-3-Clause
"""A session with each TA of Debian's packages: what is loaded, opened and closed."""

from collections.abc import Iterable
from pathlib import Path

from realmos.errors import TeeResultError
from realmos.tee import Context
from realmos_agent.tee import numbers

REFUSALS = {
    # Its plugin of tee-supplicant is asked for something.
    "380231ac-fb99-47ad-a689-9e017eb6e78a": numbers.ERROR_ITEM_NOT_FOUND,
    # TA_CreateEntryPoint fails: this is what it is for.
    "c3f6e2c0-3548-11e1-b86c-0800200c9a66": numbers.ERROR_GENERIC,
    # Wants a number: which processor it is to load a program into.
    "80a4c275-0a47-4905-8285-1486a9771a08": numbers.ERROR_BAD_PARAMETERS,
    # Is for the kernel alone.
    "f04a0fe7-1f5d-4b9b-abf7-619b85b4ce8c": numbers.ERROR_ACCESS_DENIED,
}
"""TAs that refuse a session by themselves, once they run."""
LIBRARIES = ("b3091a65-9751-4784-abf7-0298a7cc35ba", "ffd2bded-ab7d-4988-95ee-e4962fff7154")


def open_every(path: Path, applications: Iterable[Path]) -> list[str]:
    """Open and close a session with each, twice; return what was not as it should be."""
    wrong: list[str] = []
    with Context(path) as context:
        for uuid in [application.stem for application in applications] * 2:
            wanted = 0, 0
            if uuid in LIBRARIES:
                wanted = numbers.ERROR_BAD_FORMAT, numbers.ORIGIN_TEE
            elif uuid in REFUSALS:
                wanted = REFUSALS[uuid], numbers.ORIGIN_TRUSTED_APP
            found = 0, 0
            try:
                context.open(uuid).close()
            except TeeResultError as error:
                found = error.result, error.origin
            if found != wanted:
                wrong.append(f"{uuid}: result {found[0]:#x}, origin {found[1]}")
    return wrong
