# SPDX-License-Identifier: BSD-3-Clause
"""Pseudo TAs: services of the core that TAs reach like other TAs.

What is not here is answered as on any OP-TEE without it: ITEM_NOT_FOUND when a session is opened.
"""

from realmos_agent.tee.pta.realm import NoTokenError, RealmPta, realm_token
from realmos_agent.tee.pta.sockets import SocketPta
from realmos_agent.tee.pta.system import SystemPta

__all__ = ["NoTokenError", "RealmPta", "SocketPta", "SystemPta", "realm_token"]
