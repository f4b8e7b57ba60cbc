# SPDX-License-Identifier: BSD-3-Clause
"""Cryptographic operations: what a state handle of a Trusted Application stands for.

A State belongs to one algorithm and one mode, and keeps the key *objects* it was made with: their
values are read at each init, as OP-TEE does, because libutee fills them after the state was made.
The modules of the kinds are imported when the first state of their kind is made.
"""

from realmos_agent.tee import numbers
from realmos_agent.tee.crypto import algorithms
from realmos_agent.tee.errors import TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from realmos_agent.tee.crypto.objects import TransientObject


class State:
    """An operation; the kinds are its subclasses.

    Args:
        algorithm: one that the subclass knows.
        mode: as the Trusted Application gave it.
        key1: the key; None for digests.
        key2: the second key of XTS, and of SM2's key exchange.

    Whoever made it for a Trusted Application notes in `key_handles` which handles end with it.
    """

    __slots__ = ("algorithm", "key1", "key2", "key_handles", "mode")

    def __init__(
        self,
        algorithm: int,
        mode: int,
        key1: "TransientObject | None" = None,
        key2: "TransientObject | None" = None,
    ) -> None:
        self.algorithm = algorithm
        self.mode = mode
        self.key1 = key1
        self.key2 = key2
        self.key_handles: tuple[int, ...] = ()

    def copy_from(self, source: "Self") -> None:  # noqa: ARG002 - the kinds use it
        """Take over where another state of the same algorithm, mode and class stands.

        Raises:
            TeeError: BAD_STATE: an operation of this kind has nothing to copy.
        """
        raise TeeError(numbers.ERROR_BAD_STATE)


class HashingState(State):
    """A digest or MAC: one message after the other, each begun by init."""

    __slots__ = ("context",)

    def __init__(self, algorithm: int, mode: int, key: "TransientObject | None" = None) -> None:
        super().__init__(algorithm, mode, key)
        self.context: Any = None  # of the message; None when there is none

    def init(self) -> None:
        """Begin a message; under the key's value of now, if there is a key.

        Raises:
            TeeError: BAD_PARAMETERS: the key has no value; BAD_STATE: its size is wrong.
        """
        raise AssertionError("each kind has its own")

    def update(self, data: bytes) -> None:
        """Take more of the message.

        Raises:
            TeeError: BAD_STATE: there is no message.
        """
        if self.context is None:
            raise TeeError(numbers.ERROR_BAD_STATE)
        self.context.update(data)

    def final(self, data: bytes, capacity: int) -> bytes:  # noqa: ARG002 - the kinds use them
        """Take the rest of the message; return its digest or MAC.

        Raises:
            TeeError: BAD_STATE: there is no message, or it must be whole blocks and is not.
            ShortBuffer: what is returned does not fit; nothing has happened.
        """
        raise AssertionError("each kind has its own")

    def copy_from(self, source: "Self") -> None:
        """Go on where the source stands."""
        self.context = None if source.context is None else source.context.copy()


def secret(key: "TransientObject | None") -> bytes:
    """Return the value of a state's symmetric key.

    Raises:
        TeeError: BAD_PARAMETERS: the object has no value yet.
    """
    if key is None:
        raise TeeError(numbers.ERROR_BAD_PARAMETERS)
    return key.secret()


def create(
    algorithm: int,
    mode: int,
    key1: "TransientObject | None" = None,
    key2: "TransientObject | None" = None,
) -> State:
    """Make the state of an operation, as OP-TEE's cryp_state_alloc does.

    Raises:
        TeeError: BAD_PARAMETERS: a key is missing, in use, of a wrong type, or one too many;
            NOT_IMPLEMENTED or NOT_SUPPORTED: no such algorithm.
    """
    algorithm = algorithms.translate_compat(algorithm)
    for key in (key1, key2):
        if key is None:
            continue
        if key.busy or key.type not in algorithms.key_types(algorithm, mode):
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
    return _make(algorithm, mode, key1, key2)


def _make(
    algorithm: int, mode: int, key1: "TransientObject | None", key2: "TransientObject | None"
) -> State:
    kind = algorithms.class_of(algorithm)
    if kind == numbers.OPERATION_DIGEST:
        _need(key1 is None and key2 is None)
        from realmos_agent.tee.crypto import digest

        return digest.make(algorithm, mode)
    if kind in {numbers.OPERATION_MAC, numbers.OPERATION_AE}:
        _need(key1 is not None and key2 is None)
        from realmos_agent.tee.crypto import aead, mac

        make = mac.make if kind == numbers.OPERATION_MAC else aead.make
        return make(algorithm, mode, key1)
    if kind == numbers.OPERATION_CIPHER:
        two = algorithm in {numbers.ALG_AES_XTS, numbers.ALG_SM4_XTS}
        _need(key1 is not None and (key2 is not None) == two)
        from realmos_agent.tee.crypto import cipher

        return cipher.make(algorithm, mode, key1, key2)
    if kind in {
        numbers.OPERATION_ASYMMETRIC_CIPHER,
        numbers.OPERATION_ASYMMETRIC_SIGNATURE,
        numbers.OPERATION_KEY_DERIVATION,
    }:
        two = algorithm == numbers.ALG_SM2_KEP
        if key1 is None or (key2 is not None) != two:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        from realmos_agent.tee.crypto import asymmetric

        return asymmetric.make(algorithm, mode, key1, key2)
    raise TeeError(numbers.ERROR_NOT_SUPPORTED)


def _need(keys_fit: bool) -> None:
    if not keys_fit:
        raise TeeError(numbers.ERROR_BAD_PARAMETERS)
