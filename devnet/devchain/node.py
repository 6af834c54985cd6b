# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""The node's state without any JSON: blocks, mempool, clock, mining, snapshots."""
from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from typing import Any

from .engine import Block, Engine, next_base_fee
from .rpc import INVALID_PARAMS, SERVER_ERROR, RpcError, parse_data, parse_number
from .transactions import Tx

log = logging.getLogger("devchain")


class Node:
    """One chain over one engine.  Block times are wall clock plus `offset` and may repeat, so that a burst of transactions
    does not run the chain's clock ahead of the wall clock."""

    def __init__(self, engine: Engine, chain_id: int, tip: int):
        self.engine, self.chain_id, self.tip = engine, chain_id, tip
        self.blocks: list[Block] = [engine.block0]
        self.by_hash: dict[bytes, Block] = {engine.block0.hash: engine.block0}
        self.where: dict[bytes, tuple[int, int]] = {}       # transaction hash -> (block, index)
        self.pool: dict[bytes, dict[int, Tx]] = defaultdict(dict)
        self.swallowed: set[bytes] = set()
        self.automine, self.interval = True, 0.0
        self.offset, self.next_timestamp = 0, None
        self.snapshots: dict[int, tuple[Block, int]] = {}
        self._ticker: asyncio.Task | None = None

    # Time.

    def pending_time(self) -> int:
        """The timestamp that the next block would have."""
        if self.next_timestamp is not None:
            return self.next_timestamp
        return max(int(time.time()) + self.offset, self.blocks[-1].timestamp)

    # Pool.

    def submit(self, tx: Tx, swallow: bool = False) -> None:
        """Take a transaction into the pool, as geth would; a swallowed one is never mined."""
        if tx.hash in self.where or any(t.hash == tx.hash for t in self.pool.get(tx.sender, {}).values()):
            raise RpcError(SERVER_ERROR, "already known")
        self._validate(tx)
        old = self.pool.get(tx.sender, {}).get(tx.nonce)
        if old and (tx.max_fee < old.max_fee * 11 // 10 or tx.priority_fee < old.priority_fee * 11 // 10):
            raise RpcError(SERVER_ERROR, "replacement transaction underpriced")
        self.pool[tx.sender][tx.nonce] = tx
        if swallow:
            self.swallowed.add(tx.hash)
        elif self.automine:
            self.mine()

    def _validate(self, tx: Tx) -> None:
        state_nonce = self.engine.nonce(tx.sender, None)
        if tx.nonce < state_nonce:
            raise RpcError(SERVER_ERROR, f"nonce too low: next nonce {state_nonce}, tx nonce {tx.nonce}")
        if tx.priority_fee > tx.max_fee:
            raise RpcError(SERVER_ERROR, "max priority fee per gas higher than max fee per gas")
        minimum = max(tx.intrinsic_gas())
        if tx.gas < minimum:
            raise RpcError(SERVER_ERROR, f"intrinsic gas too low: gas {tx.gas}, minimum needed {minimum}")
        if tx.gas > self.blocks[-1].gas_limit:
            raise RpcError(SERVER_ERROR, "exceeds block gas limit")
        need, have = tx.gas * tx.max_fee + tx.value, self.engine.balance(tx.sender, None)
        if have < need:
            raise RpcError(SERVER_ERROR, f"insufficient funds for gas * price + value: balance {have}, tx cost {need}, "
                                         f"overshot {need - have}")

    def forget(self, sender: bytes, nonce: int) -> None:
        """Remove a transaction from the pool, if it is there."""
        self.pool.get(sender, {}).pop(nonce, None)
        if not self.pool.get(sender):
            self.pool.pop(sender, None)

    def pending_nonce(self, account: bytes) -> int:
        """The nonce after every consecutive transaction in the pool."""
        nonce = self.engine.nonce(account, None)
        while nonce in self.pool.get(account, {}):
            nonce += 1
        return nonce

    # Mining.

    def mine(self, timestamp: int | None = None) -> Block:
        """Seal a block of what the pool has ready."""
        at = self.pending_time() if timestamp is None else timestamp
        self.next_timestamp = None
        if at < self.blocks[-1].timestamp:
            raise RpcError(INVALID_PARAMS, f"timestamp {at} is before the head's {self.blocks[-1].timestamp}")
        block, rejected = self.engine.mine(self._choose(), at)
        for tx, why in rejected:
            log.info("dropped transaction %s: %s", tx.hash.hex(), why)
        for tx in [o.tx for o in block.outcomes] + [tx for tx, _ in rejected]:
            self.forget(tx.sender, tx.nonce)
        self.blocks.append(block)
        self.by_hash[block.hash] = block
        for index, outcome in enumerate(block.outcomes):
            self.where[outcome.tx.hash] = (block.number, index)
        return block

    def _choose(self) -> list[Tx]:
        """Each sender's transactions in nonce order, as long as they pay the base fee and the block has room; the sender whose
        first one tips best comes first."""
        base_fee, limit = next_base_fee(self.blocks[-1]), self.blocks[-1].gas_limit
        chosen: list[Tx] = []
        gas = 0
        for sender, by_nonce in sorted(self.pool.items(), key=lambda item: -item[1][min(item[1])].priority_fee):
            nonce = self.engine.nonce(sender, None)
            while nonce in by_nonce and by_nonce[nonce].max_fee >= base_fee and by_nonce[nonce].hash not in self.swallowed:
                if gas + by_nonce[nonce].gas > limit:
                    break
                gas += by_nonce[nonce].gas
                chosen.append(by_nonce[nonce])
                nonce += 1
        return chosen

    def set_interval(self, seconds: float) -> None:
        """Mine every so many seconds; 0 stops it."""
        self.interval = seconds
        if self._ticker:
            self._ticker.cancel()
        self._ticker = asyncio.get_running_loop().create_task(self._tick()) if seconds > 0 else None

    async def _tick(self) -> None:
        while self.interval > 0:
            await asyncio.sleep(self.interval)
            self.mine()

    # Blocks.

    def block(self, tag: Any) -> Block | None:
        """The block a tag, number or EIP-1898 object names; None stands for the pending block."""
        if isinstance(tag, dict):
            if "blockHash" in tag:
                found = self.by_hash.get(parse_data(tag["blockHash"]))
                if found is None:
                    raise RpcError(SERVER_ERROR, "header not found")
                return found
            tag = tag.get("blockNumber", "latest")
        if tag in (None, "latest", "safe", "finalized"):
            return self.blocks[-1]
        if tag == "pending":
            return None
        number = 0 if tag == "earliest" else parse_number(tag)
        if number >= len(self.blocks):
            raise RpcError(SERVER_ERROR, "header not found")
        return self.blocks[number]

    def state_block(self, tag: Any) -> Block | None:
        """The same, with None for the latest state, which engines read faster."""
        block = self.block(tag)
        return None if block is None or block is self.blocks[-1] else block

    def find_pending(self, tx_hash: bytes) -> Tx | None:
        """A transaction that waits in the pool."""
        return next((tx for by_nonce in self.pool.values() for tx in by_nonce.values() if tx.hash == tx_hash), None)

    # Snapshots.

    def snapshot(self) -> int:
        """Remember the head; answers the number to go back to it."""
        if not self.engine.has_history:
            self.engine.rewind(self.blocks[-1])
        number = len(self.snapshots) + 1
        self.snapshots[number] = (self.blocks[-1], self.offset)
        return number

    def revert(self, number: int) -> bool:
        """Go back to a remembered head: later blocks and the whole pool vanish, as after a reorganisation."""
        snapshot = self.snapshots.pop(number, None)
        if snapshot is None:
            return False
        head, self.offset = snapshot
        self.engine.rewind(head)
        for block in self.blocks[head.number + 1:]:
            self.by_hash.pop(block.hash, None)
            for outcome in block.outcomes:
                self.where.pop(outcome.tx.hash, None)
        del self.blocks[head.number + 1:]
        self.pool.clear()
        return True
