# SPDX-License-Identifier: BSD-3-Clause
"""Operations with asymmetric keys: their state, and which module does what."""

from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto import algorithms
from realmos_agent.tee.crypto.objects import Attributes, TransientObject
from realmos_agent.tee.crypto.operation import State
from realmos_agent.tee.errors import TeeError

__all__ = ["AsymmetricState", "make"]


class AsymmetricState(State):
    """A cipher or signature. It goes on from nothing: each call is whole."""

    def result_size(self) -> int:
        """Return how much room a result needs, where OP-TEE asks that before all else; or 0.

        A Trusted Application that asks for the size gets it, even of what then cannot be done.
        """
        encrypts = self.mode == n.MODE_ENCRYPT and self.algorithm != n.ALG_RSA_NOPAD
        if not encrypts or algorithms.main_of(self.algorithm) != n.MAIN_ALGO_RSA:
            return 0
        return len(self._key(n.ERROR_GENERIC).buffer(n.ATTR_RSA_MODULUS))

    def operate(self, params: Attributes, data: bytes) -> bytes:
        """Encrypt, decrypt or sign.

        Raises:
            TeeError: GENERIC: there is no key yet; BAD_PARAMETERS: the mode or the data do not go
                with the algorithm; others as the algorithm's module says.
        """
        key = self._key(n.ERROR_GENERIC)
        main = algorithms.main_of(self.algorithm)
        if main == n.MAIN_ALGO_RSA:
            from realmos_agent.tee.crypto import rsa

            return rsa.operate(self.algorithm, self.mode, key, params, data)
        if main == n.MAIN_ALGO_SM2_PKE:
            return self._sm2_cipher(key, data)
        if self.mode != n.MODE_SIGN:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        return self._sign(main, key, params, data)

    def verify(self, params: Attributes, data: bytes, signature: bytes) -> None:
        """Check a signature.

        Raises:
            TeeError: SIGNATURE_INVALID: it is not one; BAD_PARAMETERS: the state is not there to
                verify, or has no key yet; NOT_SUPPORTED: the algorithm makes no signatures.
        """
        if self.mode != n.MODE_VERIFY:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        key = self._key(n.ERROR_BAD_PARAMETERS)
        main = algorithms.main_of(self.algorithm)
        if main == n.MAIN_ALGO_RSA:
            from realmos_agent.tee.crypto import rsa

            rsa.verify(self.algorithm, key, params, data, signature)
        elif main == n.MAIN_ALGO_DSA:
            from realmos_agent.tee.crypto import dsa_dh

            dsa_dh.verify(self.algorithm, key, data, signature)
        elif main == n.MAIN_ALGO_ED25519:
            from realmos_agent.tee.crypto import ed25519

            ed25519.verify(key, params, data, signature)
        elif main == n.MAIN_ALGO_ECDSA:
            from realmos_agent.tee.crypto import ec

            ec.verify(ec.curve(key.value(n.ATTR_ECC_CURVE)), key, data, signature)
        elif self.algorithm == n.ALG_SM2_DSA_SM3:
            from realmos_agent.tee.crypto import sm2

            sm2.verify(key, data, signature)
        else:
            raise TeeError(n.ERROR_NOT_SUPPORTED)

    def _key(self, missing: int) -> TransientObject:
        if self.key1 is None or not self.key1.initialized:
            raise TeeError(missing)
        return self.key1

    def _sm2_cipher(self, key: TransientObject, data: bytes) -> bytes:
        from realmos_agent.tee.crypto import sm2

        if self.mode == n.MODE_ENCRYPT:
            return sm2.encrypt(key, data)
        if self.mode == n.MODE_DECRYPT:
            return sm2.decrypt(key, data)
        raise TeeError(n.ERROR_GENERIC)

    def _sign(self, main: int, key: TransientObject, params: Attributes, data: bytes) -> bytes:
        if main == n.MAIN_ALGO_DSA:
            from realmos_agent.tee.crypto import dsa_dh

            return dsa_dh.sign(self.algorithm, key, data)
        if main == n.MAIN_ALGO_ED25519:
            from realmos_agent.tee.crypto import ed25519

            return ed25519.sign(key, params, data)
        if main == n.MAIN_ALGO_ECDSA:
            from realmos_agent.tee.crypto import ec

            return ec.sign(ec.curve(key.value(n.ATTR_ECC_CURVE)), key, data)
        if self.algorithm == n.ALG_SM2_DSA_SM3:
            from realmos_agent.tee.crypto import sm2

            return sm2.sign(key, data)
        raise TeeError(n.ERROR_BAD_PARAMETERS)


def make(algorithm: int, mode: int, key1: TransientObject, key2: TransientObject | None) -> State:
    """Return the state of an operation with asymmetric keys, or of a derivation."""
    if algorithms.class_of(algorithm) == n.OPERATION_KEY_DERIVATION:
        from realmos_agent.tee.crypto import derive

        return derive.DeriveState(algorithm, mode, key1, key2)
    return AsymmetricState(algorithm, mode, key1, key2)
