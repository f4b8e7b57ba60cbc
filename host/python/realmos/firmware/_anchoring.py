# SPDX-License-Identifier: BSD-3-Clause
"""What a flash attests with: the platform token over its firmware, and the RMM's key."""

from dataclasses import dataclass, field

from realmos.anchor import HASH_ALGORITHM, DevelopmentAnchor, platform_token, realm_key
from realmos.attest import Anchor, SoftwareComponent, sample_anchor
from realmos.firmware._component import Firmware
from realmos.firmware._slots import KEY_SLOT, TOKEN_SLOT

# What a realm's secrets depend on, and the token's names for it. The normal world's image is left
# out: realms do not trust it, and a claim about it would only invite policies that do.
_TRUSTED = {"bl1": "AP_BL1", "bl2": "AP_BL2", "bl31": "AP_BL31", "rmm": "RMM"}


@dataclass(frozen=True)
class Anchoring:
    """What a flash attests with.

    Attributes:
        anchor: what vouches for the platform.
        components: what the platform token says of the firmware; of TF-A's sample nothing that
            holds.
        slots: what goes into BL31's slots. One holds the RMM's private key.
    """

    anchor: Anchor
    components: tuple[SoftwareComponent, ...] = ()
    slots: dict[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def token(self) -> bytes:
        """The platform token; empty when it is TF-A's sample."""
        return self.slots.get(TOKEN_SLOT, b"")


def anchor_firmware(firmware: Firmware, anchor: DevelopmentAnchor | None) -> Anchoring:
    """Return what a flash of this firmware attests with.

    A component is measured by the SHA-256 of its image as it was built, so BL31 with its slots
    empty: the token that holds the measurement lies in one of them.

    Args:
        firmware: what is in the flash.
        anchor: what signs; None for TF-A's sample, which anybody can forge.

    Raises:
        ToolError: the cryptography library is too old to sign.
    """
    if anchor is None:
        return Anchoring(sample_anchor())
    signer = anchor.signer_id
    components = tuple(
        SoftwareComponent(
            type=_TRUSTED[part.name],
            measurement=bytes.fromhex(part.sha256),
            version=part.version or None,
            signer=signer,
            hash_algorithm=HASH_ALGORITHM,
        )
        for part in firmware.components
        if part.name in _TRUSTED
    )
    slots = {
        TOKEN_SLOT: platform_token(anchor, components),
        KEY_SLOT: realm_key(anchor, components),
    }
    return Anchoring(anchor.attest_anchor(), components, slots)
