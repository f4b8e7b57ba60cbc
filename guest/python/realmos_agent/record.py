# SPDX-License-Identifier: BSD-3-Clause
"""Frozen records: what a frozen dataclass is, without importing `dataclasses`.

`dataclasses` pulls in `inspect`, `re` and `enum`, which takes longer than the rest of the agent.
Type checkers see dataclasses, through `dataclass_transform`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar, dataclass_transform
else:

    def dataclass_transform(*, frozen_default: bool) -> object:  # noqa: ARG001
        """Do nothing: the real one only speaks to type checkers."""
        return lambda cls: cls


@dataclass_transform(frozen_default=True)
class Record:
    """Base of immutable records; a subclass only annotates its fields, in order."""

    if TYPE_CHECKING:
        _fields: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls) -> None:
        cls._fields = tuple(cls.__annotations__)

    def __init__(self, *args: object, **kwargs: object) -> None:
        fields = self._fields
        values = dict(zip(fields, args, strict=False)) | kwargs
        if len(values) != len(args) + len(kwargs) or set(values) != set(fields):
            raise TypeError(f"{type(self).__name__} takes {', '.join(fields)}")
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} is read-only")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} is read-only")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({shown})"
