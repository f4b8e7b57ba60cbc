# SPDX-License-Identifier: BSD-3-Clause
"""Whatever a stranger sends, attestation answers it: no exception but the documented ones.

    fuzz_attest.py run CORPUS             run the saved inputs
    fuzz_attest.py unpack CORPUS FOLDER   make a file of each
    fuzz_attest.py pack CORPUS FOLDER     save the files of a folder, and forget the others

An input's first byte says what the rest is: see `TARGETS`.
"""

import base64
import binascii
import contextlib
import hashlib
import json
import struct
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from realmos.attest import (
    Anchor,
    Policy,
    ReferenceComponent,
    ReferenceRem,
    ReferenceRim,
    Verdict,
    export_corim,
    import_ccatoken,
    import_corim,
    parse_token,
    read_policy,
    verify,
    verify_certificate,
    write_policy,
)
from realmos.errors import ConfigError, TokenError
from rich.console import Console

NONCE: Final = bytes(range(64))
POLICY: Final = Policy(
    anchors=(
        Anchor(
            kind="development",
            public_key=ec.derive_private_key(0x1234567, ec.SECP384R1()).public_key(),
            implementation_id=bytes(range(32)),
        ),
    ),
    configs=(b"\xc0\xfe",),
    components=(
        ReferenceComponent("RMM", b"\xaa" * 32),
        ReferenceComponent("AP_BL31", b"\xbb" * 32),
    ),
    rims=(ReferenceRim("linux", b"\x33" * 32),),
    rems=(ReferenceRem(1, (bytes(32),)),),
)
_HEADER: Final = bytes.fromhex("a1013822")
_CONSOLE: Final = Console(file=open("/dev/null", "w", encoding="utf-8"), width=100)  # noqa: SIM115, PTH123 (for as long as the process)


def token(data: bytes) -> Verdict:
    """A whole CCA token."""
    verdict = verify(data, POLICY, nonce=NONCE)
    parsed = None
    with contextlib.suppress(TokenError):
        parsed = parse_token(data)
    assert (verdict.token is None) == (parsed is None)
    assert verdict.token is not None or not verdict.passed
    _render(verdict)
    return verdict


def claims(data: bytes) -> None:
    """Two bytes of length, the platform's claims, and the realm's, which nobody signed."""
    if len(data) < 2:
        return
    (size,) = struct.unpack_from(">H", data)
    parts = data[2 : 2 + size], data[2 + size :]
    signed = [cbor2.dumps(cbor2.CBORTag(18, [_HEADER, {}, part, b"\1" * 96])) for part in parts]
    envelope = dict(zip((44234, 44241), signed, strict=True))
    assert not token(cbor2.dumps(cbor2.CBORTag(399, envelope))).passed


def certificate(data: bytes) -> None:
    """A certificate in DER, from whoever answers."""
    _render(verify_certificate(data, POLICY, nonce=NONCE))


def corim(data: bytes) -> None:
    """A CoRIM."""
    try:
        policy = import_corim(data, anchors=POLICY.anchors)
    except ConfigError:
        return
    _same_again(policy)
    for part in ("realm", "platform"):
        try:
            again = export_corim(policy, part)
        except ConfigError:
            continue
        kept = import_corim(again, anchors=policy.anchors if part == "platform" else ())
        if part == "realm":
            assert [rim.value for rim in kept.rims] == [rim.value for rim in policy.rims]
            assert (kept.rems, kept.rpvs) == (policy.rems, policy.rpvs)


def realm_comid(data: bytes) -> None:
    """A CoMID of realms."""
    _comid("realm", data)


def platform_comid(data: bytes) -> None:
    """A CoMID of platforms."""
    _comid("platform", data)


def toml(data: bytes) -> None:
    """A policy."""
    try:
        policy = read_policy(data.decode())
    except (ConfigError, UnicodeDecodeError):
        return
    _same_again(policy)


def stores(data: bytes) -> None:
    """Texts of `ta.json` and `rv.json`, with a zero between them."""
    ta, _, rv = data.partition(b"\0")
    try:
        policy = import_ccatoken(ta.decode(), rv.decode())
    except (ConfigError, UnicodeDecodeError):
        return
    _same_again(policy)


TARGETS: Final[dict[int, Callable[[bytes], object]]] = {
    ord("T"): token,
    ord("C"): claims,
    ord("X"): certificate,
    ord("R"): corim,
    ord("M"): realm_comid,
    ord("N"): platform_comid,
    ord("P"): toml,
    ord("J"): stores,
}


def run(data: bytes) -> None:
    """Give an input to its target."""
    target = TARGETS.get(data[0]) if data else None
    if target is not None:
        target(data[1:])


def _comid(part: str, data: bytes) -> None:
    fields = {
        0: "id",
        1: [cbor2.CBORTag(506, data)],
        3: cbor2.CBORTag(32, f"tag:arm.com,2025:cca_{part}#1.0.0"),
    }
    corim(cbor2.dumps(cbor2.CBORTag(501, fields)))


def _render(verdict: Verdict) -> None:
    """Use all that a verdict offers, and hold its renderings to it."""
    json.dumps(verdict.to_json(), allow_nan=False).encode()
    _CONSOLE.print(verdict.to_table())
    ear = verdict.to_ear()
    json.dumps(ear, allow_nan=False).encode()
    submodules = ear["submods"]
    assert isinstance(submodules, dict)
    states = [part["ear.status"] for part in submodules.values()]
    assert verdict.passed or states.count("affirming") < len(states)
    assert verdict.passed == (verdict.first_failure is None)
    assert all(check.name.isprintable() for root in verdict.checks for check in root.walk())


def _same_again(policy: Policy) -> None:
    """What is written of a policy is the policy."""
    again = read_policy(write_policy(policy))
    keys = [[anchor.to_pem() for anchor in each.anchors] for each in (policy, again)]
    assert keys[0] == keys[1]
    assert replace(again, anchors=()) == replace(policy, anchors=())


def load(corpus: Path) -> list[bytes]:
    """Return the saved inputs: a line each, in base64; what begins with # is a comment."""
    lines = corpus.read_text("ascii").splitlines()
    try:
        return [base64.b64decode(line, validate=True) for line in lines if not line.startswith("#")]
    except binascii.Error as error:
        raise SystemExit(f"{corpus}: {error}") from error


def replay(corpus: Path) -> str:
    """Run the saved inputs, and say what they were."""
    inputs = load(corpus)
    for data in inputs:
        try:
            run(data)
        except BaseException:
            print(f"this input failed: {base64.b64encode(data).decode()}", flush=True)  # noqa: T201 (a program)
            raise
    passed = sum(map(_passes, inputs))
    return f"{len(inputs)} inputs, {passed} tokens that pass"


def unpack(corpus: Path, folder: Path) -> str:
    """Make a file of each saved input."""
    for data in load(corpus):
        (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    return ""


def pack(corpus: Path, folder: Path) -> str:
    """Save the inputs that are the files of a folder, and the good tokens that were saved before.

    One good token takes the paths of all, but what can be made of each is different.
    """
    head = [line for line in corpus.read_text("ascii").splitlines() if line.startswith("#")]
    kept = [data for data in load(corpus) if _passes(data)]
    every = {*kept, *(path.read_bytes() for path in folder.iterdir())}
    found = sorted(base64.b64encode(data).decode() for data in every)
    corpus.write_text("\n".join([*head, *found, ""]), "ascii")
    return f"{len(found)} inputs saved"


def _passes(data: bytes) -> bool:
    return data[:1] == b"T" and token(data[1:]).passed


def main(command: str, *paths: str) -> str:
    """Do what the command line says."""
    commands: dict[str, Callable[..., str]] = {"run": replay, "unpack": unpack, "pack": pack}
    return commands[command](*map(Path, paths))


if __name__ == "__main__":
    print(main(*sys.argv[1:]))  # noqa: T201 (a program)
