# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""The methods that steer the chain (evm_, anvil_); each is named as on the wire, with the meaning it has in anvil."""
from __future__ import annotations

import time
from typing import Any

from .node import Node
from .rpc import INVALID_PARAMS, RpcError, data, parse_address, parse_data, parse_number, quantity


class ControlMethods:
    """Mining, time, snapshots, and changes of state outside of any transaction."""

    def __init__(self, node: Node):
        self.node = node

    def evm_mine(self, options: Any = None) -> str:
        count, timestamp = 1, None
        if isinstance(options, dict):
            count = parse_number(options.get("blocks", 1))
            timestamp = parse_number(options["timestamp"]) if options.get("timestamp") is not None else None
        elif options is not None:
            timestamp = parse_number(options)
        for _ in range(count):
            self.node.mine(timestamp)
        return "0x0"

    def evm_increaseTime(self, seconds: Any) -> int:
        self.node.offset += parse_number(seconds)
        return self.node.offset

    def evm_setNextBlockTimestamp(self, timestamp: Any) -> bool:
        at = parse_number(timestamp)
        if at < self.node.blocks[-1].timestamp:
            raise RpcError(INVALID_PARAMS, "timestamp before the head")
        self.node.next_timestamp = at
        self.node.offset = at - int(time.time())
        return True

    def evm_setAutomine(self, on: bool) -> bool:
        self.node.automine = bool(on)
        if on and self.node.pool:
            self.node.mine()
        return True

    def evm_setIntervalMining(self, milliseconds: Any) -> bool:
        self.node.automine = parse_number(milliseconds) == 0 and self.node.automine
        self.node.set_interval(parse_number(milliseconds) / 1000)
        return True

    def evm_snapshot(self) -> str:
        return quantity(self.node.snapshot())

    def evm_revert(self, number: Any) -> bool:
        return self.node.revert(parse_number(number))

    def anvil_setBalance(self, account: str, balance: Any) -> bool:
        return self._change(account, balance=parse_number(balance))

    def anvil_setNonce(self, account: str, nonce: Any) -> bool:
        return self._change(account, nonce=parse_number(nonce))

    def anvil_setCode(self, account: str, code: str) -> bool:
        return self._change(account, code=parse_data(code))

    def anvil_setStorageAt(self, account: str, slot: Any, value: Any) -> bool:
        return self._change(account, slot=(parse_number(slot), parse_number(value)))

    def _change(self, account: str, **fields: Any) -> bool:
        self.node.engine.set_account(parse_address(account), **fields)
        if self.node.engine.has_history:
            self.node.mine()                 # makes it visible at "latest"
        return True

    def anvil_dropTransaction(self, tx_hash: str) -> str | None:
        tx = self.node.find_pending(parse_data(tx_hash))
        if tx is None:
            return None
        self.node.forget(tx.sender, tx.nonce)
        return data(tx.hash)
