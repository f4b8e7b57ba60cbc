# SPDX-License-Identifier: BSD-3-Clause
"""Attestation tokens that Linux fetches in a realm, against what was built and predicted."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import pytest
from realmos.anchor import DevelopmentAnchor
from realmos.attest import (
    Era,
    Policy,
    ReferenceRem,
    ReferenceRim,
    default_policy,
    parse_token,
    verify,
)
from realmos.firmware import Flash
from realmos.pytest_plugin import RealmFactory
from realmos.realm import RealmConfig
from realmos.session import Session
from realmos_agent.protocol.eventlog import entries
from realmos_agent.protocol.measurement import FREE_NONCE_MAX, digest

pytestmark = pytest.mark.qemu

MIB = 1 << 20
PATIENCE = 300
DEVELOPMENT = "development anchor of this machine"
SAMPLE = "sample anchor, forgeable"

# In the realm: tokens for challenges, by the kernel's own interface; each as hex, a line.
FETCH = """
import ctypes, os, sys

FINIT_MODULE, EEXIST = 273, 17
REPORTS = "/sys/kernel/config/tsm/report"

def load_modules():
    libc = ctypes.CDLL(None, use_errno=True)
    below = f"/usr/lib/modules/{os.uname().release}"
    for name in ("configfs", "tsm_report", "arm-cca-guest"):
        with open(f"{below}/{name}.ko", "rb") as file:
            failed = libc.syscall(FINIT_MODULE, file.fileno(), b"", 0) != 0
        if failed and ctypes.get_errno() != EEXIST:
            sys.exit(f"{name}: {os.strerror(ctypes.get_errno())}")

def write(path, data):
    with open(path, "wb", buffering=0) as file:
        file.write(data)

if not os.path.isdir(REPORTS):
    load_modules()
    if not os.path.isdir(REPORTS):
        os.system("mount -t configfs none /sys/kernel/config")

cpu, *challenges = sys.argv[1:]
os.sched_setaffinity(0, {int(cpu)})
report = f"{REPORTS}/test-{cpu}"
os.mkdir(report)
for challenge in challenges:
    write(f"{report}/inblob", bytes.fromhex(challenge))
    with open(f"{report}/outblob", "rb") as file:
        print(file.read().hex(), flush=True)
os.rmdir(report)
"""


def fetch(session: Session, challenges: Sequence[bytes], cpu: int = 0) -> list[bytes]:
    words = ["fetch.py", str(cpu), *(challenge.hex() for challenge in challenges)]
    result = session.agent.run(words, script=FETCH.encode(), timeout=PATIENCE)
    assert result.status == 0, result.stderr.decode()
    return [bytes.fromhex(line) for line in result.stdout.decode().split()]


def explained(session: Session) -> ReferenceRem:
    """Return what REM 1 is by the realm's own log of what it ran, from its start."""
    (realm,) = session.prepared.realms
    log = session.agent.attest(secrets.token_bytes(FREE_NONCE_MAX)).log
    algorithm = realm.config.hash_algorithm
    return ReferenceRem(1, log=tuple(digest(event, algorithm) for event in entries(log)))


def policy_of(session: Session) -> Policy:
    """Return the policy that accepts this machine and its one realm alone."""
    (realm,), flash = session.prepared.realms, session.prepared.flash
    return default_policy(
        flash.anchor,
        components=flash.references(),
        rims=[ReferenceRim(realm.image_name, realm.rim)],
        rems=[explained(session), *(ReferenceRem(index, log=()) for index in range(2, 5))],
        rpv=realm.rpv,
        hash_algorithm=realm.config.hash_algorithm,
    )


def check(data: bytes, session: Session, challenge: bytes, *, anchor: str = DEVELOPMENT) -> None:
    """Compare a token with what was asked for, built and predicted."""
    verdict = verify(data, policy_of(session), nonce=challenge)
    assert verdict.first_failure is None
    assert (verdict.passed, verdict.anchor) == (True, anchor)
    assert verdict.token is not None
    assert verdict.token.era is Era.B
    assert not verdict.token.realm.unknown
    (realm,) = session.prepared.realms
    assert realm.rim.hex() == session.evidence().rim


def built(flash: Flash) -> dict[str | None, bytes]:
    """Hash what the token measures, as it was built: BL31 before a token was put into it."""
    parts = flash.firmware
    images = {"AP_BL1": parts.bl1, "AP_BL2": parts.bl2, "AP_BL31": parts.bl31, "RMM": parts.rmm}
    return {kind: sha256(part.path.read_bytes()).digest() for kind, part in images.items()}


def test_linux_fetches_a_token_that_verifies(realm_machine: Session) -> None:
    challenges = [secrets.token_bytes(64), secrets.token_bytes(32)]
    tokens = fetch(realm_machine, challenges * 2)
    for challenge, data in zip(challenges * 2, tokens, strict=True):
        check(data, realm_machine, challenge)
        components = parse_token(data).platform.components
        told = {each.type: each.measurement for each in components}
        assert told == built(realm_machine.prepared.flash)
    again = tokens[len(challenges) :]
    assert again == tokens[: len(challenges)], "the nonce was not derived from equal claims"


def test_every_vcpu_of_a_sha_512_realm_gets_tokens(realm_factory: RealmFactory) -> None:
    config = RealmConfig(
        memory=512 * MIB, vcpus=2, hash_algorithm="sha-512", rpv=secrets.token_bytes(64)
    )
    with realm_factory(realms=(config,), cold=True) as session:
        for cpu in range(config.vcpus):
            challenge = secrets.token_bytes(64)
            (data,) = fetch(session, [challenge], cpu)
            check(data, session, challenge)


def test_the_sample_anchor_is_there_for_who_asks_and_called_forgeable(
    realm_factory: RealmFactory,
) -> None:
    with realm_factory(anchor="sample") as session:
        challenge = secrets.token_bytes(64)
        (data,) = fetch(session, [challenge])
        check(data, session, challenge, anchor=SAMPLE)
        sample = session.prepared.flash.anchor
        key = DevelopmentAnchor.new().attest_anchor().public_key
        other = replace(policy_of(session), anchors=(replace(sample, public_key=key),))
        failure = verify(data, other, nonce=challenge).first_failure
        assert failure is not None
        assert failure.name == "platform.signature"


def test_a_token_that_was_changed_anywhere_does_not_verify(realm_machine: Session) -> None:
    challenge = secrets.token_bytes(64)
    (data,) = fetch(realm_machine, [challenge])
    accepting = Policy(anchors=(realm_machine.prepared.flash.anchor,))
    assert verify(data, accepting, nonce=challenge).passed
    for position in range(0, len(data), 41):
        changed = bytearray(data)
        changed[position] ^= 1
        assert not verify(bytes(changed), accepting, nonce=challenge).passed
    for other in (data[:-1], data + b"\0", b""):
        assert not verify(other, accepting, nonce=challenge).passed
