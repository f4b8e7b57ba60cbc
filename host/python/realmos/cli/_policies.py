# SPDX-License-Identifier: BSD-3-Clause
"""Policies in files: our TOML, or others' reference values; errors name the file.

The end of a file's name says what is in it: `.corim` CoRIM, `.json` a store of rust-ccatoken, and
all else TOML. Reference values come in several files, which make one policy together.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from realmos.anchor import AnchorChoice, choose_anchor
from realmos.attest import (
    Anchor,
    Policy,
    export_ccatoken,
    export_corim,
    import_ccatoken,
    import_corim,
    read_policy,
    sample_anchor,
)
from realmos.cli._files import read_input, write_output
from realmos.errors import ConfigError

FORMATS = ("corim", "ccatoken")
"""What a policy can be written as, for others."""

_CORIM, _STORE = ".corim", ".json"
_LIMIT = 16 << 20
_MAKE = "`realmos measure --policy FILE` makes a policy"
_KEYS = f"docs/policy.md lists every key; {_MAKE}"


def own_anchor(choice: AnchorChoice) -> Anchor:
    """Return the anchor that `--anchor` names, as a verifier takes it.

    Raises:
        ConfigError: this installation's cannot be made or read.
    """
    chosen = choose_anchor(choice)
    return sample_anchor() if chosen is None else chosen.attest_anchor()


def load_policy(paths: Sequence[Path], choice: AnchorChoice) -> Policy:
    """Return the policy in a file, or in several that belong together.

    Args:
        paths: one TOML file, any number of CoRIMs, or the two stores of rust-ccatoken.
        choice: what vouches for platforms when reference values name no anchor.

    Raises:
        ConfigError: one cannot be read, or is none; names the file, and what is wrong in it.
    """
    names = ", ".join(map(str, paths))
    files = [read_input(path, "policy", limit=_LIMIT, hint=_MAKE) for path in paths]
    try:
        policy = _read(paths, files)
    except ConfigError as error:
        raise ConfigError(f"{names}: {error}", hint=error.hint or _KEYS) from error
    if policy.anchors or not is_for_others(paths[0]):
        return policy
    return replace(policy, anchors=(own_anchor(choice),))


def is_for_others(path: Path) -> bool:
    """Tell by its name whether a file has reference values in a format that is not ours."""
    return path.suffix.lower() in {_CORIM, _STORE}


def export_policy(policy: Policy, path: Path, formats: Sequence[str]) -> list[Path]:
    """Write a policy's reference values for others, beside its file; return what was written.

    Raises:
        ConfigError: a format has no place for what the policy says, or a file cannot be written.
    """
    made: dict[Path, bytes] = {}
    if "corim" in formats:
        if policy.rims:
            made[path.with_suffix(f".realm{_CORIM}")] = export_corim(policy, "realm")
        if policy.components or policy.configs:
            made[path.with_suffix(f".platform{_CORIM}")] = export_corim(policy, "platform")
    if "ccatoken" in formats:
        for name, text in zip(("ta", "rv"), export_ccatoken(policy), strict=True):
            made[path.with_suffix(f".{name}{_STORE}")] = text.encode()
    for target, data in made.items():
        write_output(target, data)
    return list(made)


def _read(paths: Sequence[Path], files: Sequence[bytes]) -> Policy:
    kinds = {path.suffix.lower() for path in paths}
    if kinds == {_CORIM}:
        return import_corim(*files)
    if kinds == {_STORE}:
        return import_ccatoken(*_stores([_text(file) for file in files]))
    if len(files) > 1:
        raise ConfigError("only .corim files, or ta.json and rv.json, make one policy together")
    return read_policy(_text(files[0]))


def _stores(texts: Sequence[str]) -> tuple[str, str]:
    """Return ta.json, which is a list, and rv.json, which is an object."""
    lists = [text for text in texts if text.lstrip().startswith("[")]
    objects = [text for text in texts if text not in lists]
    if len(lists) != 1 or len(objects) != 1:
        raise ConfigError(
            "the stores of rust-ccatoken are two: a list of anchors, and an object of values",
            hint="give both: --policy FILE.ta.json --policy FILE.rv.json",
        )
    return lists[0], objects[0]


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"no policy: byte {error.start} is not text") from error
