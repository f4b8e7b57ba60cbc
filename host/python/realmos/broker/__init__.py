# SPDX-License-Identifier: BSD-3-Clause
"""A key broker for development: secrets, sealing keys and counters for attested realms.

It gives what it keeps over the attested channel, and only to realms that satisfy the policy of what
they ask for. docs/broker.md describes it.
"""

from realmos.broker._address import Address
from realmos.broker._content import (
    SECRET_MAX,
    Content,
    Identity,
    Secret,
    check_name,
    normal_policy,
    policy_digest,
)
from realmos.broker._decide import Broker, Channel
from realmos.broker._exchange import Exchange
from realmos.broker._keys import KeyFile, Lock, Passphrase
from realmos.broker._log import Decision, DecisionLog
from realmos.broker._server import PATIENCE, Server
from realmos.broker._store import Store
from realmos.broker._succession import (
    Succession,
    owner_private_key,
    owner_public_key,
    sign_succession,
    succeed,
)

__all__ = [
    "PATIENCE",
    "SECRET_MAX",
    "Address",
    "Broker",
    "Channel",
    "Content",
    "Decision",
    "DecisionLog",
    "Exchange",
    "Identity",
    "KeyFile",
    "Lock",
    "Passphrase",
    "Secret",
    "Server",
    "Store",
    "Succession",
    "check_name",
    "normal_policy",
    "owner_private_key",
    "owner_public_key",
    "policy_digest",
    "sign_succession",
    "succeed",
]
