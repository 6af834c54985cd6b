# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""The standard JSON-RPC methods (eth_, net_, web3_, txpool_); each is named as on the wire."""
from __future__ import annotations

from typing import Any

from .engine import ZERO_HASH, Block, CallResult, next_base_fee
from .node import Node
from .rpc import (REVERTED, SERVER_ERROR, RpcError, checksum, data, parse_address, parse_data, parse_number, quantity,
                  revert_reason)
from .transactions import Tx, decode_tx
from .views import Json, block_json, logs_json, receipt_json, tx_json

GAS_CAP = 25_000_000


class EthMethods:
    """Reads, calls and transactions.  Calls at "latest" or "pending" run with the timestamp the next block would have, as a
    chain with short block times would show."""

    def __init__(self, node: Node):
        self.node = node

    def web3_clientVersion(self) -> str:
        return f"devchain/1.0/{self.node.engine.name}"

    def net_version(self) -> str:
        return str(self.node.chain_id)

    def eth_chainId(self) -> str:
        return quantity(self.node.chain_id)

    def eth_syncing(self) -> bool:
        return False

    def eth_accounts(self) -> list[str]:
        return []

    def eth_blockNumber(self) -> str:
        return quantity(self.node.blocks[-1].number)

    # Fees.

    def eth_gasPrice(self) -> str:
        return quantity(next_base_fee(self.node.blocks[-1]) + self.node.tip)

    def eth_maxPriorityFeePerGas(self) -> str:
        return quantity(self.node.tip)

    def eth_blobBaseFee(self) -> str:
        return "0x1"

    def eth_feeHistory(self, count: Any, newest: Any = "latest", percentiles: list | None = None) -> Json:
        last = self.node.block(newest) or self.node.blocks[-1]
        count = min(max(parse_number(count), 1), 1024, last.number + 1)
        blocks = self.node.blocks[last.number + 1 - count:last.number + 1]
        fees = [b.base_fee for b in blocks] + [next_base_fee(blocks[-1])]
        out: Json = {"oldestBlock": quantity(blocks[0].number), "baseFeePerGas": [quantity(f) for f in fees],
                     "gasUsedRatio": [b.gas_used / b.gas_limit for b in blocks]}
        if percentiles:
            out["reward"] = [[quantity(self.node.tip)] * len(percentiles) for _ in blocks]
        return out

    # State.

    def eth_getBalance(self, account: str, tag: Any = "latest") -> str:
        return quantity(self.node.engine.balance(parse_address(account), self.node.state_block(tag)))

    def eth_getCode(self, account: str, tag: Any = "latest") -> str:
        return data(self.node.engine.code(parse_address(account), self.node.state_block(tag)))

    def eth_getStorageAt(self, account: str, slot: Any, tag: Any = "latest") -> str:
        value = self.node.engine.storage(parse_address(account), parse_number(slot), self.node.state_block(tag))
        return f"0x{value:064x}"

    def eth_getTransactionCount(self, account: str, tag: Any = "latest") -> str:
        if tag == "pending":
            return quantity(self.node.pending_nonce(parse_address(account)))
        return quantity(self.node.engine.nonce(parse_address(account), self.node.state_block(tag)))

    # Blocks, transactions, logs.

    def eth_getBlockByNumber(self, tag: Any, full: bool = False) -> Json | None:
        if tag == "pending":
            return self._pending_block(full)
        try:
            block = self.node.block(tag)
        except RpcError:
            return None
        return block_json(block, full) if block else None

    def _pending_block(self, full: bool) -> Json:
        last = self.node.blocks[-1]
        block = Block(last.number + 1, ZERO_HASH, last.hash, self.node.pending_time(), next_base_fee(last), last.gas_limit, 0, [])
        return {**block_json(block, full), "hash": None, "nonce": None}

    def eth_getBlockByHash(self, block_hash: str, full: bool = False) -> Json | None:
        block = self.node.by_hash.get(parse_data(block_hash))
        return block_json(block, full) if block else None

    def eth_getBlockReceipts(self, tag: Any) -> list[Json]:
        block = self.node.block(tag) or self.node.blocks[-1]
        return [receipt_json(block, i) for i in range(len(block.outcomes))]

    def eth_getTransactionByHash(self, tx_hash: str) -> Json | None:
        found = self.node.where.get(parse_data(tx_hash))
        if found:
            block = self.node.blocks[found[0]]
            return tx_json(block.outcomes[found[1]].tx, block, found[1])
        pending = self.node.find_pending(parse_data(tx_hash))
        return tx_json(pending, None, None) if pending else None

    def eth_getTransactionReceipt(self, tx_hash: str) -> Json | None:
        found = self.node.where.get(parse_data(tx_hash))
        return receipt_json(self.node.blocks[found[0]], found[1]) if found else None

    def eth_getLogs(self, query: Json) -> list[Json]:
        who, want = _addresses(query.get("address")), [_topics(t) for t in query.get("topics") or []]
        out = []
        for block in self._log_blocks(query):
            for index, outcome in enumerate(block.outcomes):
                for entry, (address, topics, _) in zip(logs_json(block, index), outcome.logs):
                    here = who is None or address in who
                    if here and len(topics) >= len(want) and all(w is None or t in w for w, t in zip(want, topics)):
                        out.append(entry)
        return out

    def _log_blocks(self, query: Json) -> list[Block]:
        if "blockHash" in query:
            block = self.node.by_hash.get(parse_data(query["blockHash"]))
            return [block] if block else []
        first = self.node.block(query.get("fromBlock", "latest")) or self.node.blocks[-1]
        last = self.node.block(query.get("toBlock", "latest")) or self.node.blocks[-1]
        return self.node.blocks[first.number:last.number + 1]

    # Calls.

    def eth_call(self, call: Json, tag: Any = "latest", overrides: Json | None = None) -> str:
        state, timestamp = self._context(tag)
        gas = min(parse_number(call.get("gas", GAS_CAP)), GAS_CAP)
        result = self.node.engine.call(**_message(call), gas=gas, timestamp=timestamp, block=state,
                                       overrides=_overrides(overrides or {}))
        return data(_output(result))

    def eth_estimateGas(self, call: Json, tag: Any = "latest") -> str:
        state, timestamp = self._context(tag)
        message = _message(call)
        probe = Tx(b"", b"", 2, message["sender"], 0, 0, 0, 0, message["to"], message["value"], message["data"], None)
        low, high = max(probe.intrinsic_gas()) - 1, min(parse_number(call.get("gas", GAS_CAP)), GAS_CAP)

        def run(gas: int) -> CallResult:
            return self.node.engine.call(**message, gas=gas, timestamp=timestamp, block=state)

        first = run(high)
        _output(first)
        guess = max(first.gas_used, low + 1)
        if run(guess).ok:               # most calls need exactly what they used
            return quantity(guess)
        low = guess
        while high - low > max(low // 64, 1):      # within about 1.5 %, as geth does
            middle = min((low + high) // 2, low * 2)
            if run(middle).ok:
                high = middle
            else:
                low = middle
        return quantity(high)

    def _context(self, tag: Any) -> tuple[Block | None, int]:
        """(state, timestamp): the head and the pending block look from the next block on."""
        block = self.node.state_block(tag)
        return (None, self.node.pending_time()) if block is None else (block, block.timestamp)

    # Transactions.

    def eth_sendRawTransaction(self, raw: str, swallow: bool = False) -> str:
        tx = decode_tx(parse_data(raw, "transaction"), self.node.chain_id)
        self.node.submit(tx, swallow)
        return data(tx.hash)

    def txpool_content(self) -> Json:
        pending = {checksum(sender): {str(nonce): tx_json(tx, None, None) for nonce, tx in sorted(by_nonce.items())}
                   for sender, by_nonce in self.node.pool.items()}
        return {"pending": pending, "queued": {}}


def _output(result: CallResult) -> bytes:
    """What a call returned, or the error it ended in."""
    if result.ok:
        return result.output
    if result.error:
        raise RpcError(SERVER_ERROR, result.error)
    raise RpcError(REVERTED, revert_reason(result.output), data(result.output))


def _message(call: Json) -> dict[str, Any]:
    return {"sender": parse_address(call["from"]) if call.get("from") else b"\0" * 20,
            "to": parse_address(call["to"]) if call.get("to") else b"",
            "data": parse_data(call.get("input") or call.get("data") or "0x", "data"),
            "value": parse_number(call.get("value") or 0),
            "price": parse_number(call.get("maxFeePerGas") or call.get("gasPrice") or 0)}


def _overrides(overrides: Json) -> dict[bytes, dict[str, Any]]:
    readers = {"code": parse_data, "balance": parse_number, "nonce": parse_number,
               "stateDiff": lambda slots: {parse_number(k): parse_number(v) for k, v in slots.items()}}
    return {parse_address(account): {field: readers[field](value) for field, value in override.items()}
            for account, override in overrides.items()}


def _addresses(value: Any) -> set[bytes] | None:
    if value is None:
        return None
    return {parse_address(a) for a in ([value] if isinstance(value, str) else value)}


def _topics(value: Any) -> set[bytes] | None:
    if value is None:
        return None
    return {parse_data(t) for t in ([value] if isinstance(value, str) else value)}
