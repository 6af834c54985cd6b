# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""What scripts need around a chain: start one, ask it, sign for its accounts."""
from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

from eth_abi import encode
from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils import keccak
from web3 import Web3
from web3.exceptions import Web3Exception

HERE = Path(__file__).resolve().parent
GENESIS = HERE / "genesis.json"

AUTHORIZATION = [("from", "address"), ("to", "address"), ("value", "uint256"), ("validAfter", "uint256"),
                 ("validBefore", "uint256"), ("nonce", "bytes32")]
DOMAIN = [("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address")]
TRANSFER_VRS = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)"
TRANSFER_BYTES = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"


def start_devchain(*arguments: str, log: Any = None) -> tuple[subprocess.Popen, str]:
    """A chain on a free port that ends with this process; (process, address)."""
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-m", "devchain", "--port", "0", "--until-eof", *arguments],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                               env={**os.environ, "PYTHONPATH": str(HERE)})
    line = process.stdout.readline()
    if not line.startswith("devnet "):
        raise SystemExit("the chain did not start")
    return process, line.split()[1]


def typed_data(types: dict[str, list], primary: str, domain: dict, message: dict) -> SignableMessage:
    """EIP-712 data, its domain type made of the fields that the domain has."""
    full = {**types, "EIP712Domain": [f for f in DOMAIN if f[0] in domain]}
    named = {k: [{"name": n, "type": t} for n, t in fields] for k, fields in full.items()}
    return encode_typed_data(full_message={"types": named, "primaryType": primary, "domain": domain, "message": message})


def calldata(signature: str, *args: Any) -> bytes:
    """A call by function signature; parameters may be tuples."""
    inside = re.findall(r"\((.*)\)$", signature)[0]
    types = re.findall(r"(?:\((?:[^()]|\([^()]*\))*\)|[^,()])+", inside)
    return keccak(text=signature)[:4] + encode(types, list(args))


def transfer_vrs(message: dict, signed: Any, function: str = TRANSFER_VRS) -> bytes:
    """The call that uses an authorization, its signature in three parts."""
    return calldata(function, *(message[name] for name, _ in AUTHORIZATION), signed.v, signed.r.to_bytes(32, "big"),
                    signed.s.to_bytes(32, "big"))


def transfer_bytes(message: dict, signature: bytes, function: str = TRANSFER_BYTES) -> bytes:
    """The call that uses an authorization, its signature as bytes."""
    return calldata(function, *(message[name] for name, _ in AUTHORIZATION), bytes(signature))


class Kit:
    """A chain, the accounts and names of its genesis file, and a record of checks."""

    def __init__(self, url: str, genesis: Path = GENESIS):
        self.url = url
        self.w3 = Web3(Web3.HTTPProvider(url))
        content = json.loads(genesis.read_text())
        self.names: dict[str, str] = content["names"]
        self.accounts = {name: Account.from_key(a["key"]) for name, a in content["accounts"].items()}
        self.chain_id = self.w3.eth.chain_id
        self.results: list[bool] = []

    def rpc(self, method: str, *params: Any) -> Any:
        """A raw JSON-RPC call."""
        reply = self.w3.provider.make_request(method, list(params))
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return reply["result"]

    def send(self, who: str, to: str, data: bytes, value: int = 0, gas: int = 600_000, **fields: Any) -> Any:
        """Send a transaction of a test account and wait for its receipt."""
        account = self.accounts[who]
        tx = {"chainId": self.chain_id, "nonce": self.w3.eth.get_transaction_count(account.address, "pending"), "to": to,
              "data": data, "value": value, "gas": gas, "maxFeePerGas": 2 * 10**9, "maxPriorityFeePerGas": 10**6, "type": 2,
              **fields}
        sent = self.w3.eth.send_raw_transaction(account.sign_transaction(tx).raw_transaction)
        return self.w3.eth.wait_for_transaction_receipt(sent, timeout=30, poll_latency=0.01)

    def call(self, to: str, data: bytes, sender: str | None = None) -> bytes:
        """The bytes that a read-only call returns."""
        return bytes(self.w3.eth.call({"to": to, "data": "0x" + data.hex(), **({"from": sender} if sender else {})}))

    def number(self, to: str, signature: str, *args: Any) -> int:
        """A read-only call that returns one number."""
        return int.from_bytes(self.call(to, calldata(signature, *args)), "big")

    def balance(self, token: str, holder: str) -> int:
        """Token units that an address holds."""
        return self.number(token, "balanceOf(address)", holder)

    def why(self, to: str, data: bytes, sender: str | None = None) -> str:
        """The revert text of a call, empty if it succeeds."""
        try:
            self.call(to, data, sender)
            return ""
        except Web3Exception as e:
            return str(e)

    def domain(self, token: str, name: str = "USDC", version: str = "2") -> dict:
        """A token's EIP-712 domain."""
        return {"name": name, "version": version, "chainId": self.chain_id, "verifyingContract": token}

    def authorize(self, who: str, token: str, to: str, value: int, after: int = 0, before: int = 2**40,
                  nonce: bytes | None = None, primary: str = "TransferWithAuthorization", name: str = "USDC",
                  holder: str | None = None) -> tuple[dict, Any]:
        """An EIP-3009 authorization and its signature by a test account, for itself or for a wallet that it owns."""
        message = {"from": holder or self.accounts[who].address, "to": to, "value": value, "validAfter": after,
                   "validBefore": before, "nonce": nonce or secrets.token_bytes(32)}
        data = typed_data({primary: AUTHORIZATION}, primary, self.domain(token, name), message)
        return message, self.accounts[who].sign_message(data)

    def check(self, name: str, ok: Any, detail: Any = "") -> None:
        """Record a check and print it."""
        self.results.append(bool(ok))
        print(f"ok   {name}" if ok else f"FAIL {name}  <- {detail}")
