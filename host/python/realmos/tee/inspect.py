# SPDX-License-Identifier: BSD-3-Clause
"""What is in a `.ta` file: who signed it, what it asks for, what it calls; by the realm's loader.

Nothing of the TA runs. What the loader would refuse is told as well as the rest can be.
"""

import hashlib
import itertools
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar
from uuid import UUID

from realmos_agent.tee import numbers as tee
from realmos_agent.tee.loader import (
    Keys,
    Loader,
    LoadError,
    MissingLibraryError,
    Placed,
    RootKey,
    UnknownSignerError,
    development_keys,
    root_key,
)
from realmos_agent.tee.loader import elf_numbers as elf
from realmos_agent.tee.loader.container import Container, Verified, read, verify
from realmos_agent.tee.loader.elf import SPAN_MAX, parse
from realmos_agent.tee.loader.elf_image import ElfImage
from realmos_agent.tee.loader.image import prepare
from realmos_agent.tee.loader.patch import find
from realmos_agent.tee.loader.patch import number as call_number

from realmos.errors import ConfigError
from realmos.tee._properties import DATA_SIZE, Property, read_properties

_T = TypeVar("_T")
_HEAD = struct.Struct(tee.TA_HEAD_FORMAT)


@dataclass(frozen=True)
class Signer:
    """A link of a signature chain: what vouches, and by which algorithm.

    Attributes:
        signs: `subkey` or `TA`.
        uuid: of what is signed.
        algorithm: the signature's, in OP-TEE's words.
        bits: size of the signature, and so of the key.
        version: below which OP-TEE, having seen this, loads none.
        max_depth: of a subkey: how many may stand below it.
    """

    signs: str
    uuid: str
    algorithm: str
    bits: int
    version: int
    max_depth: int | None = None


@dataclass(frozen=True)
class SystemCall:
    """An `svc` instruction: its address in the object, and the call, if that can be told."""

    address: int
    number: int | None
    name: str


@dataclass(frozen=True)
class Program:
    """What the ELF object in a `.ta` says.

    Attributes:
        head_uuid: the UUID in `ta_head`; empty in a library, which has none.
        flags: names of what `ta_head` has set.
        stack: bytes, the framework's share among them.
        heap: bytes; None when the TA does not tell.
        memory: bytes of address space, without stack.
        segments: address, size and protection of each.
        needed: UUIDs of the libraries it is linked with.
        soname: its own name, as a library.
        imports: symbols that it takes from other objects.
        exports: symbols that others can take from it.
        relocations: how many there are.
        bti: its branch targets are marked.
    """

    head_uuid: str
    flags: tuple[str, ...]
    stack: int
    heap: int | None
    memory: int
    entry: int
    segments: tuple[tuple[int, int, str], ...]
    properties: tuple[Property, ...]
    needed: tuple[str, ...]
    soname: str | None
    imports: tuple[str, ...]
    exports: tuple[str, ...]
    relocations: int
    bti: bool
    calls: tuple[SystemCall, ...]


@dataclass(frozen=True)
class Inspection:
    """What is in a `.ta` file.

    Attributes:
        uuid: what it would be loaded as.
        image: the type of its container.
        chain: who signs what, from the root on.
        root: the configured key that vouches for it; empty when none does.
        development: that key is OP-TEE's development key, which everybody has.
        problems: why the realm's loader would refuse it.
        lacking: those of them that are libraries which are not beside the file.
        unvouched: those of them that say that no configured key vouches for it, or for a library.
        program: None when it cannot be read.
    """

    path: Path
    size: int
    sha256: str
    uuid: str
    image: str
    digest: str
    chain: tuple[Signer, ...]
    root: str
    development: bool
    problems: tuple[str, ...] = field(default=())
    lacking: tuple[str, ...] = field(default=())
    unvouched: tuple[str, ...] = field(default=())
    program: Program | None = None

    @property
    def kind(self) -> str:
        """What it is, in a word or two."""
        if self.program is None:
            return "unreadable"
        return "Trusted Application" if self.program.head_uuid else "shared library"


def read_keys(paths: Sequence[Path]) -> Keys:
    """Return the keys in PEM files, or OP-TEE's development keys if there are none.

    Raises:
        ConfigError: a file is no RSA key.
    """
    if not paths:
        return development_keys()
    return Keys(tuple(_read_key(path) for path in paths))


def _read_key(path: Path) -> RootKey:
    try:
        return root_key(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (TypeError, ValueError) as error:  # the former for want of a passphrase
        raise ConfigError(
            f"key {path} cannot be used: {error}",
            hint="an RSA key in PEM, best its public half: openssl rsa -in KEY -pubout -out PUB",
        ) from error


def inspect_ta(path: Path, keys: Keys) -> Inspection:
    """Return what is in a `.ta` file.

    Args:
        path: the file; its name is its UUID, where the container has none.
        keys: that may vouch for it.

    Raises:
        ConfigError: it cannot be read, or is no signed TA at all.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    try:
        container = read(data)
    except LoadError as error:
        raise ConfigError(
            f"{path}: {error}",
            hint="a .ta file is what OP-TEE's dev kit signs; the .elf beside it is not one",
        ) from error
    uuid, problems = container_uuid(container, path), dict[str, LoadError]()
    verified = _attempt(lambda: verify(container, keys, uuid), problems)
    image = _image(verified, container, problems)
    program = None if image is None else _program(image, problems)
    if image is not None:
        _attempt(lambda: _load(path, uuid, image, keys), problems)
    return Inspection(
        path=path,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        uuid=str(uuid),
        image=_image_name(container.header.type),
        digest=container.header.digest.hex(),
        chain=tuple(_chain(container, uuid)),
        root="" if verified is None else verified.root.name,
        development=verified is not None and verified.root.is_development,
        problems=tuple(problems),
        lacking=_only(MissingLibraryError, problems),
        unvouched=_only(UnknownSignerError, problems),
        program=program,
    )


def _attempt(check: Callable[[], _T], problems: dict[str, LoadError]) -> _T | None:
    """Return what a part of the loader returns, or note why it refuses."""
    try:
        return check()
    except LoadError as error:
        problems.setdefault(str(error), error)
        return None


def _only(kind: type[LoadError], problems: dict[str, LoadError]) -> tuple[str, ...]:
    return tuple(said for said, error in problems.items() if isinstance(error, kind))


def _load(path: Path, uuid: UUID, image: ElfImage, keys: Keys) -> None:
    """Do all that the realm does with a TA between its signature's verification and its entry.

    Libraries are those beside the file.
    """

    def fetch(wanted: UUID) -> bytes | None:
        beside = path.with_name(f"{wanted}.ta")
        return beside.read_bytes() if beside.is_file() else None

    loader, main = Loader(fetch, keys), prepare(image)
    if image.soname is None:
        addresses = itertools.count(SPAN_MAX, SPAN_MAX)
        Placed(
            uuid,
            lambda wanted: main if wanted == uuid else loader.prepare(wanted),
            0,
            lambda _size: next(addresses),
        )


def container_uuid(container: Container, path: Path) -> UUID:
    """Return what a TA would be loaded as.

    Raises:
        ConfigError: neither container nor file name says it.
    """
    if container.uuid is not None:
        return container.uuid
    if container.subkeys:
        return container.subkeys[-1].next_uuid
    try:
        return UUID(path.stem)
    except ValueError as error:
        raise ConfigError(
            f"{path} says nowhere what its UUID is", hint="name the file UUID.ta"
        ) from error


def _chain(container: Container, uuid: UUID) -> Iterator[Signer]:
    for subkey in container.subkeys:
        yield Signer(
            signs="subkey",
            uuid=str(subkey.uuid),
            algorithm=_algorithm_name(subkey.header.algorithm),
            bits=8 * len(subkey.header.signature),
            version=subkey.version,
            max_depth=subkey.max_depth,
        )
    header = container.header
    name, bits = _algorithm_name(header.algorithm), 8 * len(header.signature)
    yield Signer("TA", str(uuid), name, bits, container.version)


def _image(
    verified: Verified | None, container: Container, problems: dict[str, LoadError]
) -> ElfImage | None:
    """Return the object, though it may be nobody's; None when it cannot be read."""
    if verified is None and container.encryption is not None:
        return None
    data = container.payload if verified is None else verified.elf
    return _attempt(lambda: parse(data), problems)


def _program(image: ElfImage, problems: dict[str, LoadError]) -> Program:
    """Return what the object says."""
    head = _attempt(lambda: _head(image), problems) or _NO_HEAD
    properties = read_properties(image)
    heap = next((each.value for each in properties if each.name == DATA_SIZE), None)
    return Program(
        head_uuid=head.uuid,
        flags=head.flags,
        stack=head.stack,
        heap=heap if isinstance(heap, int) else None,
        memory=image.span,
        entry=image.entry,
        segments=tuple((each.vaddr, each.size, _protection(each.flags)) for each in image.segments),
        properties=properties,
        needed=image.needed,
        soname=image.soname,
        imports=tuple(sorted({s.name for s in image.symbols if s.name and not s.defined})),
        exports=tuple(sorted(image.exports)),
        relocations=len(image.relocations),
        bti=image.bti,
        calls=tuple(_calls(image)),
    )


class _Head(NamedTuple):
    uuid: str
    stack: int
    flags: tuple[str, ...]


_NO_HEAD = _Head("", 0, ())


def _head(image: ElfImage) -> _Head:
    symbol = image.exports.get("ta_head")
    if symbol is None and image.soname is not None:
        return _NO_HEAD
    address = 0 if symbol is None else symbol.value
    uuid, stack, flags, _ = _HEAD.unpack(image.read(address, _HEAD.size, "ta_head"))
    return _Head(str(UUID(bytes_le=uuid)), stack, tuple(_flag_names(flags)))


def _flag_names(flags: int) -> Iterator[str]:
    prefix = "TA_FLAG_"
    known = {
        value: name.removeprefix(prefix)
        for name, value in vars(tee).items()
        if name.startswith(prefix) and value != tee.TA_FLAG_MASK
    }
    for bit in (1 << index for index in range(flags.bit_length())):
        if flags & bit:
            yield known.get(bit, f"{bit:#x}")


def _calls(image: ElfImage) -> Iterator[SystemCall]:
    for start, end in image.code:
        code = image.read(start, end - start, "code")
        for at in find(code):
            number = call_number(code, at)
            name = "" if number is None else tee.CALLS.get(number, (f"call {number}", ()))[0]
            yield SystemCall(start + at, number, name.lower())


def _protection(flags: int) -> str:
    letters = zip("rwx", (elf.PF_R, elf.PF_W, elf.PF_X), strict=True)
    return "".join(letter if flags & flag else "-" for letter, flag in letters)


def _algorithm_name(number: int) -> str:
    prefix = "ALG_RSASSA"
    for name, value in vars(tee).items():
        if name.startswith(prefix) and value == number:
            return f"TEE_{name}"
    return f"{number:#x}"


def _image_name(kind: int) -> str:
    names = {
        tee.SHDR_IMAGE_TA: "TA",
        tee.SHDR_IMAGE_BOOTSTRAP_TA: "bootstrap TA",
        tee.SHDR_IMAGE_ENCRYPTED_TA: "encrypted TA",
    }
    return names[kind]
