# SPDX-License-Identifier: BSD-3-Clause
"""The development anchor: this installation's root of trust, and the platform token that it signs.

TF-A's platform token and keys for QEMU are samples whose private halves anybody can have. An anchor
of this installation takes their place, so that a token which verifies comes from a flash that was
built here (docs/adr/0021-development-anchor.md).
"""

from realmos.anchor._store import (
    ANCHOR_CHOICES,
    AnchorChoice,
    choose_anchor,
    data_dir,
    load_anchor,
)
from realmos.anchor._token import CONFIG, HASH_ALGORITHM, platform_token, realm_key
from realmos.anchor.development import IMPLEMENTATION_ID, DevelopmentAnchor, cose_key

__all__ = [
    "ANCHOR_CHOICES",
    "CONFIG",
    "HASH_ALGORITHM",
    "IMPLEMENTATION_ID",
    "AnchorChoice",
    "DevelopmentAnchor",
    "choose_anchor",
    "cose_key",
    "data_dir",
    "load_anchor",
    "platform_token",
    "realm_key",
]
