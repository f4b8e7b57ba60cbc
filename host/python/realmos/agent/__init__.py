# SPDX-License-Identifier: BSD-3-Clause
"""The build machine's side of the agent protocol: run programs in a realm, move files, look around.

`AgentClient` is all of it. The protocol itself is `realmos_agent.protocol`, shared with the agent.
"""

from realmos.agent._client import AgentClient
from realmos.agent._results import Attestation, Greeting, RealmReport, RunResult
from realmos.agent._runs import RunHandle
from realmos.agent._streams import Sink

__all__ = [
    "AgentClient",
    "Attestation",
    "Greeting",
    "RealmReport",
    "RunHandle",
    "RunResult",
    "Sink",
]
