# SPDX-License-Identifier: BSD-3-Clause
"""AEAD: AES-GCM and AES-CCM in a stream, as OP-TEE has them.

A decryption gives out plaintext before its tag was checked: that is the interface, and what a
Trusted Application must know. The last piece comes only with a right tag.

GCM is libcrypto's. No library has a CCM that takes a message in pieces; it is made here of CBC-MAC
and CTR, as in RFC 3610.
"""

from hmac import compare_digest

from realmos_agent.tee import numbers
from realmos_agent.tee.crypto import evp, keys
from realmos_agent.tee.crypto.cbcmac import CbcMac
from realmos_agent.tee.crypto.operation import State, secret
from realmos_agent.tee.errors import ShortBuffer, TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, Self

    from realmos_agent.tee.crypto.objects import TransientObject

    class _Message(Protocol):
        tag_size: int

        def update_aad(self, data: bytes) -> None: ...
        def update(self, data: bytes) -> bytes: ...
        def tag(self) -> bytes: ...
        def verify(self, tag: bytes) -> bool: ...
        def copy(self) -> Self: ...


_BLOCK = keys.AES_BLOCK
_TAG_MIN, _TAG_MAX = 4, 16


class _Gcm:
    """A message of GCM."""

    def __init__(self, key: bytes, nonce: bytes, tag_size: int, *, encrypt: bool) -> None:
        if tag_size > _TAG_MAX:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        # libutee asks for tags of 12 to 16 bytes; libcrypto takes nonces of up to 128.
        if tag_size < _TAG_MIN or not 1 <= len(nonce) <= 128:
            raise TeeError(numbers.ERROR_NOT_SUPPORTED)
        self.tag_size = tag_size
        self._begun = False
        self._cipher = evp.Cipher(keys.aes_name(key, "GCM"), key, nonce, encrypt=encrypt)

    def update_aad(self, data: bytes) -> None:
        if self._begun:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        self._cipher.authenticate(data)

    def update(self, data: bytes) -> bytes:
        self._begun = self._begun or bool(data)
        return self._cipher.update(data)

    def tag(self) -> bytes:
        return self._cipher.tag(self.tag_size)

    def verify(self, tag: bytes) -> bool:
        return self._cipher.verify(tag)

    def copy(self) -> "_Gcm":
        other = object.__new__(_Gcm)
        other.tag_size, other._begun = self.tag_size, self._begun
        other._cipher = self._cipher.copy()
        return other


class _Ccm:
    """A message of CCM, whose sizes are all known when it begins."""

    def __init__(
        self,
        key: bytes,
        nonce: bytes,
        tag_size: int,
        aad_size: int,
        size: int,
        *,
        encrypt: bool,
    ) -> None:
        if len(nonce) > 13:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        if not _TAG_MIN <= tag_size <= _TAG_MAX or tag_size % 2:
            raise TeeError(numbers.ERROR_NOT_SUPPORTED)
        if len(nonce) < 7 or size >> 31 or aad_size >> 31:
            raise TeeError(numbers.ERROR_BAD_STATE)
        self.tag_size = tag_size
        self._encrypt = encrypt
        self._aad_left = aad_size
        self._left = size
        length = 15 - len(nonce)
        # LibTomCrypt, and so OP-TEE, makes room for a longer size by cutting the nonce: then two
        # messages with different nonces have one keystream.
        if size >> 8 * length:
            raise TeeError(numbers.ERROR_NOT_SUPPORTED)
        cbc = evp.Cipher(keys.aes_name(key, "CBC"), key, bytes(_BLOCK), encrypt=True)
        self._mac = CbcMac(cbc, _BLOCK)
        flags = (0x40 if aad_size else 0) | (tag_size - 2) << 2 | (length - 1)
        self._mac.update(bytes([flags]) + nonce + size.to_bytes(length, "big"))
        if aad_size >= 0xFF00:
            self._mac.update(b"\xff\xfe" + aad_size.to_bytes(4, "big"))
        elif aad_size:
            self._mac.update(aad_size.to_bytes(2, "big"))
        counter = bytes([length - 1]) + nonce + bytes(length)
        self._ctr = evp.Cipher(keys.aes_name(key, "CTR"), key, counter, encrypt=True)
        self._mask = self._ctr.update(bytes(_BLOCK))

    def update_aad(self, data: bytes) -> None:
        if len(data) > self._aad_left:
            raise TeeError(numbers.ERROR_BAD_STATE)
        self._aad_left -= len(data)
        self._mac.update(data)
        if data and not self._aad_left:
            self._mac.update(bytes(self._mac.missing))

    def update(self, data: bytes) -> bytes:
        if self._aad_left or len(data) > self._left:
            raise TeeError(numbers.ERROR_BAD_STATE)
        self._left -= len(data)
        made = self._ctr.update(data)
        self._mac.update(data if self._encrypt else made)
        return made

    def tag(self) -> bytes:
        if self._left or self._aad_left:
            raise TeeError(numbers.ERROR_BAD_STATE)
        self._mac.update(bytes(self._mac.missing))
        value = self._mac.value
        assert value is not None
        whole = int.from_bytes(value, "big") ^ int.from_bytes(self._mask, "big")
        return whole.to_bytes(_BLOCK, "big")[: self.tag_size]

    def verify(self, tag: bytes) -> bool:
        return compare_digest(self.tag(), tag)

    def copy(self) -> "_Ccm":
        other = object.__new__(_Ccm)
        other.__dict__.update(self.__dict__)
        other._mac, other._ctr = self._mac.copy(), self._ctr.copy()
        return other


class AeadState(State):
    """One message after the other under one key, each begun by init."""

    __slots__ = ("message",)

    def __init__(self, algorithm: int, mode: int, key: "TransientObject | None") -> None:
        super().__init__(algorithm, mode, key)
        self.message: _Message | None = None

    def init(self, nonce: bytes, tag_size: int, aad_size: int, size: int) -> None:
        """Begin a message under the key's value of now; GCM takes no notice of the last two sizes.

        Raises:
            TeeError: BAD_PARAMETERS: the key has no value, or the mode is neither encryption nor
                decryption; BAD_PARAMETERS, NOT_SUPPORTED, BAD_STATE: sizes that the mode has not.
        """
        key = secret(self.key1)
        if self.mode not in {numbers.MODE_ENCRYPT, numbers.MODE_DECRYPT}:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        encrypt = self.mode == numbers.MODE_ENCRYPT
        if self.algorithm == numbers.ALG_AES_GCM:
            self.message = _Gcm(key, nonce, tag_size, encrypt=encrypt)
        else:
            self.message = _Ccm(key, nonce, tag_size, aad_size, size, encrypt=encrypt)

    def _begun(self) -> "_Message":
        if self.message is None:
            raise TeeError(numbers.ERROR_BAD_STATE)
        return self.message

    def update_aad(self, data: bytes) -> None:
        """Take data that is authenticated only.

        Raises:
            TeeError: BAD_STATE: there is no message, or CCM was told of less; BAD_PARAMETERS: GCM
                has begun with the message itself.
        """
        self._begun().update_aad(data)

    def update(self, data: bytes, capacity: int) -> bytes:
        """Take more of the message; return what comes of it.

        Raises:
            TeeError: BAD_STATE: there is no message, or CCM was told of less, or of more AAD.
            ShortBuffer: the output does not fit; nothing has happened.
        """
        message = self._begun()
        if capacity < len(data):
            raise ShortBuffer(len(data))
        return message.update(data)

    def enc_final(self, data: bytes, capacity: int, tag_capacity: int) -> tuple[bytes, bytes]:
        """Take the rest of the message; return what comes of it, and the tag.

        Raises:
            TeeError: BAD_STATE as update says, or CCM was told of more; BAD_PARAMETERS: it is a
                decryption.
            ShortBuffer: one of the two does not fit; nothing has happened.
        """
        message = self._begun()
        if self.mode != numbers.MODE_ENCRYPT:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        if capacity < len(data) or tag_capacity < message.tag_size:
            raise ShortBuffer(
                len(data) if capacity < len(data) else None,
                message.tag_size if tag_capacity < message.tag_size else None,
            )
        self.message = None
        return message.update(data), message.tag()

    def dec_final(self, data: bytes, capacity: int, tag: bytes) -> bytes:
        """Take the rest of the message; check the tag; return what comes of the rest.

        Raises:
            TeeError: MAC_INVALID: a wrong tag, or not of the size that init said; BAD_STATE as
                update says, or CCM was told of more; BAD_PARAMETERS: it is an encryption.
            ShortBuffer: the output does not fit; nothing has happened.
        """
        message = self._begun()
        if self.mode != numbers.MODE_DECRYPT:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        if capacity < len(data):
            raise ShortBuffer(len(data))
        if len(tag) != message.tag_size:
            raise TeeError(numbers.ERROR_MAC_INVALID)
        self.message = None
        made = message.update(data)
        if not message.verify(tag):
            raise TeeError(numbers.ERROR_MAC_INVALID)
        return made

    def copy_from(self, source: "AeadState") -> None:
        """Go on where the source stands."""
        self.message = None if source.message is None else source.message.copy()


def make(algorithm: int, mode: int, key: "TransientObject | None") -> AeadState:
    """Make a state.

    Raises:
        TeeError: NOT_IMPLEMENTED: no such AEAD.
    """
    if algorithm not in {numbers.ALG_AES_GCM, numbers.ALG_AES_CCM}:
        raise TeeError(numbers.ERROR_NOT_IMPLEMENTED)
    return AeadState(algorithm, mode, key)
