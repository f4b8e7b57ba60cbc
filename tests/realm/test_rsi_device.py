# SPDX-License-Identifier: BSD-3-Clause
"""Measurements and tokens from inside a realm: what workloads can do, and what is refused them."""

import hashlib
import json
import secrets
import time
from typing import Any

import cbor2
import pytest
from realmos.agent import AgentClient
from realmos.pytest_plugin import RealmFactory
from realmos.realm import RealmConfig
from realmos.session import Session
from realmos_abi import load

pytestmark = pytest.mark.qemu

CCA = load("attestation")
MIB = 1 << 20
PATIENCE = 300
EVENT = b"what a workload measures"

USE = """
import json, sys
from realmos_agent import attestation

attestation.measure(2, bytes.fromhex(sys.argv[1]))
token = attestation.token(bytes.fromhex(sys.argv[2]))
found, config = attestation.measurements(), attestation.config()
print(json.dumps({
    "token": token.hex(),
    "rim": found.rim.hex(),
    "rems": [rem.hex() for rem in found.rems],
    "ipa_width": config.ipa_width,
    "hash_algorithm": config.hash_algorithm,
    "rpv": config.rpv.hex(),
}))
"""

# Each line of output is a refusal: its type and text. What should be refused and is not ends it.
REFUSALS = """
import os
from realmos_agent import attestation

def refused(function, *arguments):
    try:
        function(*arguments)
    except (ValueError, attestation.AttestationError) as error:
        print(f"{type(error).__name__}: {error}", flush=True)
    else:
        raise SystemExit(f"{function.__name__}{arguments} was not refused")
"""

MISUSE = (
    REFUSALS
    + """
before = attestation.measurements().rems
for index in (0, 5, -1):
    refused(attestation.measure, index, b"")
refused(attestation.measure, 2, bytes(65))
refused(attestation.claim, 0)
refused(attestation.token, b"")
refused(attestation.token, bytes(65))
assert attestation.measurements().rems == before
"""
)

# The device itself, without the checks of the Python API: (request, error).
RAW = """
import errno, fcntl, os, struct
from realmos_agent import _rsi_numbers as abi, attestation

before = attestation.measurements()
both, reader = (os.open("/dev/realm-rsi", flags) for flags in (os.O_RDWR, os.O_RDONLY))

def measurement(index, size):
    return struct.pack(abi.MEASUREMENT_FORMAT, index, size, bytes(64))

for fd, command, argument, wanted in (
    (both, abi.MEASUREMENT_EXTEND, measurement(0, 0), errno.EINVAL),
    (both, abi.MEASUREMENT_EXTEND, measurement(5, 0), errno.EINVAL),
    (both, abi.MEASUREMENT_EXTEND, measurement(0xFFFFFFFF, 0), errno.EINVAL),
    (both, abi.MEASUREMENT_EXTEND, measurement(2, 65), errno.EINVAL),
    (both, abi.MEASUREMENT_EXTEND, measurement(2, 0xFFFFFFFF), errno.EINVAL),
    (both, abi.MEASUREMENT_EXTEND, 0, errno.EFAULT),
    (both, abi.MEASUREMENT_READ, measurement(5, 0), errno.EINVAL),
    (both, abi.MEASUREMENT_READ, measurement(0xFFFFFFFF, 0), errno.EINVAL),
    (both, abi.MEASUREMENT_READ, measurement(2, 64), errno.EINVAL),
    (both, abi.MEASUREMENT_READ, 0, errno.EFAULT),
    (both, abi.CONFIG, 0, errno.EFAULT),
    (both, abi.CLAIM, 0, errno.EINVAL),
    (both, abi.CLAIM, 5, errno.EINVAL),
    (both, abi.CLAIM + 8, 0, errno.ENOTTY),
    (reader, abi.MEASUREMENT_EXTEND, measurement(2, 0), errno.EPERM),
    (reader, abi.CLAIM, 2, errno.EPERM),
):
    try:
        fcntl.ioctl(fd, command, argument)
    except OSError as error:
        assert error.errno == wanted, (hex(command), argument, error)
    else:
        raise SystemExit(f"{command:#x} {argument!r} was not refused")
assert attestation.measurements() == before
"""

WITHOUT_ROOT = (
    REFUSALS
    + """
attestation.measure(4, b"before")
attestation.token(b"before")
os.setgid(65534)
os.setuid(65534)
print(attestation.measurements().rems[3].hex())
print(attestation.config().hash_algorithm)
refused(attestation.measure, 4, b"")  # with the descriptor of before
refused(attestation.token, b"after")
attestation._rsi._writer = attestation._rsi._Writer()
refused(attestation.claim, 4)
refused(attestation.measure, 4, b"")
"""
)

CLAIM_UNTIL_TOLD = """
from realmos_agent import attestation
attestation.claim(3)
attestation.claim(3)
attestation.measure(3, b"mine")
print("claimed", flush=True)
input()
"""

DISTURB = (
    REFUSALS
    + """
refused(attestation.claim, 3)
refused(attestation.measure, 3, b"")
print(attestation.measurements().rems[2].hex())
"""
)

# Two claim REM 1, in two processes of one workload; or the agent has it, and both are refused.
CLAIM_REM_1_TWICE = (
    REFUSALS
    + """
try:
    attestation.claim(1)
except attestation.AttestationError:
    pass
ours = attestation._rsi._writer
attestation._rsi._writer = attestation._rsi._Writer()
refused(attestation.claim, 1)
refused(attestation.measure, 1, b"")
"""
)

AT_ONCE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from realmos_agent import attestation

nonces = [bytes([n]) * 64 for n in range(8)]
with ThreadPoolExecutor(4) as pool:
    tokens = list(pool.map(attestation.token, nonces))
assert all(nonce in token for nonce, token in zip(nonces, tokens)), "a token for another nonce"
print(len(set(tokens)))
"""


def script(realm: AgentClient, source: str, *arguments: str) -> str:
    result = realm.run(["test.py", *arguments], script=source.encode(), timeout=PATIENCE)
    assert result.status == 0, result.stdout.decode() + result.stderr.decode()
    return result.stdout.decode()


def realm_claims(token: bytes) -> dict[int, Any]:
    parts = cbor2.loads(token).value
    _, _, payload, _ = cbor2.loads(parts[CCA["CCA_REALM_TOKEN"]]).value
    claims = cbor2.loads(payload)
    assert isinstance(claims, dict)
    return claims


def check_use(session: Session, zeros: bytes, *, rem: bytes) -> None:
    """Have a workload extend REM 2, and compare what it reads with the token's claims."""
    nonce = secrets.token_bytes(64)
    found = json.loads(script(session.agent, USE, EVENT.hex(), nonce.hex()))
    (prepared,) = session.prepared.realms
    claims = realm_claims(bytes.fromhex(found["token"]))
    assert claims[CCA["CCA_REALM_CHALLENGE"]] == nonce
    assert claims[CCA["CCA_REALM_INITIAL_MEASUREMENT"]] == prepared.rim
    assert claims[CCA["CCA_REALM_EXTENSIBLE_MEASUREMENTS"]][1:] == [rem, zeros, zeros]
    assert claims[CCA["CCA_REALM_PERSONALIZATION_VALUE"]].hex() == found["rpv"]
    assert [each.hex() for each in claims[CCA["CCA_REALM_EXTENSIBLE_MEASUREMENTS"]]] == (
        found["rems"]
    )
    assert found["rim"] == prepared.rim.hex()
    assert found["hash_algorithm"] == prepared.config.hash_algorithm
    assert found["ipa_width"] == 33


def test_a_workload_measures_and_the_token_says_so(realm_machine: Session) -> None:
    zeros = bytes(32)
    check_use(realm_machine, zeros, rem=hashlib.sha256(zeros + EVENT).digest())


def test_measurements_of_a_sha_512_realm_are_whole(realm_factory: RealmFactory) -> None:
    config = RealmConfig(memory=512 * MIB, hash_algorithm="sha-512", rpv=b"which one")
    with realm_factory(realms=(config,), cold=True) as session:
        zeros = bytes(64)
        check_use(session, zeros, rem=hashlib.sha512(zeros + EVENT).digest())


def test_an_interpreter_of_its_own_can_import_it(realm: AgentClient) -> None:
    source = "from realmos_agent import attestation; print(attestation.config().hash_algorithm)"
    result = realm.run(["python3", "-c", source], timeout=PATIENCE)
    assert result.stdout == b"sha-256\n", result.stderr.decode()


def test_misuse_is_refused_by_name(realm: AgentClient) -> None:
    lines = script(realm, MISUSE).splitlines()
    for line, what in zip(
        lines,
        ("no REM 0", "no REM 5", "no REM -1", "not 65", "no REM 0", "not 0", "not 65"),
        strict=True,
    ):
        assert line.startswith("ValueError: ")
        assert what in line
    script(realm, RAW)


def test_without_root_a_workload_reads_but_does_not_extend(realm: AgentClient) -> None:
    rem, algorithm, *refusals = script(realm, WITHOUT_ROOT).splitlines()
    assert rem == hashlib.sha256(bytes(32) + b"before").hexdigest()
    assert algorithm == "sha-256"
    wanted = ("takes CAP_SYS_ADMIN", "takes root", "only root", "only root")
    for line, what in zip(refusals, wanted, strict=True):
        assert line.startswith("AttestationError: ")
        assert what in line


def test_a_claimed_rem_is_nobody_elses_until_its_owner_ends(realm: AgentClient) -> None:
    seen: list[bytes] = []
    owner = realm.start(
        ["owner.py"], script=CLAIM_UNTIL_TOLD.encode(), stdin=True, stdout=seen.append
    )
    deadline = time.monotonic() + PATIENCE
    while not seen and not owner.over and time.monotonic() < deadline:
        realm.pump(0.1)
    assert seen == [b"claimed\n"]
    claimed, extended, rem = script(realm, DISTURB).splitlines()
    for line in (claimed, extended):
        assert line.startswith("AttestationError: REM 3 cannot be ")
        assert "another process has claimed it" in line
    assert rem == hashlib.sha256(bytes(32) + b"mine").hexdigest()
    owner.write(b"\n")
    assert owner.wait(PATIENCE).status == 0
    script(realm, "from realmos_agent import attestation; attestation.measure(3, b'')")


def test_a_second_claimant_of_rem_1_is_refused(realm: AgentClient) -> None:
    for line in script(realm, CLAIM_REM_1_TWICE).splitlines():
        assert "REM 1 is the agent's: use 2 to 4" in line


def test_tokens_fetched_at_once_answer_each_its_own_nonce(realm: AgentClient) -> None:
    assert script(realm, AT_ONCE) == "8\n"
    left = realm.run(["ls", "/sys/kernel/config/tsm/report"])
    assert left.stdout == b""
