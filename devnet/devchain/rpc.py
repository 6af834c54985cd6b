# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Conventions of Ethereum JSON-RPC: errors, hex strings, arguments."""
from __future__ import annotations

from functools import lru_cache
from typing import Any

from eth_utils import to_checksum_address

INVALID_PARAMS = -32602
SERVER_ERROR = -32000
REVERTED = 3


class RpcError(Exception):
    """What a method answers instead of a result: code, message and, for reverts, the returned bytes."""

    def __init__(self, code: int, message: str, data: str | None = None):
        super().__init__(message)
        self.code, self.message, self.data = code, message, data

    def as_json(self) -> dict[str, Any]:
        """The `error` member of a JSON-RPC reply."""
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            body["data"] = self.data
        return body


checksum = lru_cache(maxsize=8192)(to_checksum_address)


def quantity(n: int) -> str:
    """A number as JSON-RPC writes it."""
    return hex(n)


def data(b: bytes) -> str:
    """Bytes as JSON-RPC writes them."""
    return "0x" + b.hex()


def big_endian(b: bytes) -> int:
    """The number that big-endian bytes stand for."""
    return int.from_bytes(b, "big")


def parse_data(value: Any, what: str = "value") -> bytes:
    """The bytes of an 0x-prefixed hex string."""
    if not isinstance(value, str) or not value.startswith("0x"):
        raise RpcError(INVALID_PARAMS, f"invalid argument: {what} must be 0x-prefixed hex")
    try:
        return bytes.fromhex(value[2:])
    except ValueError:
        raise RpcError(INVALID_PARAMS, f"invalid argument: {what} is not hex") from None


def parse_number(value: Any) -> int:
    """A number given as JSON number, hex quantity or decimal string."""
    if isinstance(value, int):
        return value
    return int(value, 16) if value.startswith("0x") else int(value)


def parse_address(value: Any) -> bytes:
    """The 20 bytes of an address."""
    address = parse_data(value, "address")
    if len(address) != 20:
        raise RpcError(INVALID_PARAMS, "invalid argument: address must be 20 bytes")
    return address


def revert_reason(output: bytes) -> str:
    """The message a node gives for a revert, with the text of Error(string) or the code of Panic(uint256)."""
    if output[:4] == bytes.fromhex("08c379a0") and len(output) >= 68:
        length = big_endian(output[36:68])
        return "execution reverted: " + output[68:68 + length].decode("utf-8", "replace")
    if output[:4] == bytes.fromhex("4e487b71") and len(output) >= 36:
        return f"execution reverted: panic code 0x{big_endian(output[4:36]):02x}"
    return "execution reverted"
