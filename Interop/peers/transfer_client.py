# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Pays for a URL by a token transfer of its own: web3 and the standard library, nothing that knows 402.

    KEY=0x… python transfer_client.py URL RPC      prints the answer's status and body, and the proof, as JSON
"""
import json
import os
import sys
import time
import urllib.error
import urllib.request

from eth_account.messages import encode_defunct
from web3 import Web3

url, rpc = sys.argv[1:3]
web3 = Web3(Web3.HTTPProvider(rpc))
account = web3.eth.account.from_key(os.environ["KEY"])


def get(headers: dict[str, str]) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=90) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


asked = json.loads(get({"Accept": "application/payment-request"})[1])
abi = [{"name": "transfer", "type": "function", "stateMutability": "nonpayable", "outputs": [{"type": "bool"}],
        "inputs": [{"name": "to", "type": "address"}, {"name": "value", "type": "uint256"}]}]
call = web3.eth.contract(asked["asset"], abi=abi).functions.transfer(asked["recipient"], int(asked["amount"]))
fields = {"from": account.address, "nonce": web3.eth.get_transaction_count(account.address), "chainId": asked["chainId"]}
sent = "0x" + web3.eth.send_raw_transaction(account.sign_transaction(call.build_transaction(fields)).raw_transaction).hex()
proof = {"txHash": sent, "chainId": asked["chainId"], "reference": asked["reference"]}
if asked["bind"] == "signature":
    text = encode_defunct(text=f"transfer-proof {asked['reference']} {sent}")
    proof["signature"] = account.sign_message(text).signature.to_0x_hex()
while (answer := get({"X-402-Proof": json.dumps(proof)}))[0] == 402 and json.loads(answer[1]).get("state") == "processing":
    time.sleep(1)
print(json.dumps({"status": answer[0], "body": answer[1], "proof": proof}))
