# SPDX-License-Identifier: BSD-3-Clause
"""Every error the library raises, split by who is at fault.

    RealmosError
    ├── ConfigError        the user's options or files
    ├── ToolError          a program of the build machine: absent, too old, or it failed
    ├── SourceError        a package or its mirror
    │   └── GoneError      a locked version that the mirror no longer has
    ├── IntegrityError     bytes that are not what their hash says
    ├── FirmwareError      a firmware image that cannot be built into a flash
    ├── MachineError       QEMU, or a layer that stopped during boot
    │   └── BootError      names the layer and shows its last lines
    ├── PeerError          the realm's side of the agent protocol
    │   ├── PeerTimeoutError   it did not answer in time
    │   ├── PeerRefusedError   it answered that it could not do what was asked
    │   └── TeeResultError     a Trusted Application, or the TEE, answered with an error
    └── AttestationError   a measurement or token that does not say what it must
        └── TokenError         bytes that are no CCA attestation token; names the field

Each carries a `hint`: what to do next. Libraries raise; only the CLI prints and exits.
"""


class RealmosError(Exception):
    """Base of all errors of this package.

    Args:
        message: what went wrong, naming the cause.
        hint: what the user can do next; empty when there is nothing to say.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(RealmosError):
    """An option, a file or a combination of them that cannot work."""


class ToolError(RealmosError):
    """A program on the build machine is absent, too old, or failed."""


class SourceError(RealmosError):
    """A package could not be resolved or fetched."""


class GoneError(SourceError):
    """A package version is no longer on the mirror."""


class IntegrityError(RealmosError):
    """Bytes do not have the hash they must have."""


class FirmwareError(RealmosError):
    """A firmware component cannot be used."""


class MachineError(RealmosError):
    """QEMU failed, or was ended from outside."""


class BootError(MachineError):
    """A layer of the machine stopped before the agent answered.

    Args:
        message: what was waited for and what was seen.
        layer: the layer that stopped, one of `realmos.machine.Layer`'s values.
        tail: the last lines of that layer's output.
        hint: what to do next.
    """

    def __init__(
        self, message: str, *, layer: str, tail: tuple[str, ...] = (), hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.layer = layer
        self.tail = tail

    def __str__(self) -> str:
        lines = "".join(f"\n    {line}" for line in self.tail)
        return f"{self.args[0]} (stopped in: {self.layer}){lines}"


class PeerError(RealmosError):
    """The agent in the realm broke the protocol, refused, or did not answer."""


class PeerTimeoutError(PeerError):
    """The agent did not answer in time."""


class PeerRefusedError(PeerError):
    """The agent could not do what it was asked.

    Args:
        message: what the agent said.
        code: one of the ABI table's `AGENT_ERR_*` numbers.
        hint: what to do next.
    """

    def __init__(self, message: str, *, code: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class TeeResultError(PeerError):
    """A call to a Trusted Application came back with a result that is not success.

    Args:
        message: what was called and what came back.
        result: the TEE's result code, one of the ABI table's `TEE_ERROR_*` or the TA's own.
        origin: who made it, one of `TEE_ORIGIN_*`.
        hint: what to do next.
    """

    def __init__(self, message: str, *, result: int, origin: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.result = result
        self.origin = origin


class AttestationError(RealmosError):
    """A measurement or token differs from what it must be."""


class TokenError(AttestationError):
    """Bytes are no well-formed CCA attestation token.

    Args:
        message: what is wrong.
        field: the part of the token that it is wrong with, such as `realm.rim`.
    """

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
