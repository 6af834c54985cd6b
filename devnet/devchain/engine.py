# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""What an execution engine offers to the node, and the records that pass between them."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from .transactions import Tx

EMPTY_BLOOM = "0x" + "00" * 256
ZERO_HASH = b"\0" * 32
Log = tuple[bytes, list[bytes], bytes]      # (address, topics, data)


@dataclass
class CallResult:
    """The outcome of a read-only call; `error` is the engine's own word for a halt, empty for a plain revert."""

    ok: bool
    output: bytes
    gas_used: int
    error: str = ""


@dataclass
class TxOutcome:
    """One mined transaction."""

    tx: Tx
    status: int
    gas_used: int
    price: int
    logs: list[Log]
    contract: bytes | None
    bloom: str = EMPTY_BLOOM


@dataclass
class Block:
    """One sealed block."""

    number: int
    hash: bytes
    parent: bytes
    timestamp: int
    base_fee: int
    gas_limit: int
    gas_used: int
    outcomes: list[TxOutcome]
    state_root: bytes = ZERO_HASH
    tx_root: bytes = ZERO_HASH
    receipts_root: bytes = ZERO_HASH
    bloom: str = EMPTY_BLOOM
    mix_hash: bytes = ZERO_HASH
    size: int = 600


def next_base_fee(parent: Block) -> int:
    """EIP-1559's base fee of the block after `parent`."""
    target = parent.gas_limit // 2
    if parent.gas_used == target:
        return parent.base_fee
    if parent.gas_used > target:
        return parent.base_fee + max(parent.base_fee * (parent.gas_used - target) // target // 8, 1)
    return max(parent.base_fee - parent.base_fee * (target - parent.gas_used) // target // 8, 0)


class Engine(Protocol):
    """Executes bytecode and keeps state.  `block=None` means the latest state."""

    name: str
    has_history: bool
    block0: Block

    def balance(self, account: bytes, block: Block | None) -> int: ...
    def nonce(self, account: bytes, block: Block | None) -> int: ...
    def code(self, account: bytes, block: Block | None) -> bytes: ...
    def storage(self, account: bytes, slot: int, block: Block | None) -> int: ...

    def call(self, sender: bytes, to: bytes, data: bytes, value: int, gas: int, price: int, timestamp: int,
             block: Block | None = None, overrides: dict[bytes, dict[str, Any]] | None = None) -> CallResult:
        """Run a message and forget its effects."""
        ...

    def mine(self, txs: list[Tx], timestamp: int) -> tuple[Block, list[tuple[Tx, str]]]:
        """Seal a block; also names the transactions that turned out not to be valid, with the reason."""
        ...

    def set_account(self, account: bytes, balance: int | None = None, nonce: int | None = None,
                    code: bytes | None = None, slot: tuple[int, int] | None = None) -> None:
        """Change state outside of any transaction."""
        ...

    def rewind(self, block: Block) -> None:
        """Make `block` the head again."""
        ...
