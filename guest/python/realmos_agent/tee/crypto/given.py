# SPDX-License-Identifier: BSD-3-Clause
"""Which states a Trusted Application's runner may go on with: docs/ta-runner.md, states.

A Trusted Application can read its runner's memory. So a key that it may use but not read stays in
the core, and all that is done with it.
"""

from realmos_agent.tee import numbers, runner_numbers
from realmos_agent.tee.crypto.operation import secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.crypto.objects import TransientObject
    from realmos_agent.tee.crypto.operation import State

_DIGESTS = frozenset(
    {
        numbers.ALG_MD5,
        numbers.ALG_SHA1,
        numbers.ALG_SHA224,
        numbers.ALG_SHA256,
        numbers.ALG_SHA384,
        numbers.ALG_SHA512,
    }
)
_KEYED = frozenset(
    {
        numbers.ALG_HMAC_MD5,
        numbers.ALG_HMAC_SHA1,
        numbers.ALG_HMAC_SHA224,
        numbers.ALG_HMAC_SHA256,
        numbers.ALG_HMAC_SHA384,
        numbers.ALG_HMAC_SHA512,
        numbers.ALG_AES_ECB_NOPAD,
        numbers.ALG_AES_CBC_NOPAD,
        numbers.ALG_AES_CTR,
        numbers.ALG_AES_GCM,
    }
)


def key_for_runner(state: "State") -> bytes | None:
    """Return the key that a runner needs for a state, empty if the state has none.

    None says that the runner must not have it, or does not know what to do with it.
    """
    if state.algorithm in _DIGESTS:
        return b""
    if state.algorithm not in _KEYED or state.key1 is None or not _readable(state.key1):
        return None
    key = secret(state.key1)
    return key if len(key) <= runner_numbers.KEY_MAX else None


def _readable(key: "TransientObject") -> bool:
    return bool(key.usage & numbers.USAGE_EXTRACTABLE) and not key.persistent
