# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""The engine for correctness: py-evm with Prague rules, a complete chain with state at every block."""
from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import rlp
from eth.chains.base import MiningChain
from eth.consensus import ConsensusApplier, NoProofConsensus
from eth.constants import (BLANK_ROOT_HASH, GENESIS_PARENT_HASH, POST_MERGE_DIFFICULTY, POST_MERGE_MIX_HASH,
                           POST_MERGE_NONCE, ZERO_ADDRESS)
from eth.db import get_db_backend
from eth.vm.chain_context import ChainContext
from eth.vm.forks import PragueVM
from eth.vm.message import Message
from eth.vm.spoof import SpoofTransaction

from .engine import Block, CallResult, TxOutcome
from .transactions import Tx

GENESIS_CALL_GAS = 25_000_000


class DevVM(PragueVM):
    """Prague, where a block may carry the timestamp of its parent (as on chains with many blocks a second)."""

    @classmethod
    def validate_header(cls, header: Any, parent_header: Any) -> None:
        if parent_header is not None and header.timestamp == parent_header.timestamp:
            header = header.copy(timestamp=parent_header.timestamp + 1)
        super().validate_header(header, parent_header)


def _chain_class(number: int) -> type[MiningChain]:
    class DevChain(MiningChain):
        chain_id = number
        vm_configuration = ConsensusApplier(NoProofConsensus).amend_vm_configuration(((0, DevVM),))

        def create_header_from_parent(self, parent_header: Any, **params: Any) -> Any:
            return super().create_header_from_parent(parent_header, **{"gas_limit": parent_header.gas_limit, **params})

    return DevChain


class PyEvmEngine:
    """See `Engine`."""

    name = "pyevm"
    has_history = True

    def __init__(self, chain_id: int, genesis: dict, timestamp: int, gas_limit: int, base_fee: int):
        self._context = ChainContext(chain_id)
        chain_class = _chain_class(chain_id)
        self._vm_class = chain_class.get_vm_class_for_block_number(0)
        self._builder = self._vm_class.get_transaction_builder()
        params = dict(coinbase=ZERO_ADDRESS, difficulty=POST_MERGE_DIFFICULTY, extra_data=b"devchain",
                      gas_limit=gas_limit, mix_hash=POST_MERGE_MIX_HASH, nonce=POST_MERGE_NONCE,
                      receipt_root=BLANK_ROOT_HASH, transaction_root=BLANK_ROOT_HASH, timestamp=timestamp,
                      base_fee_per_gas=base_fee)
        # The genesis steps run on an empty state; block 0 is sealed over their result.
        db = get_db_backend()
        state = self._vm_class.build_state(db, self._vm_class.create_genesis_header(**params), self._context, ())
        self._run_genesis(state, genesis)
        state.lock_changes()
        state.persist()
        header = self._vm_class.create_genesis_header(**{**params, "state_root": state.state_root})
        self.chain = chain_class.from_genesis_header(db, header)
        self._sealed = self.chain.get_canonical_head()
        self.block0 = self._block(self._sealed, [])

    def _run_genesis(self, state: Any, genesis: dict) -> None:
        for step in genesis["steps"]:
            if step["op"] == "account":
                account = bytes.fromhex(step["address"][2:])
                state.set_balance(account, int(step["balance"], 16))
                state.set_nonce(account, step["nonce"])
                if step["code"] != "0x":
                    state.set_code(account, bytes.fromhex(step["code"][2:]))
            else:
                self._run_genesis_message(state, step)
            state.lock_changes()

    def _run_genesis_message(self, state: Any, step: dict) -> None:
        """A call, or init code run at the address where its result is kept: no nonce, no fee."""
        creates = step["op"] == "create"
        to = bytes.fromhex(step["address" if creates else "to"][2:])
        sender = bytes.fromhex(step["from"][2:])
        if creates:
            state.set_code(to, bytes.fromhex(step["initcode"][2:]))
            state.set_nonce(to, 1)
        message = Message(gas=GENESIS_CALL_GAS, to=to, sender=sender, value=0, create_address=None,
                          data=bytes.fromhex(step.get("data", "0x")[2:]), code=state.get_code(to))
        context = state.get_transaction_context_class()(gas_price=0, origin=sender)
        computation = state.computation_class.apply_message(state, message, context)
        if computation.is_error:
            raise SystemExit(f"genesis step failed: {step['op']} at 0x{to.hex()}: {computation.error!r}")
        if creates:
            state.set_code(to, bytes(computation.output))

    def _block(self, header: Any, outcomes: list[TxOutcome]) -> Block:
        size = len(rlp.encode(header)) + sum(len(o.tx.raw) for o in outcomes)
        return Block(header.block_number, header.hash, header.parent_hash, header.timestamp, header.base_fee_per_gas,
                     header.gas_limit, header.gas_used, outcomes, header.state_root, header.transaction_root,
                     header.receipt_root, f"0x{header.bloom:0512x}", header.mix_hash, size)

    def _state(self, block: Block | None, timestamp: int | None = None) -> Any:
        """State after `block`; with a timestamp, as seen from the block that would follow it."""
        if block is None:
            header = self._sealed
        else:
            header = self.chain.get_canonical_block_header_by_number(block.number)
        if timestamp is not None:
            seen_from = self.chain.header.copy(state_root=header.state_root) if block is None else header
            header = seen_from.copy(timestamp=timestamp, base_fee_per_gas=0)
        return self._vm_class.build_state(self.chain.chaindb.db, header, self._context, ())

    def balance(self, account: bytes, block: Block | None) -> int:
        return self._state(block).get_balance(account)

    def nonce(self, account: bytes, block: Block | None) -> int:
        return self._state(block).get_nonce(account)

    def code(self, account: bytes, block: Block | None) -> bytes:
        return self._state(block).get_code(account)

    def storage(self, account: bytes, slot: int, block: Block | None) -> int:
        return self._state(block).get_storage(account, slot)

    def call(self, sender: bytes, to: bytes, data: bytes, value: int, gas: int, price: int, timestamp: int,
             block: Block | None = None, overrides: dict[bytes, dict[str, Any]] | None = None) -> CallResult:
        state = self._state(block, timestamp)
        for account, override in (overrides or {}).items():
            self._override(state, account, override)
        if value and state.get_balance(sender) < value:
            return CallResult(False, b"", 0, "insufficient funds for transfer")
        state.set_balance(sender, state.get_balance(sender) + 10**30)      # gas is not charged in a call
        unsigned = self._builder.new_unsigned_dynamic_fee_transaction(
            chain_id=self.chain.chain_id, nonce=state.get_nonce(sender), max_priority_fee_per_gas=0,
            max_fee_per_gas=price, gas=gas, to=to, value=value, data=data, access_list=())
        try:
            c = state.apply_transaction(SpoofTransaction(unsigned, from_=sender))
        except Exception as e:      # intrinsic gas too low and the like
            return CallResult(False, b"", gas, str(e) or type(e).__name__)
        spent = gas - c.get_gas_remaining()
        used = spent - min(c.get_gas_refund(), spent // 5)
        if not c.is_error:
            return CallResult(True, bytes(c.output), used)
        halt = "" if type(c.error).__name__ == "Revert" else f"{type(c.error).__name__}: {c.error}"
        return CallResult(False, bytes(c.output), used, halt)

    @staticmethod
    def _override(state: Any, account: bytes, override: dict[str, Any]) -> None:
        if "balance" in override:
            state.set_balance(account, override["balance"])
        if "nonce" in override:
            state.set_nonce(account, override["nonce"])
        if "code" in override:
            state.set_code(account, override["code"])
        for slot, value in override.get("stateDiff", {}).items():
            state.set_storage(account, slot, value)

    def mine(self, txs: list[Tx], timestamp: int) -> tuple[Block, list[tuple[Tx, str]]]:
        self.chain.set_header_timestamp(timestamp)
        base_fee = self.chain.header.base_fee_per_gas
        ready = [(tx, self._builder.decode(tx.raw)) for tx in txs]
        rejected: list[tuple[Tx, str]] = []
        try:
            _, receipts, computations = self.chain.mine_all([t for _, t in ready], mix_hash=os.urandom(32))
        except Exception:       # one of them is not valid here (say, its sender ran out of funds)
            ready, rejected = self._sift(ready)
            self.chain.header = self.chain.create_header_from_parent(self._sealed)
            self.chain.set_header_timestamp(timestamp)
            _, receipts, computations = self.chain.mine_all([t for _, t in ready], mix_hash=os.urandom(32))
        outcomes, before = [], 0
        for (tx, _), receipt, c in zip(ready, receipts, computations):
            logs = [(entry.address, [t.to_bytes(32, "big") for t in entry.topics], entry.data) for entry in receipt.logs]
            outcomes.append(TxOutcome(tx, 0 if c.is_error else 1, receipt.gas_used - before, tx.effective_price(base_fee),
                                      logs, None if tx.to else c.msg.storage_address, f"0x{receipt.bloom:0512x}"))
            before = receipt.gas_used
        self._sealed = self.chain.get_canonical_head()
        return self._block(self._sealed, outcomes), rejected

    def _sift(self, candidates: list[tuple[Tx, Any]]) -> tuple[list[tuple[Tx, Any]], list[tuple[Tx, str]]]:
        """Part valid transactions from others by applying them one after the other."""
        valid, rejected = [], []
        for tx, decoded in candidates:
            try:
                self.chain.get_vm(self.chain.header).state.validate_transaction(decoded)
                self.chain.apply_transaction(decoded)
                valid.append((tx, decoded))
            except Exception as e:
                rejected.append((tx, str(e) or type(e).__name__))
        return valid, rejected

    def set_account(self, account: bytes, balance: int | None = None, nonce: int | None = None,
                    code: bytes | None = None, slot: tuple[int, int] | None = None) -> None:
        def change(state: Any) -> None:
            if balance is not None:
                state.set_balance(account, balance)
            if nonce is not None:
                state.set_nonce(account, nonce)
            if code is not None:
                state.set_code(account, code)
            if slot is not None:
                state.set_storage(account, *slot)
        self._change_state(change)

    def _change_state(self, change: Callable[[Any], None]) -> None:
        """Change the state that the next block starts from."""
        vm = self.chain.get_vm(self.chain.header)
        change(vm.state)
        vm.state.lock_changes()
        vm.state.persist()
        self.chain.header = self.chain.header.copy(state_root=vm.state.state_root)

    def rewind(self, block: Block) -> None:
        header = self.chain.get_canonical_block_header_by_number(block.number)
        db = self.chain.chaindb
        db._set_as_canonical_chain_head(db.db, header, GENESIS_PARENT_HASH)
        self._sealed = header
        self.chain.header = self.chain.create_header_from_parent(header)
