# SPDX-License-Identifier: BSD-3-Clause
"""MACs: HMAC of every digest, CMAC of AES and triple DES, and CBC-MAC of AES, DES and triple DES.

HMAC is the standard library's on OpenSSL, CMAC is cryptography's; neither has CBC-MAC.
"""

import hmac
from abc import abstractmethod

from realmos_agent.tee import numbers
from realmos_agent.tee.crypto import keys
from realmos_agent.tee.crypto.operation import HashingState, secret
from realmos_agent.tee.errors import ShortBuffer, TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cryptography.hazmat.primitives.cmac import CMAC

    from realmos_agent.tee.crypto.cbcmac import CbcMac
    from realmos_agent.tee.crypto.objects import TransientObject


# The digest of an HMAC, as hashlib knows it, and its size.
_HMACS = {
    numbers.ALG_HMAC_MD5: ("md5", 16),
    numbers.ALG_HMAC_SHA1: ("sha1", 20),
    numbers.ALG_HMAC_SHA224: ("sha224", 28),
    numbers.ALG_HMAC_SHA256: ("sha256", 32),
    numbers.ALG_HMAC_SHA384: ("sha384", 48),
    numbers.ALG_HMAC_SHA512: ("sha512", 64),
    numbers.ALG_HMAC_SHA3_224: ("sha3_224", 28),
    numbers.ALG_HMAC_SHA3_256: ("sha3_256", 32),
    numbers.ALG_HMAC_SHA3_384: ("sha3_384", 48),
    numbers.ALG_HMAC_SHA3_512: ("sha3_512", 64),
    numbers.ALG_HMAC_SM3: ("sm3", 32),
}

_CMACS = {
    numbers.ALG_AES_CMAC: keys.AES_BLOCK,
    numbers.ALG_DES3_CMAC: keys.DES_BLOCK,
}

# The cipher of a CBC-MAC, its block size, and whether the message is padded.
_CBC_MACS = {
    numbers.ALG_AES_CBC_MAC_NOPAD: (numbers.MAIN_ALGO_AES, keys.AES_BLOCK, False),
    numbers.ALG_AES_CBC_MAC_PKCS5: (numbers.MAIN_ALGO_AES, keys.AES_BLOCK, True),
    numbers.ALG_DES_CBC_MAC_NOPAD: (numbers.MAIN_ALGO_DES, keys.DES_BLOCK, False),
    numbers.ALG_DES_CBC_MAC_PKCS5: (numbers.MAIN_ALGO_DES, keys.DES_BLOCK, True),
    numbers.ALG_DES3_CBC_MAC_NOPAD: (numbers.MAIN_ALGO_DES3, keys.DES_BLOCK, False),
    numbers.ALG_DES3_CBC_MAC_PKCS5: (numbers.MAIN_ALGO_DES3, keys.DES_BLOCK, True),
}


class MacState(HashingState):
    """A MAC; the kinds say how a message begins under a key, and how it ends."""

    __slots__ = ("_size",)

    def __init__(self, algorithm: int, mode: int, key: "TransientObject | None", size: int) -> None:
        super().__init__(algorithm, mode, key)
        self._size = size

    @abstractmethod
    def _begin(self, key: bytes) -> object:
        """Begin a message under a key."""

    @abstractmethod
    def _end(self, context: "Any") -> bytes:  # noqa: ANN401 - what the kind's _begin made
        """Return the MAC."""

    def init(self) -> None:
        """Begin a message under the key's value of now."""
        self.context = self._begin(secret(self.key1))

    def final(self, data: bytes, capacity: int) -> bytes:
        """Take the rest of the message; return its MAC."""
        context = self.context
        if context is None:
            raise TeeError(numbers.ERROR_BAD_STATE)
        if capacity < self._size:
            raise ShortBuffer(self._size)
        if data:
            context.update(data)
        self.context = None
        return self._end(context)


class HmacState(MacState):
    """HMAC."""

    __slots__ = ("_digest",)

    def __init__(self, algorithm: int, mode: int, key: "TransientObject | None") -> None:
        self._digest, size = _HMACS[algorithm]
        super().__init__(algorithm, mode, key, size)

    def _begin(self, key: bytes) -> hmac.HMAC:
        return hmac.new(key, digestmod=self._digest)

    def _end(self, context: hmac.HMAC) -> bytes:
        return context.digest()


class CmacState(MacState):
    """CMAC."""

    __slots__ = ()

    def __init__(self, algorithm: int, mode: int, key: "TransientObject | None") -> None:
        super().__init__(algorithm, mode, key, _CMACS[algorithm])

    def _begin(self, key: bytes) -> "CMAC":
        from cryptography.hazmat.primitives.cmac import CMAC

        if self.algorithm == numbers.ALG_DES3_CMAC:
            from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES

            return CMAC(TripleDES(keys.triple_des(key)))
        from cryptography.hazmat.primitives.ciphers.algorithms import AES

        keys.aes_name(key, "CMAC")  # its size
        return CMAC(AES(key))

    def _end(self, context: "CMAC") -> bytes:
        return context.finalize()


class CbcMacState(MacState):
    """CBC-MAC, of whole blocks, or padded as in PKCS #5."""

    __slots__ = ("_main", "_pads")

    def __init__(self, algorithm: int, mode: int, key: "TransientObject | None") -> None:
        self._main, size, self._pads = _CBC_MACS[algorithm]
        super().__init__(algorithm, mode, key, size)

    def _begin(self, key: bytes) -> "CbcMac":
        from realmos_agent.tee.crypto import cbcmac, evp

        name, key = keys.named(self._main, key, "CBC")
        return cbcmac.CbcMac(evp.Cipher(name, key, bytes(self._size), encrypt=True), self._size)

    def _end(self, context: "CbcMac") -> bytes:
        if self._pads:
            count = context.missing or self._size
            context.update(bytes([count]) * count)
        if context.value is None:
            raise TeeError(numbers.ERROR_BAD_STATE)
        return context.value


def make(algorithm: int, mode: int, key: "TransientObject | None") -> MacState:
    """Make a state.

    Raises:
        TeeError: NOT_SUPPORTED: no such MAC.
    """
    if algorithm in _HMACS:
        return HmacState(algorithm, mode, key)
    if algorithm in _CMACS:
        return CmacState(algorithm, mode, key)
    if algorithm in _CBC_MACS:
        return CbcMacState(algorithm, mode, key)
    raise TeeError(numbers.ERROR_NOT_SUPPORTED)
