# SPDX-License-Identifier: BSD-3-Clause
"""`python3 -m realmos_agent`: the agent."""

from realmos_agent.main import main

if __name__ == "__main__":
    main()
