# SPDX-License-Identifier: BSD-3-Clause
"""Streams of the cipher modes: what libcrypto has of a mode, cut into pieces as OP-TEE has it.

libcrypto's CTS and XTS take a whole message at once. CTS is CBC up to the last piece. An XTS
message goes on in a new call whose IV is such that its tweak is where the last one stood. SM4-XTS,
which libcrypto has from 3.2 only, AES-192-XTS, which it has not, and two equal keys, which it
refuses and OP-TEE takes (IEEE 1619's first vector has them), are made of ECB here.
"""

from realmos_agent.tee import numbers
from realmos_agent.tee.crypto import evp, keys
from realmos_agent.tee.errors import TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, Self

    class Stream(Protocol):
        """A cipher in mid-stream."""

        def update(self, data: bytes) -> bytes:
            """Take some blocks."""

        def finish(self, data: bytes) -> bytes:
            """Take the last piece, not empty."""

        def copy(self) -> Self:
            """Return another of these that goes on from here."""


_BLOCK = 16
_MASK = (1 << 128) - 1
_UNIT = _BLOCK << 19  # half of what libcrypto's XTS takes at once
_POLYNOMIAL = 0x87  # x^7 + x^2 + x + 1: IEEE 1619


class PlainStream:
    """ECB, CBC and CTR."""

    __slots__ = ("_cipher", "finish", "update")

    def __init__(self, cipher: evp.Cipher) -> None:
        self._cipher = cipher
        self.update = self.finish = cipher.update

    def copy(self) -> "PlainStream":
        """Return another of these that goes on from here."""
        return PlainStream(self._cipher.copy())


class CtsStream:
    """AES in CBC-CS3: the last two blocks always swapped."""

    __slots__ = ("_cbc", "_encrypt", "_iv", "_key")

    def __init__(self, key: bytes, iv: bytes, *, encrypt: bool) -> None:
        self._key = key
        self._iv = iv  # of what comes next: the last block of ciphertext
        self._encrypt = encrypt
        self._cbc = evp.Cipher(keys.aes_name(key, "CBC"), key, iv, encrypt=encrypt)

    def update(self, data: bytes) -> bytes:
        """Take some blocks."""
        made = self._cbc.update(data)
        self._iv = (made if self._encrypt else data)[-_BLOCK:]
        return made

    def finish(self, data: bytes) -> bytes:
        """Take the last piece.

        Raises:
            TeeError: BAD_STATE: it has less than a block and a byte.
        """
        if len(data) <= _BLOCK:
            raise TeeError(numbers.ERROR_BAD_STATE)
        name = keys.aes_name(self._key, "CBC-CTS")
        return evp.Cipher(name, self._key, self._iv, encrypt=self._encrypt).update(data)

    def copy(self) -> "CtsStream":
        """Return another of these that goes on from here."""
        return CtsStream(self._key, self._iv, encrypt=self._encrypt)


def _doubled(tweak: int, count: int) -> int:
    """Return a tweak multiplied by x so many times."""
    while count:
        step = min(count, 120)
        tweak <<= step
        while tweak >> 128:
            high = tweak >> 128
            tweak = (tweak & _MASK) ^ high ^ (high << 1) ^ (high << 2) ^ (high << 7)
        count -= step
    return tweak


class XtsStream:
    """AES-128 and AES-256 in XTS."""

    __slots__ = ("_encrypt", "_iv", "_key1", "_key2")

    def __init__(self, key1: bytes, key2: bytes, iv: bytes, *, encrypt: bool) -> None:
        self._key1 = key1
        self._key2 = key2
        self._iv = iv  # of what comes next
        self._encrypt = encrypt

    def finish(self, data: bytes) -> bytes:
        """Take the last piece.

        Raises:
            TeeError: BAD_STATE: it has less than a block.
        """
        if len(data) < _BLOCK:
            raise TeeError(numbers.ERROR_BAD_STATE)
        # What is left has a whole block: an end that is none steals from it.
        at = (len(data) - _BLOCK) // _UNIT * _UNIT
        return self.update(data[:at]) + self._unit(data[at:])

    def update(self, data: bytes) -> bytes:
        """Take some blocks."""
        made = []
        for at in range(0, len(data), _UNIT):
            unit = data[at : at + _UNIT]
            made.append(self._unit(unit))
            self._move_on(len(unit) // _BLOCK)
        return b"".join(made)

    def _unit(self, data: bytes) -> bytes:
        name = keys.aes_name(self._key1, "XTS")
        key = self._key1 + self._key2
        return evp.Cipher(name, key, self._iv, encrypt=self._encrypt).update(data)

    def _move_on(self, blocks: int) -> None:
        """Have the IV be that of a message that begins so many blocks further on."""
        name = keys.aes_name(self._key2, "ECB")
        first = evp.Cipher(name, self._key2, None, encrypt=True).update(self._iv)
        tweak = _doubled(int.from_bytes(first, "little"), blocks)
        back = evp.Cipher(name, self._key2, None, encrypt=False)
        self._iv = back.update(tweak.to_bytes(_BLOCK, "little"))

    def copy(self) -> "XtsStream":
        """Return another of these that goes on from here."""
        return XtsStream(self._key1, self._key2, self._iv, encrypt=self._encrypt)


_PIECE = 1 << 14  # as much as is taken for one number: others have their turn in between


class EcbXtsStream:
    """XTS made of ECB.

    Args:
        cipher: ECB under the first key, in the stream's direction.
        tweak: the IV, encrypted under the second key, as a number.
    """

    __slots__ = ("_cipher", "_encrypt", "_tweak")

    def __init__(self, cipher: evp.Cipher, tweak: int, *, encrypt: bool) -> None:
        self._cipher = cipher
        self._tweak = tweak
        self._encrypt = encrypt

    def _blocks(self, data: bytes, tweak: int) -> bytes:
        masks = bytearray()
        for _ in range(0, len(data), _BLOCK):
            masks += tweak.to_bytes(_BLOCK, "little")
            tweak <<= 1
            if tweak >> 128:
                tweak = (tweak & _MASK) ^ _POLYNOMIAL
        mask = int.from_bytes(masks, "little")
        masked = (int.from_bytes(data, "little") ^ mask).to_bytes(len(data), "little")
        made = int.from_bytes(self._cipher.update(masked), "little") ^ mask
        return made.to_bytes(len(data), "little")

    def update(self, data: bytes) -> bytes:
        """Take some blocks."""
        made = []
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            made.append(self._blocks(piece, self._tweak))
            self._tweak = _doubled(self._tweak, len(piece) // _BLOCK)
        return b"".join(made)

    def finish(self, data: bytes) -> bytes:
        """Take the last piece; if it ends within a block, steal ciphertext from the one before.

        Raises:
            TeeError: BAD_STATE: it has less than a block.
        """
        if len(data) < _BLOCK:
            raise TeeError(numbers.ERROR_BAD_STATE)
        rest = len(data) % _BLOCK
        if not rest:
            return self.update(data)
        before = len(data) - rest - _BLOCK
        made = self.update(data[:before]) if before else b""
        now, then = self._tweak, _doubled(self._tweak, 1)
        if not self._encrypt:
            now, then = then, now
        whole = self._blocks(data[before : before + _BLOCK], now)
        stolen = data[before + _BLOCK :] + whole[rest:]
        return made + self._blocks(stolen, then) + whole[:rest]

    def copy(self) -> "EcbXtsStream":
        """Return another of these that goes on from here."""
        return EcbXtsStream(self._cipher.copy(), self._tweak, encrypt=self._encrypt)


def xts(main: int, key1: bytes, key2: bytes, iv: bytes, *, encrypt: bool) -> "Stream":
    """Begin a stream of XTS.

    Raises:
        TeeError: BAD_PARAMETERS: keys of different sizes; BAD_STATE: of a wrong size.
    """
    if len(key1) != len(key2):
        raise TeeError(numbers.ERROR_BAD_PARAMETERS)
    name, key1 = keys.named(main, key1, "ECB")
    if main == numbers.MAIN_ALGO_AES and len(key1) != 24 and key1 != key2:
        return XtsStream(key1, key2, iv, encrypt=encrypt)
    first = evp.Cipher(name, key2, None, encrypt=True).update(iv)
    cipher = evp.Cipher(name, key1, None, encrypt=encrypt)
    return EcbXtsStream(cipher, int.from_bytes(first, "little"), encrypt=encrypt)
