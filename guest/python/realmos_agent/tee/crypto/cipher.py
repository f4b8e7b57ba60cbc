# SPDX-License-Identifier: BSD-3-Clause
"""Ciphers: AES, DES, triple DES and SM4 in the modes ECB, CBC, CTR, CTS (CBC-CS3) and XTS.

As in OP-TEE, an update takes whole blocks, as libutee in the Trusted Application sees to; only
AES-CTR takes any size. The last piece of AES-CTR, CTS and XTS may end within a block. The output
has always the size of the input.
"""

from realmos_agent.tee import numbers
from realmos_agent.tee.crypto import evp, keys, modes
from realmos_agent.tee.crypto.operation import State, secret
from realmos_agent.tee.errors import ShortBuffer, TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.crypto.objects import TransientObject

# The cipher and the mode of each algorithm.
_CIPHERS = {
    numbers.ALG_AES_ECB_NOPAD: (numbers.MAIN_ALGO_AES, "ECB"),
    numbers.ALG_AES_CBC_NOPAD: (numbers.MAIN_ALGO_AES, "CBC"),
    numbers.ALG_AES_CTR: (numbers.MAIN_ALGO_AES, "CTR"),
    numbers.ALG_AES_CTS: (numbers.MAIN_ALGO_AES, "CTS"),
    numbers.ALG_AES_XTS: (numbers.MAIN_ALGO_AES, "XTS"),
    numbers.ALG_DES_ECB_NOPAD: (numbers.MAIN_ALGO_DES, "ECB"),
    numbers.ALG_DES_CBC_NOPAD: (numbers.MAIN_ALGO_DES, "CBC"),
    numbers.ALG_DES3_ECB_NOPAD: (numbers.MAIN_ALGO_DES3, "ECB"),
    numbers.ALG_DES3_CBC_NOPAD: (numbers.MAIN_ALGO_DES3, "CBC"),
    numbers.ALG_SM4_ECB_NOPAD: (numbers.MAIN_ALGO_SM4, "ECB"),
    numbers.ALG_SM4_CBC_NOPAD: (numbers.MAIN_ALGO_SM4, "CBC"),
    numbers.ALG_SM4_CTR: (numbers.MAIN_ALGO_SM4, "CTR"),
    numbers.ALG_SM4_XTS: (numbers.MAIN_ALGO_SM4, "XTS"),
}

_BLOCKS = {numbers.MAIN_ALGO_DES: keys.DES_BLOCK, numbers.MAIN_ALGO_DES3: keys.DES_BLOCK}


class CipherState(State):
    """One stream after the other under one key, or a pair of them, each begun by init."""

    __slots__ = ("_block", "_main", "_mode", "stream")

    def __init__(
        self,
        algorithm: int,
        mode: int,
        key1: "TransientObject | None",
        key2: "TransientObject | None",
    ) -> None:
        super().__init__(algorithm, mode, key1, key2)
        self._main, self._mode = _CIPHERS[algorithm]
        self._block = _BLOCKS.get(self._main, keys.AES_BLOCK)
        self.stream: modes.Stream | None = None

    def init(self, iv: bytes) -> None:
        """Begin a stream under the keys' values of now.

        Raises:
            TeeError: BAD_PARAMETERS: a key without a value, two keys of different sizes, an IV of
                a wrong size, a mode other than encryption and decryption; BAD_STATE: a key of a
                wrong size.
        """
        if self.mode not in {numbers.MODE_ENCRYPT, numbers.MODE_DECRYPT}:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        key = secret(self.key1)
        encrypt = self.mode == numbers.MODE_ENCRYPT
        if self._mode != "ECB" and len(iv) != self._block:
            sm4_xts = self.algorithm == numbers.ALG_SM4_XTS
            raise TeeError(numbers.ERROR_BAD_STATE if sm4_xts else numbers.ERROR_BAD_PARAMETERS)
        if self._mode == "XTS":
            self.stream = modes.xts(self._main, key, secret(self.key2), iv, encrypt=encrypt)
        elif self._mode == "CTS":
            self.stream = modes.CtsStream(key, iv, encrypt=encrypt)
        else:
            name, key = keys.named(self._main, key, self._mode)
            used = None if self._mode == "ECB" else iv
            self.stream = modes.PlainStream(evp.Cipher(name, key, used, encrypt=encrypt))

    def update(self, data: bytes, capacity: int, *, last: bool = False) -> bytes:
        """Take more of the stream, or its last piece; return what comes of it.

        Raises:
            TeeError: BAD_STATE: there is no stream, or its last piece is too short for the mode;
                BAD_PARAMETERS, or NOT_SUPPORTED with SM4-CTR: the piece ends within a block.
            ShortBuffer: the output does not fit; nothing has happened.
        """
        stream = self.stream
        if stream is None:
            raise TeeError(numbers.ERROR_BAD_STATE)
        if capacity < len(data):
            raise ShortBuffer(len(data))
        if last:
            self.stream = None
        if not data:
            return b""
        if len(data) % self._block:
            self._check_partial(last=last)
        return stream.finish(data) if last else stream.update(data)

    def _check_partial(self, *, last: bool) -> None:
        if self.algorithm == numbers.ALG_AES_CTR or (last and self._mode in {"CTS", "XTS"}):
            return
        if last and self.algorithm == numbers.ALG_SM4_CTR:
            raise TeeError(numbers.ERROR_NOT_SUPPORTED)
        raise TeeError(numbers.ERROR_BAD_PARAMETERS)

    def copy_from(self, source: "CipherState") -> None:
        """Go on where the source stands."""
        self.stream = None if source.stream is None else source.stream.copy()


def make(
    algorithm: int, mode: int, key1: "TransientObject | None", key2: "TransientObject | None"
) -> CipherState:
    """Make a state.

    Raises:
        TeeError: NOT_IMPLEMENTED: no such cipher.
    """
    if algorithm not in _CIPHERS:
        raise TeeError(numbers.ERROR_NOT_IMPLEMENTED)
    return CipherState(algorithm, mode, key1, key2)
