# SPDX-License-Identifier: BSD-3-Clause
"""The system pseudo TA: memory, libraries, a key of its own, and plugins, for who calls it."""

import hashlib
import hmac
from collections.abc import Callable
from uuid import UUID

from realmos_agent.tee import numbers
from realmos_agent.tee.chain import Chain
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.params import Params, param_types
from realmos_agent.tee.plugins import Plugins
from realmos_agent.tee.pta.caller import calling_ta

_UUID_SIZE = 16
_LIBRARY_FLAGS = 0x1102  # RTLD_NODELETE | RTLD_GLOBAL | RTLD_NOW: a library stays
_NAME_MAX = 4096
_NIL = UUID(int=0)

_NONE = numbers.PARAM_TYPE_NONE
_VALUE_IN = numbers.PARAM_TYPE_VALUE_INPUT
_VALUE_OUT = numbers.PARAM_TYPE_VALUE_OUTPUT
_VALUE_INOUT = numbers.PARAM_TYPE_VALUE_INOUT
_MEMREF_IN = numbers.PARAM_TYPE_MEMREF_INPUT
_MEMREF_OUT = numbers.PARAM_TYPE_MEMREF_OUTPUT
_MEMREF_INOUT = numbers.PARAM_TYPE_MEMREF_INOUT


class SystemPta:
    """The pseudo TA. Its clients are TAs only.

    Args:
        root_key: what keys of TAs are derived from.
        add_entropy: takes entropy that a TA offers.
        plugins: of tee-supplicant; None if there are none.
    """

    uuid = UUID("3a2f8978-5dc0-11e8-9c2d-fa7ae01bbebc")

    def __init__(
        self, root_key: bytes, add_entropy: Callable[[bytes], None], plugins: Plugins | None = None
    ) -> None:
        self._root_key = root_key
        self._add_entropy = add_entropy
        self._plugins = plugins
        self._commands: dict[int, tuple[int, Callable[[Instance, Params], None]]] = {
            numbers.SYSTEM_PTA_ADD_RNG_ENTROPY: (param_types(_MEMREF_IN), self._entropy),
            numbers.SYSTEM_PTA_DERIVE_TA_UNIQUE_KEY: (
                param_types(_MEMREF_IN, _MEMREF_OUT), self._unique_key,
            ),
            numbers.SYSTEM_PTA_MAP_ZI: (param_types(_VALUE_IN, _VALUE_INOUT, _VALUE_IN), _map),
            numbers.SYSTEM_PTA_UNMAP: (param_types(_VALUE_IN, _VALUE_IN), _unmap),
            numbers.SYSTEM_PTA_DLOPEN: (param_types(_MEMREF_IN, _VALUE_IN), _open_library),
            numbers.SYSTEM_PTA_DLSYM: (
                param_types(_MEMREF_IN, _MEMREF_IN, _VALUE_OUT), _find_symbol,
            ),
            numbers.SYSTEM_PTA_SUPP_PLUGIN_INVOKE: (
                param_types(_MEMREF_IN, _VALUE_IN, _MEMREF_INOUT, _VALUE_OUT), self._call_plugin,
            ),
        }  # fmt: skip

    def open(self, chain: Chain, params: Params) -> object:
        """Open a session for a TA.

        Raises:
            TeeError: it is not a TA that asks.
        """
        del params
        calling_ta(chain)
        return None

    def invoke(self, chain: Chain, context: object, command: int, params: Params) -> None:
        """Do what a command says, to the TA that asks.

        Raises:
            TeeError: it is no command, has other parameters, or fails.
        """
        del context
        caller = calling_ta(chain)
        if command == numbers.SYSTEM_PTA_GET_TPM_EVENT_LOG:
            raise TeeError(numbers.ERROR_NOT_SUPPORTED)
        if command not in self._commands:
            raise TeeError(numbers.ERROR_NOT_IMPLEMENTED)
        types, run = self._commands[command]
        if params.types != types:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        run(caller, params)

    def close(self, context: object) -> None:
        """Close a session; none keeps anything."""

    def _entropy(self, ta: Instance, params: Params) -> None:
        del ta
        offered = params.memref(0).view
        if not offered:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        self._add_entropy(bytes(offered))

    def _unique_key(self, ta: Instance, params: Params) -> None:
        """Derive a key for this TA, and, if it names further data, for that."""
        extra, key = params.memref(0), params.memref(1)
        wanted = key.capacity
        if extra.capacity > numbers.SYSTEM_DERIVE_EXTRA_MAX_SIZE:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        if not numbers.SYSTEM_DERIVE_KEY_MIN_SIZE <= wanted <= numbers.SYSTEM_DERIVE_KEY_MAX_SIZE:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        if key.region is None or not key.region.secure:
            # The client could read it.
            raise TeeError(numbers.ERROR_SECURITY)
        text = b"realmos TA key\0" + ta.uuid.bytes + extra.view
        key.write(hmac.digest(self._root_key, text, hashlib.sha256)[:wanted])

    def _call_plugin(self, ta: Instance, params: Params) -> None:
        """Call a plugin; what it leaves in its buffer comes back even when it fails."""
        del ta
        words, buffer, length = params.value(1), params.memref(2), params.value(3)
        uuid = _uuid(params, 0)
        if buffer.region is not None and not buffer.capacity:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        if self._plugins is None:
            raise TeeError(numbers.ERROR_ITEM_NOT_FOUND)
        answer = self._plugins.invoke(uuid, words.a, words.b, bytes(buffer.view))
        length.a = answer.length
        if answer.data:
            buffer.view[: len(answer.data)] = answer.data
        if answer.result != numbers.SUCCESS:
            raise TeeError(answer.result)


def _map(ta: Instance, params: Params) -> None:
    size, wanted, around = params.value(0), params.value(1), params.value(2)
    if size.b & ~numbers.SYSTEM_MAP_SHAREABLE:
        raise TeeError(numbers.ERROR_BAD_PARAMETERS)
    address = ta.map_zero(size.a, wanted.a << 32 | wanted.b, around.a, around.b)
    wanted.a, wanted.b = address >> 32, address & 0xFFFF_FFFF


def _unmap(ta: Instance, params: Params) -> None:
    size, where = params.value(0), params.value(1)
    if size.b:
        raise TeeError(numbers.ERROR_BAD_PARAMETERS)
    ta.unmap(where.a << 32 | where.b, size.a)


def _open_library(ta: Instance, params: Params) -> None:
    uuid = _uuid(params, 0)
    if params.value(1).a != _LIBRARY_FLAGS:
        raise TeeError(numbers.ERROR_NOT_SUPPORTED)
    ta.open_library(uuid)


def _find_symbol(ta: Instance, params: Params) -> None:
    uuid = _uuid(params, 0)
    name, end, _ = bytes(params.memref(1).view[:_NAME_MAX]).partition(b"\0")
    if not name or not end:
        raise TeeError(numbers.ERROR_BAD_PARAMETERS)
    address = ta.symbol(None if uuid == _NIL else uuid, name.decode("latin-1"))
    if address is None:
        raise TeeError(numbers.ERROR_ITEM_NOT_FOUND)
    found = params.value(2)
    found.a, found.b = address >> 32, address & 0xFFFF_FFFF


def _uuid(params: Params, place: int) -> UUID:
    """Return the UUID, in the processor's order, that a parameter refers to."""
    view = params.memref(place).view
    if len(view) != _UUID_SIZE:
        raise TeeError(numbers.ERROR_BAD_PARAMETERS)
    return UUID(bytes_le=bytes(view))
