# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Gas per payment: one transaction each, and several calls in one by Multicall3, its own code at its own address."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from eth_account import Account

from subjects import Processes, start_devchain

from kit import GENESIS, Kit, calldata, transfer_vrs
from real_multicall3 import real_multicall3
from real_usdc import real_usdc_genesis

AMOUNT = 1_000
SIZES = (1, 10, 100)
GAS_MAX = 20_000_000


class GasMeter:
    """A chain of exact gas with one token."""

    def __init__(self, processes: Processes, genesis: Path):
        process, url = start_devchain("--genesis", str(genesis))
        processes.adopt(f"devnet of {genesis.stem}", process)
        self.kit = Kit(url, genesis)
        self.token, self.multicall = self.kit.names["usdc"], self.kit.names["multicall3"]
        self.kit.rpc("anvil_setCode", self.multicall, real_multicall3())
        self.payee = Account.create().address
        self._pay([self._payer()])       # the payee's first units cost more than any later ones

    def _payer(self) -> str:
        """A new account of the kit that can pay many times."""
        account = Account.create()
        self.kit.accounts[account.address] = account
        self.kit.send("payer", self.token, calldata("transfer(address,uint256)", account.address, 1000 * AMOUNT))
        return account.address

    def _pay(self, payers: list[str]) -> int:
        """One transaction with a payment of each; its gas."""
        calls = [transfer_vrs(*self.kit.authorize(payer, self.token, self.payee, AMOUNT)) for payer in payers]
        if len(calls) == 1:
            receipt = self.kit.send("facilitator", self.token, calls[0])
        else:
            batch = calldata("aggregate3((address,bool,bytes)[])", [(self.token, True, call) for call in calls])
            receipt = self.kit.send("facilitator", self.multicall, batch, gas=GAS_MAX)
        if receipt["status"] != 1 or len(receipt["logs"]) != 2 * len(calls):
            raise SystemExit(f"{len(calls)} payments in one transaction failed: {receipt}")
        return receipt["gasUsed"]

    def measure(self, one_payer: bool) -> dict[str, float]:
        """Gas per payment, by how many there are in a transaction."""
        payers = [self._payer()] * max(SIZES) if one_payer else [self._payer() for _ in range(max(SIZES))]
        return {str(size): self._pay(payers[:size]) / size for size in SIZES}


def measure_gas(processes: Processes) -> dict[str, Any]:
    """Of our token and of Circle's, all payments of one payer, and each of another."""
    figures = {}
    for name, genesis in (("our token", GENESIS), ("Circle's token", real_usdc_genesis())):
        meter = GasMeter(processes, genesis)
        figures[f"{name}, one payer"] = meter.measure(one_payer=True)
        figures[f"{name}, a payer each"] = meter.measure(one_payer=False)
    return figures


def print_gas(figures: dict[str, Any]) -> None:
    """The table."""
    print("\ngas per payment                     alone   in 10   in 100   in 100 / alone")
    for name, f in figures.items():
        print(f"  {name:30} {f['1']:9,.0f} {f['10']:7,.0f} {f['100']:8,.0f} {f['100'] / f['1']:10.2f} x")
