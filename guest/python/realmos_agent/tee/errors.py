# SPDX-License-Identifier: BSD-3-Clause
"""What ends a system call of a Trusted Application other than by success.

TeeError             a result code, with where it was made
├── ShortBuffer      an output does not fit; the lengths that would do
└── NoRoom           a TA may not have so much memory; the message says what helps
TaPanic              the Trusted Application ends; no result goes back to it
└── ForgedCall       its runner sent what no runner of ours sends
"""

from realmos_agent.tee import numbers

# What a handler returns for one output argument: bytes of a buffer or struct, a number, or None
# for what stays as it is. Parameters (PARAMS) are an object of their own class.
Output = object


class TeeError(Exception):
    """A call fails with the result `code`, made by `origin`.

    `outputs`, when given, are the values of all output arguments, as for a call that succeeds:
    some calls write theirs, such as the origin of a result, whatever the result is. `message` is
    for people, who read the code's name if there is none.
    """

    def __init__(
        self,
        code: int,
        origin: int = numbers.ORIGIN_TEE,
        *,
        outputs: tuple[Output, ...] | None = None,
        message: str = "",
    ) -> None:
        """Fail with `code`."""
        super().__init__(message or f"{name_of(code)} (origin {origin})")
        self.code = code
        self.origin = origin
        self.outputs = outputs


class ShortBuffer(TeeError):  # noqa: N818 -- GlobalPlatform's word for it
    """Outputs do not fit; `needed` has a length for each OUT argument, None for one that fits.

    What is in `outputs` is told beside it.
    """

    def __init__(self, *needed: int | None, outputs: tuple[Output, ...] | None = None) -> None:
        """Say what would fit."""
        super().__init__(numbers.ERROR_SHORT_BUFFER, outputs=outputs)
        self.needed = needed


class NoRoom(TeeError):  # noqa: N818 -- as ShortBuffer
    """A TA would have more memory than it may: OUT_OF_MEMORY; the message says what helps."""

    def __init__(self, message: str) -> None:
        """Refuse it."""
        super().__init__(numbers.ERROR_OUT_OF_MEMORY, message=message)


class TaPanic(Exception):  # noqa: N818 -- GlobalPlatform's word for it
    """A Trusted Application panicked with `code`: its instance ends, clients get TARGET_DEAD."""

    def __init__(self, code: int, cause: str = "TEE_Panic") -> None:
        """End the instance."""
        super().__init__(f"{cause}, code {code:#x}")
        self.code = code
        self.cause = cause


class ForgedCall(TaPanic):
    """A CALL message that no intact runner sends, so the Trusted Application wrote it itself."""

    def __init__(self, cause: str) -> None:
        """End the instance that sent it."""
        super().__init__(numbers.ERROR_SECURITY, f"forged call: {cause}")


def name_of(code: int) -> str:
    """Return the name of a result code, or its number."""
    for name, value in vars(numbers).items():
        if value == code and (name == "SUCCESS" or name.startswith("ERROR_")):
            return f"TEE_{name}"
    return f"{code:#010x}"
