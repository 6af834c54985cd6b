# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Blocks, transactions, receipts and logs in the JSON shapes of the Ethereum execution API."""
from __future__ import annotations

from typing import Any

from .engine import Block
from .rpc import big_endian, data, quantity
from .transactions import Tx

Json = dict[str, Any]
EMPTY_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
AUTHORIZATION_FIELDS = ("chainId", "address", "nonce", "yParity", "r", "s")


def tx_json(tx: Tx, block: Block | None, index: int | None) -> Json:
    """A transaction; without a block, one that waits in the pool."""
    v, r, s = tx.signature
    price = tx.effective_price(block.base_fee) if block else tx.max_fee
    out: Json = {
        "hash": data(tx.hash), "type": quantity(tx.type), "nonce": quantity(tx.nonce), "from": data(tx.sender),
        "to": data(tx.to) if tx.to else None, "value": quantity(tx.value), "gas": quantity(tx.gas),
        "gasPrice": quantity(price), "input": data(tx.data), "v": quantity(v), "r": quantity(r), "s": quantity(s),
        "blockHash": data(block.hash) if block else None, "blockNumber": quantity(block.number) if block else None,
        "transactionIndex": None if index is None else quantity(index),
    }
    if tx.chain_id is not None:
        out["chainId"] = quantity(tx.chain_id)
    if tx.type:
        out["yParity"] = quantity(v)
        out["accessList"] = [{"address": data(a), "storageKeys": [data(k) for k in keys]} for a, keys in tx.access_list]
    if tx.type >= 2:
        out["maxFeePerGas"], out["maxPriorityFeePerGas"] = quantity(tx.max_fee), quantity(tx.priority_fee)
    if tx.type == 4:
        out["authorizationList"] = [_authorization_json(*a) for a in tx.authorization_list]
    return out


def _authorization_json(chain: bytes, address: bytes, nonce: bytes, parity: bytes, r: bytes, s: bytes) -> Json:
    """One EIP-7702 authorization."""
    values = [quantity(big_endian(chain)), data(address)] + [quantity(big_endian(x)) for x in (nonce, parity, r, s)]
    return dict(zip(AUTHORIZATION_FIELDS, values))


def logs_json(block: Block, index: int) -> list[Json]:
    """The logs of one transaction of a block."""
    first = sum(len(o.logs) for o in block.outcomes[:index])
    outcome = block.outcomes[index]
    return [{"address": data(address), "topics": [data(t) for t in topics], "data": data(body),
             "blockNumber": quantity(block.number), "blockHash": data(block.hash), "transactionHash": data(outcome.tx.hash),
             "transactionIndex": quantity(index), "logIndex": quantity(first + i), "removed": False,
             "blockTimestamp": quantity(block.timestamp)}
            for i, (address, topics, body) in enumerate(outcome.logs)]


def receipt_json(block: Block, index: int) -> Json:
    """The receipt of one transaction of a block."""
    o = block.outcomes[index]
    return {"transactionHash": data(o.tx.hash), "transactionIndex": quantity(index), "blockHash": data(block.hash),
            "blockNumber": quantity(block.number), "from": data(o.tx.sender), "to": data(o.tx.to) if o.tx.to else None,
            "contractAddress": data(o.contract) if o.contract else None, "status": quantity(o.status),
            "type": quantity(o.tx.type), "gasUsed": quantity(o.gas_used),
            "cumulativeGasUsed": quantity(sum(x.gas_used for x in block.outcomes[:index + 1])),
            "effectiveGasPrice": quantity(o.price), "logs": logs_json(block, index), "logsBloom": o.bloom}


def block_json(b: Block, full: bool) -> Json:
    """A block with its transactions, or with their hashes alone."""
    transactions = [tx_json(o.tx, b, i) if full else data(o.tx.hash) for i, o in enumerate(b.outcomes)]
    return {"number": quantity(b.number), "hash": data(b.hash), "parentHash": data(b.parent),
            "timestamp": quantity(b.timestamp), "baseFeePerGas": quantity(b.base_fee), "gasLimit": quantity(b.gas_limit),
            "gasUsed": quantity(b.gas_used), "stateRoot": data(b.state_root), "transactionsRoot": data(b.tx_root),
            "receiptsRoot": data(b.receipts_root), "logsBloom": b.bloom, "mixHash": data(b.mix_hash),
            "nonce": "0x0000000000000000", "miner": "0x" + "00" * 20, "difficulty": "0x0", "totalDifficulty": "0x0",
            "extraData": data(b"devchain"), "size": quantity(b.size), "uncles": [], "withdrawals": [],
            "blobGasUsed": "0x0", "excessBlobGas": "0x0", "sha3Uncles": EMPTY_UNCLES, "transactions": transactions}
