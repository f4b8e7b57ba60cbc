# SPDX-License-Identifier: BSD-3-Clause
"""CBC-MAC over a stream: on its own an (old) MAC, and one half of CCM."""

from realmos_agent.tee.crypto import evp

_PIECE = 1 << 20  # CBC's output is thrown away but for its last block: no need for all of it


class CbcMac:
    """What it is given goes through CBC with an IV of zeros; the last block is the value.

    Args:
        cipher: CBC encryption with an IV of zeros, at its beginning.
        block: its block size, in bytes.
    """

    __slots__ = ("_block", "_cipher", "_partial", "_value")

    def __init__(self, cipher: evp.Cipher, block: int) -> None:
        self._cipher = cipher
        self._block = block
        self._partial = b""
        self._value: bytes | None = None

    @property
    def value(self) -> bytes | None:
        """The last block; None before there is one, or while the next one is incomplete."""
        return None if self._partial else self._value

    @property
    def missing(self) -> int:
        """How many bytes are missing to a whole block; 0 if none has begun."""
        return -len(self._partial) % self._block

    def update(self, data: bytes) -> None:
        """Take more data."""
        if self._partial:
            data = self._partial + data
        whole = len(data) - len(data) % self._block
        for at in range(0, whole, _PIECE):
            made = self._cipher.update(data[at : min(at + _PIECE, whole)])
            self._value = made[-self._block :]
        self._partial = data[whole:]

    def copy(self) -> "CbcMac":
        """Return another of these that goes on from here."""
        other = CbcMac(self._cipher.copy(), self._block)
        other._partial, other._value = self._partial, self._value
        return other
