# SPDX-License-Identifier: BSD-3-Clause
"""`python -m realmos.cli` is `realmos`."""

import sys

from realmos.cli import main

sys.exit(main())
