# SPDX-License-Identifier: BSD-3-Clause
"""System calls 15 to 23 and 34 to 38, by their handlers; and the binding of libcrypto."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto import _libcrypto_abi, evp, libcrypto, libcrypto_cdef
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.handles import HandleTable
from realmos_agent.tee.syscalls import authenc, cipher, states
from realmos_agent.tee.syscalls import hash as hashes
from tee_states import key, refused

CALLS: dict[int, Any] = {
    **states.HANDLERS, **hashes.HANDLERS, **cipher.HANDLERS, **authenc.HANDLERS,
}  # fmt: skip


class Ta(SimpleNamespace):
    """A Trusted Application, as these calls see it."""

    def __init__(self) -> None:
        super().__init__(handles=HandleTable(), given=[], taken=[])

    def give_state(self, *state: object) -> None:
        self.given.append(state)

    def take_key(self, handle: int) -> None:
        self.taken.append(handle)

    def __call__(self, number: int, *arguments: object) -> Any:  # noqa: ANN401 - each call has its own
        return CALLS[number](self, *arguments)


@pytest.fixture
def ta() -> Ta:
    return Ta()


def test_a_digest_of_a_handle(ta: Ta) -> None:
    state = ta(n.CALL_CRYP_STATE_ALLOC, n.ALG_SHA256, n.MODE_DIGEST, 0, 0)
    ta(n.CALL_HASH_INIT, state, b"")
    ta(n.CALL_HASH_UPDATE, state, b"ab")
    made = ta(n.CALL_HASH_FINAL, state, b"c", 32)
    assert made.hex().startswith("ba7816bf")
    ta(n.CALL_CRYP_STATE_FREE, state)
    with refused(n.ERROR_BAD_PARAMETERS):
        ta(n.CALL_HASH_INIT, state, b"")


def test_a_state_keeps_its_keys_and_takes_them_along(ta: Ta) -> None:
    held = key(n.TYPE_AES, bytes(range(16)))
    handle = ta.handles.add(held)
    state = ta(n.CALL_CRYP_STATE_ALLOC, n.ALG_AES_CTR, n.MODE_ENCRYPT, handle, 0)
    assert held.busy
    with refused(n.ERROR_BAD_PARAMETERS):
        ta(n.CALL_CRYP_STATE_ALLOC, n.ALG_AES_CTR, n.MODE_ENCRYPT, handle, 0)
    ta(n.CALL_CIPHER_INIT, state, bytes(16))
    made = ta(n.CALL_CIPHER_UPDATE, state, bytes(3), 3) + ta(n.CALL_CIPHER_FINAL, state, b"", 0)
    assert len(made) == 3
    ta(n.CALL_CRYP_STATE_FREE, state)
    assert not len(ta.handles)
    assert not held.attributes


def test_a_refused_state_leaves_its_keys_alone(ta: Ta) -> None:
    held = key(n.TYPE_AES, bytes(16))
    handle = ta.handles.add(held)
    with refused(n.ERROR_BAD_PARAMETERS):
        ta(n.CALL_CRYP_STATE_ALLOC, n.ALG_HMAC_SHA1, n.MODE_MAC, handle, 0)
    with refused(n.ERROR_BAD_PARAMETERS):
        ta(n.CALL_CRYP_STATE_ALLOC, n.ALG_AES_XTS, n.MODE_ENCRYPT, handle, handle)
    with refused(n.ERROR_BAD_STATE):
        ta(n.CALL_CRYP_STATE_ALLOC, n.ALG_AES_CTR, n.MODE_ENCRYPT, 77, 0)
    assert not held.busy


def test_states_are_copied_within_an_algorithm_and_a_mode(ta: Ta) -> None:
    one, two, other = (
        ta(n.CALL_CRYP_STATE_ALLOC, algorithm, n.MODE_DIGEST, 0, 0)
        for algorithm in (n.ALG_SHA1, n.ALG_SHA1, n.ALG_MD5)
    )
    ta(n.CALL_HASH_INIT, one, b"")
    ta(n.CALL_HASH_UPDATE, one, b"abc")
    ta(n.CALL_CRYP_STATE_COPY, two, one)
    ta(n.CALL_CRYP_STATE_COPY, one, one)
    assert ta(n.CALL_HASH_FINAL, two, b"", 64) == ta(n.CALL_HASH_FINAL, one, b"", 64)
    with refused(n.ERROR_BAD_PARAMETERS):
        ta(n.CALL_CRYP_STATE_COPY, other, one)


def test_aead_of_a_handle(ta: Ta) -> None:
    made = []
    for mode in (n.MODE_ENCRYPT, n.MODE_DECRYPT):
        handle = ta.handles.add(key(n.TYPE_AES, bytes(16)))
        made.append(ta(n.CALL_CRYP_STATE_ALLOC, n.ALG_AES_GCM, mode, handle, 0))
        ta(n.CALL_AUTHENC_INIT, made[-1], bytes(12), 16, 0, 0)
        ta(n.CALL_AUTHENC_UPDATE_AAD, made[-1], b"aad")
    first = ta(n.CALL_AUTHENC_UPDATE_PAYLOAD, made[0], b"hello ", 6)
    second, tag = ta(n.CALL_AUTHENC_ENC_FINAL, made[0], b"world", 5, 16)
    assert ta(n.CALL_AUTHENC_DEC_FINAL, made[1], first + second, 11, tag) == b"hello world"


def test_a_state_of_another_kind_is_refused(ta: Ta) -> None:
    digest = ta(n.CALL_CRYP_STATE_ALLOC, n.ALG_SHA1, n.MODE_DIGEST, 0, 0)
    handle = ta.handles.add(key(n.TYPE_AES, bytes(16)))
    ctr = ta(n.CALL_CRYP_STATE_ALLOC, n.ALG_AES_CTR, n.MODE_ENCRYPT, handle, 0)
    with refused(n.ERROR_BAD_STATE):
        ta(n.CALL_CIPHER_INIT, digest, bytes(16))
    with refused(n.ERROR_BAD_STATE):
        ta(n.CALL_AUTHENC_INIT, digest, bytes(12), 16, 0, 0)
    with refused(n.ERROR_BAD_PARAMETERS):
        ta(n.CALL_HASH_INIT, ctr, b"")
    ta(n.CALL_HASH_UPDATE, ctr, b"")  # nothing is never wrong


def _fitting(kind: int) -> st.SearchStrategy[object]:
    if kind == n.ARG_IN:
        return st.binary(max_size=70)
    if kind == n.ARG_OUT:
        return st.one_of(st.integers(0, 80), st.integers(0, (1 << 64) - 2))
    return st.one_of(st.integers(0, 20), st.integers(0, (1 << 32) - 1))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_hostile_ta_gets_results_only(draw: st.DataObject) -> None:
    ta = Ta()
    for kind in (n.TYPE_AES, n.TYPE_AES, n.TYPE_HMAC_SHA256, n.TYPE_DES, n.TYPE_SM4):
        ta.handles.add(key(kind, bytes({n.TYPE_DES: 8, n.TYPE_HMAC_SHA256: 32}.get(kind, 16))))
    for algorithm, mode, one, two in (
        (n.ALG_SHAKE128, n.MODE_DIGEST, 0, 0), (n.ALG_HMAC_SHA256, n.MODE_MAC, 3, 0),
        (draw.draw(st.sampled_from([n.ALG_AES_CCM, n.ALG_AES_GCM, n.ALG_AES_CTR])), 0, 1, 0),
        (draw.draw(st.sampled_from([n.ALG_AES_CTS, n.ALG_AES_CMAC])), 0, 2, 0),
    ):  # fmt: skip
        ta(n.CALL_CRYP_STATE_ALLOC, algorithm, mode, one, two)
    for number in draw.draw(st.lists(st.sampled_from(sorted(CALLS)), max_size=25)):
        _, arguments = n.CALLS[number]
        values = [draw.draw(_fitting(kind)) for _, kind, _ in arguments if kind != n.ARG_RET32]
        try:
            ta(number, *values)
        except TeeError as error:
            assert error.code >= 0xF0000000  # noqa: PT017 - any result but success will do


def test_the_binding_is_made_of_its_declarations(tmp_path: Path) -> None:
    assert _libcrypto_abi.__file__
    libcrypto_cdef.generate(str(tmp_path / libcrypto_cdef.TARGET))
    made = (tmp_path / libcrypto_cdef.TARGET).read_text()
    assert Path(_libcrypto_abi.__file__).read_text() == made, "run libcrypto_cdef.py"


def test_libcrypto_says_why_it_refused() -> None:
    with pytest.raises(libcrypto.LibcryptoError, match="no AES-129-CBC: error:"):
        evp.Cipher("AES-129-CBC", bytes(17), bytes(16), encrypt=True)
    assert libcrypto.reason() == "no reason given"


def test_a_machine_without_libcrypto_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libcrypto, "_NAMES", ("libnone.so.1", "libnone.so.2"))
    with pytest.raises(libcrypto.LibcryptoError, match=r"libnone\.so\.1.*libnone\.so\.2"):
        libcrypto.library.__wrapped__()
