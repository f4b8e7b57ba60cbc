# SPDX-License-Identifier: BSD-3-Clause
"""Loading of TAs: from a signed file of the untrusted side to memory that a runner maps.

Bytes in, dataclasses out: `container` verifies the file, `elf` reads the object in it, `image` and
`patch` make it ready once, `placed` puts it and its libraries at their addresses, `store` keeps
what is ready. All input is hostile; whatever is wrong with it is a `LoadError`.
"""

from realmos_agent.tee.loader.errors import LoadError, MissingLibraryError, UnknownSignerError
from realmos_agent.tee.loader.files import Files
from realmos_agent.tee.loader.keys import Keys, RootKey, development_key, development_keys, root_key
from realmos_agent.tee.loader.placed import Placed, Segment
from realmos_agent.tee.loader.store import Loader, Ready
from realmos_agent.tee.loader.versions import Versions

__all__ = [
    "Files",
    "Keys",
    "LoadError",
    "Loader",
    "MissingLibraryError",
    "Placed",
    "Ready",
    "RootKey",
    "Segment",
    "UnknownSignerError",
    "Versions",
    "development_key",
    "development_keys",
    "root_key",
]
