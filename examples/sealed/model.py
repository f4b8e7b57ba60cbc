# SPDX-License-Identifier: BSD-3-Clause
"""A workload with a model that is worth something: its key comes from whoever owns the model.

The model lies encrypted beside this script. The key is in the realm's memory alone, and only once
the owner's broker has seen, from a token, that this very script runs in the very image expected.
"""

import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from realmos_agent import secrets

NONCE_SIZE = 12


def main() -> int:
    path, question = sys.argv[1], float(sys.argv[2])
    with open(path, "rb") as file:  # noqa: PTH123 -- every import is felt in an emulated realm
        sealed = file.read()
    try:
        key = secrets.get("model-key")
    except secrets.SecretsError as error:
        print(f"no key, no answer: {error}", file=sys.stderr)
        return 1
    try:
        model = AESGCM(key).decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], None)
    except InvalidTag:
        print("this key is not the model's, or the model was changed", file=sys.stderr)
        return 1
    slope, offset = map(float, model.split())
    print(f"the model says {slope * question + offset:g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
