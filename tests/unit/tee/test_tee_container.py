# SPDX-License-Identifier: BSD-3-Clause
"""Signed containers: what OP-TEE accepts is accepted, and everything else is refused."""

import struct
from collections.abc import Callable
from functools import cache, partial
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from realmos_agent.tee import numbers as tee
from realmos_agent.tee.loader import (
    Keys,
    LoadError,
    RootKey,
    Versions,
    development_key,
    development_keys,
    root_key,
)
from realmos_agent.tee.loader.container import Verified, VersionClaim, newest, read, verify
from realmos_agent.tee.storage import MemoryBackend, Storage, Store, StoreError
from ta_files import OTHER, TA, Level, Ta, chain, make_key

ELF = bytes(range(64))
ALGORITHMS = [
    0x70313930, 0x70414930, 0x70515930, 0x70616930, 0x70003830, 0x70004830, 0x70005830, 0x70006830,
]  # fmt: skip
SECRET = bytes(range(32))


def keys(encryption: dict[int, bytes] | None = None) -> Keys:
    others = RootKey("another", make_key("another").public_key())
    return Keys((others, RootKey("ours", make_key().public_key())), encryption or {})


def check(data: bytes, uuid: UUID = TA, keys: Keys = keys()) -> bytes:  # noqa: B008 -- a constant
    return verify(read(data), keys, uuid).elf


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_ta_signed_by_any_algorithm_is_accepted(algorithm: int) -> None:
    verified = verify(read(Ta(ELF, algorithm=algorithm, version=7).signed()), keys(), TA)
    assert verified.elf == ELF
    assert verified.root.name == "ours"
    assert verified.versions == (VersionClaim(subkey=False, uuid=TA, version=7),)


@pytest.mark.parametrize("algorithm", [0x70002830, 0x70212930, 0x70001830, 0x70414931, 0])
def test_weak_and_unknown_algorithms_are_refused(algorithm: int) -> None:
    data = bytearray(Ta(ELF).signed())
    struct.pack_into("<I", data, 12, algorithm)
    with pytest.raises(LoadError, match="unknown or too weak"):
        check(bytes(data))


def test_oldest_type_of_container_has_no_uuid_and_is_accepted() -> None:
    container = read(Ta(ELF, image_type=tee.SHDR_IMAGE_TA).signed())
    assert container.uuid is None
    assert verify(container, keys(), OTHER).versions == ()


def test_ta_of_another_uuid_is_refused() -> None:
    with pytest.raises(LoadError, match=f"it is TA {TA}, not {OTHER}") as caught:
        check(Ta(ELF).signed(), OTHER)
    assert caught.value.code == tee.ERROR_SECURITY


def test_ta_signed_by_a_stranger_is_refused() -> None:
    with pytest.raises(LoadError, match=r"not signed by a configured key \(another, ours\)"):
        check(Ta(ELF).signed(make_key("stranger")))
    with pytest.raises(LoadError, match=r"\(no key\)"):
        check(Ta(ELF).signed(), keys=Keys(()))


@cache
def chained() -> tuple[UUID, bytes]:
    top = Level(make_key("top"), 5, b"middle\0\0")
    middle = Level(make_key("middle"), 3, b"ta\0\0\0\0")
    return chain([top, middle], OTHER, Ta(ELF))


@pytest.mark.parametrize("make", [lambda: (TA, Ta(ELF).signed()), chained])
def test_container_cut_anywhere_is_refused(make: Callable[[], tuple[UUID, bytes]]) -> None:
    uuid, data = make()
    assert check(data, uuid) == ELF
    for size in range(len(data)):
        with pytest.raises(LoadError, match="cut short"):
            read(data[:size])
    with pytest.raises(LoadError, match="1 bytes follow"):
        read(data + b"\0")


@pytest.mark.parametrize("make", [lambda: (TA, Ta(ELF).signed()), chained])
def test_every_byte_counts(make: Callable[[], tuple[UUID, bytes]]) -> None:
    uuid, data = make()
    # A name ends at its first NUL; OP-TEE does not look at what pads it.
    names = ((data.find(b"middle\0\0"), 8), (data.find(b"ta\0\0\0\0"), 6))
    padding = {at + n for at, size in names if at > 0 for n in range(size) if not data[at + n]}
    firsts = {data.index(b"\0", at) for at, _ in names if at > 0}
    for at in sorted(set(range(len(data))) - (padding - firsts)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        with pytest.raises(LoadError):
            check(bytes(changed), uuid)


def test_chain_of_subkeys_is_followed_to_any_depth() -> None:
    levels = [Level(make_key(f"level {n}"), 20 - n, b"x" * n) for n in range(5)]
    uuid, data = chain(levels, OTHER, Ta(ELF, version=3))
    verified = verify(read(data), keys(), uuid)
    assert verified.elf == ELF
    assert [claim.subkey for claim in verified.versions] == [True] * 5 + [False]
    assert verified.versions[0] == VersionClaim(subkey=True, uuid=OTHER, version=1)


def test_chain_of_subkeys_ends_somewhere() -> None:
    levels = [Level(make_key("top"), 40 - n) for n in range(17)]
    uuid, data = chain(levels[:16], OTHER, Ta(ELF))
    assert check(data, uuid) == ELF
    _, data = chain(levels, OTHER, Ta(ELF))
    with pytest.raises(LoadError, match="more than 16 subkeys"):
        read(data)


@pytest.mark.parametrize(("attribute", "size"), [(0, 8), (1, 512)])
def test_subkey_of_numbers_that_cost_much_is_refused(attribute: int, size: int) -> None:
    level = Level(make_key("top"), 0)
    body = bytearray(level.body(TA) + bytes(1024))
    at = 36 + 12 * attribute + 8
    for length, refused in ((size, False), (size + 1, True)):
        struct.pack_into("<I", body, at, length)
        with pytest.MonkeyPatch().context() as patch:
            patch.setattr(Level, "body", lambda *_: bytes(body))
            _, data = chain([level], TA, Ta(ELF))
        if refused:
            with pytest.raises(LoadError, match=f"number of more than {size} bytes"):
                read(data)
        else:
            read(data)


def test_subkey_without_a_name_signs_a_ta_of_its_own_uuid_only() -> None:
    uuid, data = chain([Level(make_key("top"), 0)], TA, Ta(ELF))
    assert uuid == TA
    assert check(data) == ELF
    level = Level(make_key("top"), 0, uuid=OTHER)
    head = chain([level], TA, Ta(ELF))[1][: -len(Ta(ELF).signed())]
    with pytest.raises(LoadError, match=f"subkey {OTHER} signs TA {OTHER}, not {TA}"):
        check(head + Ta(ELF).signed(level.key))


@pytest.mark.parametrize("depth", [3, 4])
def test_depth_of_subkeys_must_shrink(depth: int) -> None:
    levels = [Level(make_key("top"), 3, b"a"), Level(make_key("middle"), depth, b"b")]
    uuid, data = chain(levels, OTHER, Ta(ELF))
    with pytest.raises(LoadError, match=f"allows depth {depth}, and stands below"):
        check(data, uuid)


def test_subkey_outside_of_its_name_space_is_refused() -> None:
    levels = [Level(make_key("top"), 3, b"a"), Level(make_key("middle"), 2, b"b", uuid=TA)]
    uuid, data = chain(levels, OTHER, Ta(ELF))
    with pytest.raises(LoadError, match=rf"subkey {OTHER} signs \S+, not {TA}"):
        check(data, uuid)


def test_what_a_subkey_did_not_sign_is_refused() -> None:
    level = Level(make_key("top"), 0)
    _, data = chain([level], TA, Ta(ELF))
    size = len(Ta(ELF).signed(level.key))
    assert check(data[:-size] + Ta(ELF).signed(level.key)) == ELF
    with pytest.raises(LoadError, match="not signed by subkey"):
        check(data[:-size] + Ta(ELF).signed())


def test_subkey_that_is_no_rsa_key_is_refused() -> None:
    _, data = chain([Level(make_key("top"), 0, algorithm=0x70003041)], TA, Ta(ELF))
    with pytest.raises(LoadError, match="not RSA"):
        check(data)


@pytest.mark.parametrize(
    ("offset", "value"), [(36 + 4, 0xFFFFFFFF), (36 + 8, 0x10000), (32, 0xFFFFFFFF), (32, 1)]
)
def test_attributes_of_a_subkey_are_within_it(offset: int, value: int) -> None:
    level = Level(make_key("top"), 0)
    body = bytearray(level.body(TA))
    struct.pack_into("<I", body, offset, value)
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(Level, "body", lambda *_: bytes(body))
        _, data = chain([level], TA, Ta(ELF))
    with pytest.raises(LoadError, match="subkey"):
        check(data)


def test_attributes_of_a_subkey_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read before anybody vouches for them."""
    level = Level(make_key("top"), 0)
    body = bytearray(level.body(TA)).ljust(36 + 65 * 12, b"\0")
    struct.pack_into("<I", body, 32, 65)
    monkeypatch.setattr(Level, "body", lambda *_: bytes(body))
    with pytest.raises(LoadError, match="more than 64 attributes"):
        read(chain([level], TA, Ta(ELF))[1])


def test_encrypted_ta_needs_its_key() -> None:
    ta = Ta(ELF, image_type=tee.SHDR_IMAGE_ENCRYPTED_TA, encryption=SECRET)
    assert check(ta.signed(), keys=keys({0: SECRET})) == ELF
    with pytest.raises(LoadError, match="encrypted with a device-specific key") as caught:
        check(ta.signed())
    assert caught.value.code == tee.ERROR_NOT_SUPPORTED
    with pytest.raises(LoadError, match="class-wide"):
        check(ta.but(key_type=1).signed(), keys=keys({0: SECRET}))
    with pytest.raises(LoadError, match="its encryption key is another"):
        check(ta.signed(), keys=keys({0: bytes(32)}))
    with pytest.raises(LoadError, match="only AES-GCM"):
        check(ta.but(encryption_algorithm=tee.ALG_AES_CCM).signed(), keys=keys({0: SECRET}))
    development = keys(dict(development_keys().encryption))
    assert check(ta.but(encryption=development.encryption[0]).signed(), keys=development) == ELF


def test_encrypted_bytes_all_count() -> None:
    ta = Ta(ELF, image_type=tee.SHDR_IMAGE_ENCRYPTED_TA, encryption=SECRET)
    data = ta.signed()
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(LoadError):
            check(bytes(changed), keys=keys({0: SECRET, 1: bytes(32)}))


def test_older_versions_are_refused() -> None:
    ta = VersionClaim(subkey=False, uuid=TA, version=3)
    subkey = VersionClaim(subkey=True, uuid=OTHER, version=0)
    assert newest((subkey, ta), {}) == {(False, TA): 3}
    assert newest((ta,), {(False, TA): 2, (True, TA): 9}) == {(False, TA): 3}
    assert newest((ta,), {(False, TA): 3}) == {}
    with pytest.raises(LoadError, match="older than version 4") as caught:
        newest((ta,), {(False, TA): 4})
    assert caught.value.code == tee.ERROR_ACCESS_CONFLICT
    with pytest.raises(LoadError) as caught:
        newest((subkey,), {(True, OTHER): 1})
    assert caught.value.code == tee.ERROR_SECURITY


def test_versions_are_remembered() -> None:
    def verified(version: int) -> Verified:
        return verify(read(Ta(ELF, version=version).signed()), keys(), TA)

    saved: list[bytes] = []
    versions = Versions(save=saved.append)
    for version in (0, 1, 2, 2):
        versions.accept(TA, verified(version))
    assert len(saved) == 2
    for remembering in (versions, Versions(lambda: saved[-1])):
        with pytest.raises(LoadError, match="is version 1, older than version 2"):
            remembering.accept(TA, verified(1))
    Versions(lambda: saved[0]).accept(TA, verified(1))
    with pytest.raises(LoadError, match="list of TAs' versions is damaged"):
        Versions(lambda: saved[0][1:]).accept(TA, verified(1))


def test_versions_are_kept_with_what_tas_store() -> None:
    def versions() -> Versions:
        storage = Storage(Store(backend, bytes(32)))
        return Versions(partial(storage.note, b"versions"), partial(storage.set_note, b"versions"))

    def verified(version: int) -> Verified:
        return verify(read(Ta(ELF, version=version).signed()), keys(), TA)

    backend = MemoryBackend()
    versions().accept(TA, verified(2))
    with pytest.raises(LoadError, match="is version 1, older than version 2"):
        versions().accept(TA, verified(1))
    for name in backend.names():
        backend.put(name, bytes(100))
    for _ in range(2):
        with pytest.raises(StoreError, match="index"):
            versions().accept(TA, verified(2))


def test_versions_that_another_core_saved_meanwhile_count() -> None:
    """What is kept is looked at each time, and nothing that was known is forgotten either."""

    def verified(version: int) -> Verified:
        return verify(read(Ta(ELF, version=version).signed()), keys(), TA)

    saved: list[bytes] = []
    one, two = (Versions(lambda: saved[-1] if saved else None, saved.append) for _ in range(2))
    one.accept(TA, verified(1))
    two.accept(TA, verified(3))
    with pytest.raises(LoadError, match="is version 2, older than version 3"):
        one.accept(TA, verified(2))
    saved.clear()
    with pytest.raises(LoadError, match="is version 2, older than version 3"):
        one.accept(TA, verified(2))


def test_version_that_cannot_be_saved_is_not_loaded() -> None:
    def fail(_: bytes) -> None:
        raise OSError

    versions = Versions(save=fail)
    for _ in range(2):
        with pytest.raises(OSError):  # noqa: PT011 -- the very one
            versions.accept(TA, verify(read(Ta(ELF, version=1).signed()), keys(), TA))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.binary(max_size=40), st.integers(0, 400))
def test_reading_never_does_anything_but_refuse(data: bytes, more: bytes, at: int) -> None:
    good = chained()[1]
    for hostile in (data, struct.pack("<II", 0x4F545348, at % 4) + data, good[:at] + more):
        with pytest.raises(LoadError):
            read(hostile)


def test_keys_are_read_from_files() -> None:
    private, public = make_key(), make_key().public_key()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert root_key(pem, "mine").key == public
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert root_key(pem, "mine") == RootKey("mine", public)
    assert not root_key(pem, "mine").is_development
    assert development_key().is_development
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(ValueError, match="mine holds no RSA key"):
        root_key(pem, "mine")
