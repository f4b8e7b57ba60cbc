# SPDX-License-Identifier: BSD-3-Clause
"""Digests: MD5, SHA-1, SHA-2, SHA-3, SM3, and the SHAKE functions, whose output has no end.

They are hashlib's, which is OpenSSL's: it is the shortest way there, and small digests are what
Trusted Applications ask for most.
"""

import hashlib
from functools import partial

from realmos_agent.tee import numbers
from realmos_agent.tee.crypto.operation import HashingState
from realmos_agent.tee.errors import ShortBuffer, TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

_DIGESTS: dict[int, "Callable[[], Any]"] = {
    numbers.ALG_MD5: partial(hashlib.md5, usedforsecurity=False),
    numbers.ALG_SHA1: partial(hashlib.sha1, usedforsecurity=False),
    numbers.ALG_SHA224: hashlib.sha224,
    numbers.ALG_SHA256: hashlib.sha256,
    numbers.ALG_SHA384: hashlib.sha384,
    numbers.ALG_SHA512: hashlib.sha512,
    numbers.ALG_SHA3_224: hashlib.sha3_224,
    numbers.ALG_SHA3_256: hashlib.sha3_256,
    numbers.ALG_SHA3_384: hashlib.sha3_384,
    numbers.ALG_SHA3_512: hashlib.sha3_512,
    numbers.ALG_SM3: partial(hashlib.new, "sm3"),
}

_EXTENDABLE: dict[int, "Callable[[], Any]"] = {
    numbers.ALG_SHAKE128: hashlib.shake_128,
    numbers.ALG_SHAKE256: hashlib.shake_256,
}

# hashlib makes an extendable output from its beginning each time, and nothing else of the core runs
# meanwhile: what is drawn in small pieces is therefore made ahead, and there is an end to it after
# all. What is ahead is kept for each state, and a Trusted Application has thousands of those.
_AHEAD_MAX = 3 << 10
_OUTPUT_MAX = 4 << 20


class DigestState(HashingState):
    """A digest of a fixed size."""

    __slots__ = ("_new",)

    def __init__(self, algorithm: int, mode: int, new: "Callable[[], Any]") -> None:
        super().__init__(algorithm, mode)
        self._new = new

    def init(self) -> None:
        """Begin a message."""
        self.context = self._new()

    def final(self, data: bytes, capacity: int) -> bytes:
        """Take the rest of the message; return its digest."""
        context = self.context
        if context is None:
            raise TeeError(numbers.ERROR_BAD_STATE)
        if capacity < context.digest_size:
            raise ShortBuffer(context.digest_size)
        if data:
            context.update(data)
        self.context = None
        made: bytes = context.digest()
        return made


class ExtendableState(DigestState):
    """A SHAKE function: final fills the buffer it is given, and the next one goes on from there."""

    __slots__ = ("ahead", "drawn")

    def __init__(self, algorithm: int, mode: int, new: "Callable[[], Any]") -> None:
        super().__init__(algorithm, mode, new)
        self.ahead = b""  # of the output, what comes behind what was drawn
        self.drawn = 0

    def init(self) -> None:
        """Begin a message."""
        super().init()
        self.ahead = b""
        self.drawn = 0

    def update(self, data: bytes) -> None:
        """Take more of the message.

        Raises:
            TeeError: BAD_STATE: there is no message, or its digest has been drawn from.
        """
        if self.drawn:
            raise TeeError(numbers.ERROR_BAD_STATE)
        super().update(data)

    def final(self, data: bytes, capacity: int) -> bytes:
        """Take the rest of the message; return so many bytes more of its digest.

        Raises:
            TeeError: BAD_STATE, as update says; NOT_IMPLEMENTED: more than 4 MiB of one digest.
        """
        if self.context is None:
            raise TeeError(numbers.ERROR_BAD_STATE)
        end = self.drawn + capacity
        if end > _OUTPUT_MAX:
            raise TeeError(numbers.ERROR_NOT_IMPLEMENTED)
        if data:
            self.update(data)
        if capacity > len(self.ahead):
            output = self.context.digest(end + min(self.drawn, _AHEAD_MAX))
            self.ahead = output[self.drawn :]
        made, self.ahead = self.ahead[:capacity], self.ahead[capacity:]
        self.drawn = end
        return made

    def copy_from(self, source: "Self") -> None:
        """Go on where the source stands."""
        super().copy_from(source)
        self.ahead = source.ahead
        self.drawn = source.drawn


def make(algorithm: int, mode: int) -> DigestState:
    """Make a state.

    Raises:
        TeeError: NOT_IMPLEMENTED: no such digest.
    """
    if algorithm in _EXTENDABLE:
        return ExtendableState(algorithm, mode, _EXTENDABLE[algorithm])
    if algorithm not in _DIGESTS:
        raise TeeError(numbers.ERROR_NOT_IMPLEMENTED)
    return DigestState(algorithm, mode, _DIGESTS[algorithm])
