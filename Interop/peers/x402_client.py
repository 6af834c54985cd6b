# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""The official x402 SDK as a paying client (httpx), scheme exact.

    python x402_client.py URL --genesis FILE --rpc URL [--key payer] [--wallet smart_wallet|counterfactual_wallet] [--sign-in]

Prints one JSON line: status and body.  With --wallet, that wallet of the account wallet_owner pays.
With --sign-in, it signs in where it is invited to, before it pays.
"""
from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from eth_abi import encode
from eth_account import Account
from eth_utils import keccak
from x402 import x402Client
from x402.extensions.sign_in_with_x import CreateSIWxClientExtensionOptions, create_siwx_client_extension
from x402.http.clients import x402HttpxClient
from x402.mechanisms.evm.exact import register_exact_evm_client
from x402.mechanisms.evm.signers import EthAccountSignerWithRPC

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from sdk import WalletSigner  # noqa: E402


def signer(a: argparse.Namespace) -> Any:
    """Who pays."""
    genesis = json.loads(a.genesis.read_text())
    names, accounts = genesis["names"], genesis["accounts"]
    if not a.wallet:
        return EthAccountSignerWithRPC(Account.from_key(accounts[a.key]["key"]), rpc_url=a.rpc)
    owner = Account.from_key(accounts["wallet_owner"]["key"])
    if a.wallet == "smart_wallet":
        return WalletSigner(owner, names["smart_wallet"])
    create = keccak(text="createAccount(address,uint256)")[:4] + encode(["address", "uint256"], [owner.address, 1])
    return WalletSigner(owner, names["counterfactual_wallet"], names["wallet_factory"], create)


async def main() -> None:
    """Entry point."""
    p = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    p.add_argument("url")
    p.add_argument("--genesis", type=Path, required=True)
    p.add_argument("--rpc", required=True)
    p.add_argument("--key", default="payer", help="account of the genesis that pays")
    p.add_argument("--wallet", choices=("smart_wallet", "counterfactual_wallet"))
    p.add_argument("--sign-in", action="store_true", help="sign in where the server invites to it")
    a = p.parse_args()
    client = x402Client()
    register_exact_evm_client(client, signer(a))
    if a.sign_in:
        account = Account.from_key(json.loads(a.genesis.read_text())["accounts"][a.key]["key"])
        client.register_extension(create_siwx_client_extension(CreateSIWxClientExtensionOptions(signers=[account])))
    async with x402HttpxClient(client, timeout=60) as http:
        answer = await http.get(a.url)
        print(json.dumps({"status": answer.status_code, "body": answer.text}))


if __name__ == "__main__":
    asyncio.run(main())
