# SPDX-License-Identifier: BSD-3-Clause
"""Policies as TOML: read strictly, every error with its line, and written so that people can edit.

    [freshness]   nonce_required, nonce_max_size
    [[anchor]]    kind, name, public_key (PEM), implementation_id, instance_id
    [platform]    life_cycle, config, [[platform.component]] type, measurement, signer, version
    [realm]       hash_algorithms, rpv, [[realm.rim]] name, value, [[realm.rem]] index, values | log

Byte strings are hexadecimal. What is left out is as in `Policy`.
"""

import json
from collections.abc import Iterator, Sequence

from realmos.attest._anchor import KINDS, Anchor, AnchorKind, key_from_pem
from realmos.attest._policy import (
    RPV_SIZE,
    Policy,
    ReferenceComponent,
    ReferenceRem,
    ReferenceRim,
)
from realmos.attest._toml import Table, parse
from realmos.errors import ConfigError

_DEFAULT = Policy(anchors=())
_HEAD = """\
# What a CCA attestation token must say to be accepted. Byte strings are hexadecimal; of a list, one
# has to match; what is left out is not checked.
"""


def read_policy(text: str) -> Policy:
    """Return the policy that a TOML document describes.

    Raises:
        ConfigError: it is malformed, has a key that is not known, or a value that cannot be.
    """
    top = parse(text)
    freshness, platform, realm = (top.table(name) for name in ("freshness", "platform", "realm"))
    policy = Policy(
        anchors=tuple(_anchor(table) for table in top.tables("anchor")),
        nonce_required=freshness.flag("nonce_required", _DEFAULT.nonce_required),
        nonce_max_size=freshness.number("nonce_max_size", _DEFAULT.nonce_max_size),
        life_cycles=platform.texts("life_cycle", _DEFAULT.life_cycles),
        configs=platform.octet_strings("config"),
        components=tuple(_component(table) for table in platform.tables("component")),
        hash_algorithms=realm.texts("hash_algorithms", _DEFAULT.hash_algorithms),
        rims=tuple(_rim(table) for table in realm.tables("rim")),
        rems=tuple(_rem(table) for table in realm.tables("rem")),
        rpvs=tuple(rpv.ljust(RPV_SIZE, b"\0") for rpv in realm.octet_strings("rpv")),
    )
    for table in (freshness, platform, realm, top):
        table.close()
    return policy


def _anchor(table: Table) -> Anchor:
    kinds: dict[str, AnchorKind] = {kind: kind for kind in KINDS}
    kind = table.text("kind")
    if kind not in kinds:
        raise table.error("kind", " or ".join(kinds))
    try:
        key = key_from_pem(table.text("public_key"))
    except ConfigError as error:
        raise table.error("public_key", f"a key ({error})") from error
    anchor = Anchor(
        kind=kinds[kind],
        public_key=key,
        implementation_id=table.octets("implementation_id"),
        instance_id=table.octets("instance_id") if table.has("instance_id") else None,
        name=table.text("name", ""),
    )
    table.close()
    return anchor


def _component(table: Table) -> ReferenceComponent:
    component = ReferenceComponent(
        type=table.text("type", ""),
        measurement=table.octets("measurement"),
        signer=table.octets("signer") if table.has("signer") else None,
        version=table.text("version") if table.has("version") else None,
    )
    table.close()
    return component


def _rim(table: Table) -> ReferenceRim:
    rim = ReferenceRim(name=table.text("name"), value=table.octets("value"))
    table.close()
    return rim


def _rem(table: Table) -> ReferenceRem:
    rem = ReferenceRem(
        index=table.number("index"),
        values=table.octet_strings("values"),
        log=table.octet_strings("log") if table.has("log") else None,
    )
    table.close()
    return rem


def write_policy(policy: Policy) -> str:
    """Return a TOML document from which `read_policy` makes an equal policy."""
    blocks = [
        _HEAD.rstrip("\n"),
        _block(
            "[freshness]",
            nonce_required=policy.nonce_required,
            nonce_max_size=policy.nonce_max_size,
        ),
        *(_anchor_block(anchor) for anchor in policy.anchors),
        _block("[platform]", life_cycle=policy.life_cycles, config=policy.configs or None),
        *(_component_block(component) for component in policy.components),
        _block(
            "[realm]",
            hash_algorithms=policy.hash_algorithms or None,
            rpv=policy.rpvs or None,
        ),
        *(_block("[[realm.rim]]", name=rim.name, value=rim.value) for rim in policy.rims),
        *(
            _block("[[realm.rem]]", index=rem.index, values=rem.values or None, log=rem.log)
            for rem in policy.rems
        ),
    ]
    return "\n\n".join(blocks) + "\n"


def _anchor_block(anchor: Anchor) -> str:
    pem = anchor.to_pem()
    return _block(
        "[[anchor]]",
        kind=anchor.kind,
        name=anchor.name or None,
        implementation_id=anchor.implementation_id,
        instance_id=anchor.instance_id,
    ) + f'\npublic_key = """\n{pem}"""'  # fmt: skip


def _component_block(component: ReferenceComponent) -> str:
    return _block(
        "[[platform.component]]",
        type=component.type or None,
        measurement=component.measurement,
        signer=component.signer,
        version=component.version,
    )


def _block(header: str, **values: bool | int | str | bytes | Sequence[str | bytes] | None) -> str:
    lines = [f"{key} = {_value(value)}" for key, value in values.items() if value is not None]
    return "\n".join([header, *lines])


def _value(value: bool | int | str | bytes | Sequence[str | bytes]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f'"{value.hex()}"'
    if isinstance(value, str):
        # JSON's strings are TOML's, but for DEL, which TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    items = list(_items(value))
    return (
        f"[{', '.join(items)}]"
        if len(items) < 2
        else "[\n" + "".join(f"    {item},\n" for item in items) + "]"
    )


def _items(values: Sequence[str | bytes]) -> Iterator[str]:
    return (_value(value) for value in values)
