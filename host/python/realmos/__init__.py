# SPDX-License-Identifier: BSD-3-Clause
"""realmos: build, boot and use Arm CCA realms on QEMU's emulated RME platform."""


def __getattr__(name: str) -> str:
    """Return `__version__` when it is asked for: finding it takes 40 ms."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version  # noqa: PLC0415 -- the reason is above

    return version("realmos")
