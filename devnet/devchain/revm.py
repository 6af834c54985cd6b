# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""The engine for load: Rust revm through pyrevm.  Nonces, fees and blocks are kept here, only the latest state is readable,
and gas is undercounted because storage stays warm from one transaction to the next."""
from __future__ import annotations

import os
from typing import Any

import pyrevm
from eth_utils import keccak

from .engine import ZERO_HASH, Block, CallResult, TxOutcome, next_base_fee
from .rpc import SERVER_ERROR, RpcError, checksum
from .transactions import Tx

GENESIS_CALL_GAS = 25_000_000
Run = tuple[bool, bytes, int, str]      # (succeeded, output, gas used, the engine's word for a halt)


class RevmEngine:
    """See `Engine`."""

    name = "revm"
    has_history = False

    def __init__(self, chain_id: int, genesis: dict, timestamp: int, gas_limit: int, base_fee: int):
        self.gas_limit = gas_limit
        block = pyrevm.BlockEnv(number=0, timestamp=timestamp, gas_limit=gas_limit)
        self.evm = pyrevm.EVM(env=pyrevm.Env(cfg=pyrevm.CfgEnv(chain_id=chain_id), block=block), spec_id="PRAGUE")
        for step in genesis["steps"]:
            self._run_genesis(step)
        self.block0 = Block(0, keccak(b"devchain genesis"), ZERO_HASH, timestamp, base_fee, gas_limit, 0, [])
        self.last = self.block0

    def _run_genesis(self, step: dict) -> None:
        if step["op"] == "account":
            self.set_account(bytes.fromhex(step["address"][2:]), int(step["balance"], 16), step["nonce"],
                             bytes.fromhex(step["code"][2:]))
            return
        creates = step["op"] == "create"
        to = bytes.fromhex(step["address" if creates else "to"][2:])
        if creates:
            self.set_account(to, nonce=1, code=bytes.fromhex(step["initcode"][2:]))
        call = bytes.fromhex(step.get("data", "0x")[2:])
        ok, output, _, halt = self._run(bytes.fromhex(step["from"][2:]), to, call, 0, GENESIS_CALL_GAS)
        if not ok:
            raise SystemExit(f"genesis step failed: {step['op']} at 0x{to.hex()}: {halt}")
        if creates:
            self.set_account(to, nonce=1, code=output)

    def _run(self, sender: bytes, to: bytes, data: bytes, value: int, gas: int, price: int = 0) -> Run:
        try:
            if to:
                output = self.evm.message_call(caller=checksum(sender), to=checksum(to), calldata=data, value=value,
                                               gas=gas, gas_price=price)
            else:
                created = self.evm.deploy(deployer=checksum(sender), code=data, value=value, gas=gas)
                output = bytes.fromhex(created[2:])
            return True, bytes(output), self.evm.result.gas_used, ""
        except RuntimeError as e:
            text = str(e)
            used = self.evm.result.gas_used if self.evm.result else gas
            if text.startswith("Revert"):
                return False, bytes.fromhex(text.split("output: 0x")[1].split(" ")[0].rstrip("}")), used, ""
            return False, b"", used, text
        except Exception as e:
            return False, b"", gas, str(e)

    def balance(self, account: bytes, block: Block | None) -> int:
        return self.evm.get_balance(checksum(account))

    def nonce(self, account: bytes, block: Block | None) -> int:
        return self.evm.basic(checksum(account)).nonce

    def storage(self, account: bytes, slot: int, block: Block | None) -> int:
        return self.evm.storage(checksum(account), slot)

    def code(self, account: bytes, block: Block | None) -> bytes:
        code = bytes(self.evm.get_code(checksum(account)) or b"")
        return b"" if code == b"\0" else code

    def set_account(self, account: bytes, balance: int | None = None, nonce: int | None = None,
                    code: bytes | None = None, slot: tuple[int, int] | None = None) -> None:
        name = checksum(account)
        if nonce is not None or code is not None:
            kept = self.evm.get_balance(name)
            body = self.code(account, None) if code is None else code
            number = self.nonce(account, None) if nonce is None else nonce
            info = pyrevm.AccountInfo(nonce=number, code=body) if body else pyrevm.AccountInfo(nonce=number)
            self.evm.insert_account_info(name, info)
            self.evm.set_balance(name, kept)
        if balance is not None:
            self.evm.set_balance(name, balance)
        if slot is not None:
            self.evm.insert_account_storage(name, *slot)

    def _begin_block(self, number: int, timestamp: int) -> None:
        self.evm.set_block_env(pyrevm.BlockEnv(number=number, timestamp=timestamp, gas_limit=self.gas_limit,
                                               prevrandao=os.urandom(32)))

    def call(self, sender: bytes, to: bytes, data: bytes, value: int, gas: int, price: int, timestamp: int,
             block: Block | None = None, overrides: dict[bytes, dict[str, Any]] | None = None) -> CallResult:
        if block is not None and block.number != self.last.number:
            raise RpcError(SERVER_ERROR, "the revm engine keeps only the latest state")
        self._begin_block(self.last.number + 1, timestamp)
        mark = self.evm.snapshot()
        try:
            for account, override in (overrides or {}).items():
                self.set_account(account, override.get("balance"), override.get("nonce"), override.get("code"))
            return CallResult(*self._run(sender, to, data, value, gas, price))
        finally:
            self.evm.revert(mark)

    def mine(self, txs: list[Tx], timestamp: int) -> tuple[Block, list[tuple[Tx, str]]]:
        base_fee, number = next_base_fee(self.last), self.last.number + 1
        self._begin_block(number, timestamp)
        outcomes: list[TxOutcome] = []
        rejected: list[tuple[Tx, str]] = []
        total = 0
        for tx in txs:
            reason = self._why_invalid(tx, base_fee, total)
            if reason:
                rejected.append((tx, reason))
                continue
            outcomes.append(self._apply(tx, base_fee))
            total += outcomes[-1].gas_used
        head = keccak(b"devchain" + self.last.hash + number.to_bytes(8, "big") + timestamp.to_bytes(8, "big")
                      + b"".join(o.tx.hash for o in outcomes))
        self.last = Block(number, head, self.last.hash, timestamp, base_fee, self.gas_limit, total, outcomes)
        return self.last, rejected

    def _why_invalid(self, tx: Tx, base_fee: int, gas_in_block: int) -> str:
        """Why a transaction cannot be in the block that is being made; empty if it can."""
        if self.nonce(tx.sender, None) != tx.nonce:
            return "nonce mismatch"
        if self.balance(tx.sender, None) < tx.gas * tx.max_fee + tx.value:
            return "insufficient funds"
        if tx.gas < max(tx.intrinsic_gas()):
            return "intrinsic gas too low"
        if tx.max_fee < base_fee:
            return "max fee below base fee"
        if gas_in_block + tx.gas > self.gas_limit:
            return "block gas limit"
        return "type 4 needs the pyevm engine" if tx.type == 4 else ""

    def _apply(self, tx: Tx, base_fee: int) -> TxOutcome:
        price = tx.effective_price(base_fee)
        self.evm.set_tx_env(pyrevm.TxEnv(caller=checksum(tx.sender), gas_price=price))
        if tx.to:
            self.set_account(tx.sender, nonce=tx.nonce + 1)
        ok, output, used, _ = self._run(tx.sender, tx.to, tx.data, tx.value, tx.gas, price)
        if not tx.to and self.nonce(tx.sender, None) == tx.nonce:
            self.set_account(tx.sender, nonce=tx.nonce + 1)
        used = max(used, tx.intrinsic_gas()[1])
        self.set_account(tx.sender, balance=self.balance(tx.sender, None) - used * price)
        logs = []
        for entry in self.evm.result.logs if ok else []:
            topics, data = entry.data
            logs.append((bytes.fromhex(entry.address[2:]),
                         [t if isinstance(t, bytes) else bytes.fromhex(t[2:]) for t in topics], bytes(data)))
        return TxOutcome(tx, int(ok), used, price, logs, output if ok and not tx.to else None)

    def rewind(self, block: Block) -> None:
        raise RpcError(SERVER_ERROR, "evm_snapshot/evm_revert need --engine pyevm")
