# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Check the devchain and the contracts of its genesis through plain JSON-RPC (web3.py, eth-account).

    python check_chain.py [--engine pyevm|revm] [--genesis genesis.json]

Starts its own chain on a free port, prints one line per check and `N passed, M failed`.
"""
from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_utils import keccak

from kit import GENESIS, TRANSFER_BYTES, TRANSFER_VRS, Kit, calldata, start_devchain, transfer_bytes, transfer_vrs, typed_data

RECEIVE_VRS = TRANSFER_VRS.replace("transfer", "receive")
RECEIVE_BYTES = TRANSFER_BYTES.replace("transfer", "receive")
PERMIT = [("owner", "address"), ("spender", "address"), ("value", "uint256"), ("nonce", "uint256"), ("deadline", "uint256")]
PERMIT_TRANSFER = [("permitted", "TokenPermissions"), ("spender", "address"), ("nonce", "uint256"), ("deadline", "uint256"),
                   ("witness", "Witness")]
CANCEL_VRS = "cancelAuthorization(address,bytes32,uint8,bytes32,bytes32)"
PERMIT_VRS = "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"


def parts(signed: Any) -> tuple[int, bytes, bytes]:
    """(v, r, s) as the token takes them."""
    return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")


# The token.

def check_transfer(k: Kit, token: str, label: str) -> None:
    """An authorization moves funds once."""
    payer, merchant = k.accounts["payer"].address, k.accounts["merchant"].address
    before = k.balance(token, merchant)
    m, s = k.authorize("payer", token, merchant, 1234)
    r = k.send("facilitator", token, transfer_vrs(m, s))
    topics = [entry.topics[0].hex() for entry in r.logs]
    events = [keccak(text=e).hex() for e in ("AuthorizationUsed(address,bytes32)", "Transfer(address,address,uint256)")]
    moved = k.balance(token, merchant) - before
    k.check(f"{label}: transferWithAuthorization(v,r,s) moves funds", r.status == 1 and moved == 1234, r)
    k.check(f"{label}: emits AuthorizationUsed, then Transfer", topics == events, topics)
    state = k.number(token, "authorizationState(address,bytes32)", payer, m["nonce"])
    k.check(f"{label}: authorizationState is set", state == 1)
    reason = k.why(token, transfer_vrs(m, s))
    k.check(f"{label}: replay reverts", "authorization is used or canceled" in reason, reason)
    r = k.send("facilitator", token, transfer_vrs(m, s))
    k.check(f"{label}: a replayed transaction has status 0", r.status == 0 and not r.logs)


def check_refusals(k: Kit, token: str, label: str) -> None:
    """What is wrong with an authorization is named by the revert text."""
    merchant = k.accounts["merchant"].address
    now = k.w3.eth.get_block("pending").timestamp        # the chain's clock, which other checks moved on

    def refused(what: str, text: str, m: dict, s: Any) -> None:
        reason = k.why(token, transfer_vrs(m, s))
        k.check(f"{label}: {what} reverts", text in reason, reason)

    late, early = (k.authorize("payer", token, merchant, 1, **times) for times in ({"before": now - 5}, {"after": now + 900}))
    refused("an expired authorization", "authorization is expired", *late)
    refused("an early authorization", "authorization is not yet valid", *early)
    m, s = k.authorize("payer", token, merchant, 1)
    refused("an altered value", "invalid signature", {**m, "value": 2}, s)
    refused("a wrong domain name", "invalid signature", *k.authorize("payer", token, merchant, 1, name="USD Coin"))
    refused("too little balance", "transfer amount exceeds balance", *k.authorize("poor", token, merchant, 10**9))


def check_other_functions(k: Kit, token: str, label: str) -> None:
    """receiveWithAuthorization, cancelAuthorization, permit."""
    payer, merchant, fac = (k.accounts[n].address for n in ("payer", "merchant", "facilitator"))
    m, s = k.authorize("payer", token, fac, 7, primary="ReceiveWithAuthorization")
    reason = k.why(token, transfer_vrs(m, s, RECEIVE_VRS), merchant)
    k.check(f"{label}: receiveWithAuthorization needs the payee as caller", "caller must be the payee" in reason, reason)
    r = k.send("facilitator", token, transfer_vrs(m, s, RECEIVE_VRS))
    k.check(f"{label}: receiveWithAuthorization by the payee", r.status == 1)
    nonce = secrets.token_bytes(32)
    fields = {"CancelAuthorization": [("authorizer", "address"), ("nonce", "bytes32")]}
    cancel = typed_data(fields, "CancelAuthorization", k.domain(token), {"authorizer": payer, "nonce": nonce})
    signed = k.accounts["payer"].sign_message(cancel)
    r = k.send("facilitator", token, calldata(CANCEL_VRS, payer, nonce, *parts(signed)))
    m, s = k.authorize("payer", token, merchant, 1, nonce=nonce)
    k.check(f"{label}: cancelAuthorization", r.status == 1 and "used or canceled" in k.why(token, transfer_vrs(m, s)))
    deadline = k.w3.eth.get_block("pending").timestamp + 3600
    message = {"owner": payer, "spender": merchant, "value": 55, "nonce": k.number(token, "nonces(address)", payer),
               "deadline": deadline}
    signed = k.accounts["payer"].sign_message(typed_data({"Permit": PERMIT}, "Permit", k.domain(token), message))
    r = k.send("facilitator", token, calldata(PERMIT_VRS, payer, merchant, 55, deadline, *parts(signed)))
    allowance = k.number(token, "allowance(address,address)", payer, merchant)
    k.check(f"{label}: EIP-2612 permit", r.status == 1 and allowance == 55, allowance)


def check_overloads(k: Kit, token: str, label: str) -> None:
    """Signatures as bytes, and smart wallets, which need them."""
    merchant, fac, wallet = k.accounts["merchant"].address, k.accounts["facilitator"].address, k.names["smart_wallet"]
    m, s = k.authorize("payer", token, merchant, 3)
    k.check(f"{label}: overload with a bytes signature", k.send("facilitator", token, transfer_bytes(m, s.signature)).status == 1)
    m, s = k.authorize("payer", token, fac, 3, primary="ReceiveWithAuthorization")
    r = k.send("facilitator", token, transfer_bytes(m, s.signature, RECEIVE_BYTES))
    k.check(f"{label}: receiveWithAuthorization with a bytes signature", r.status == 1)
    m, s = k.authorize("wallet_owner", token, merchant, 9, holder=wallet)
    k.check(f"{label}: an ERC-1271 wallet pays", k.send("facilitator", token, transfer_bytes(m, b"\1" + s.signature)).status == 1)
    m, s = k.authorize("payer", token, merchant, 9, holder=wallet)
    reason = k.why(token, transfer_bytes(m, b"\1" + s.signature))
    k.check(f"{label}: an ERC-1271 wallet refuses another key", "invalid signature" in reason, reason)


def check_token(k: Kit, token: str, label: str) -> None:
    """Everything about one token; wallets hold only a token that they can pay with."""
    check_transfer(k, token, label)
    check_refusals(k, token, label)
    check_other_functions(k, token, label)
    if k.balance(token, k.names["smart_wallet"]):
        check_overloads(k, token, label)


# Permit2 and the proxies of x402.

def permit2(k: Kit, amount: int, spender: str, witness: list, values: dict) -> tuple[tuple, bytes]:
    """(permit, signature) of the payer over a witness."""
    nonce, deadline = secrets.randbits(256), k.w3.eth.get_block("pending").timestamp + 600
    token = k.names["usdc"]
    types = {"PermitWitnessTransferFrom": PERMIT_TRANSFER, "TokenPermissions": [("token", "address"), ("amount", "uint256")],
             "Witness": witness}
    message = {"permitted": {"token": token, "amount": amount}, "spender": spender, "nonce": nonce, "deadline": deadline,
               "witness": values}
    domain = {"name": "Permit2", "chainId": k.chain_id, "verifyingContract": k.names["permit2"]}
    signed = k.accounts["payer"].sign_message(typed_data(types, "PermitWitnessTransferFrom", domain, message))
    return ((token, amount), nonce, deadline), bytes(signed.signature)


def check_permit2(k: Kit) -> None:
    """The exact and upto proxies."""
    token, proxy, upto = k.names["usdc"], k.names["x402_exact_proxy"], k.names["x402_upto_proxy"]
    merchant, fac, payer = (k.accounts[n].address for n in ("merchant", "facilitator", "payer"))
    permit = "((address,uint256),uint256,uint256)"
    settle_exact = f"settle({permit},address,(address,uint256),bytes)"
    settle_upto = f"settle({permit},uint256,address,(address,address,uint256),bytes)"

    def error(name: str) -> str:
        return keccak(text=name)[:4].hex()

    def refused(what: str, text: str, to: str, data: bytes, sender: str | None = None) -> None:
        reason = k.why(to, data, sender)
        k.check(f"permit2 {what}", text in reason, reason)

    witness = [("to", "address"), ("validAfter", "uint256")]
    p, signature = permit2(k, 500, proxy, witness, {"to": merchant, "validAfter": 0})
    data = calldata(settle_exact, p, payer, (merchant, 0), signature)
    refused("exact: no allowance reverts", "TRANSFER_FROM_FAILED", proxy, data)
    k.send("payer", token, calldata("approve(address,uint256)", k.names["permit2"], 2**256 - 1))
    before = k.balance(token, merchant)
    settled = k.send("facilitator", proxy, data)
    k.check("permit2 exact: settles", settled.status == 1 and k.balance(token, merchant) == before + 500)
    refused("exact: nonce used", error("InvalidNonce()"), proxy, data)
    p, signature = permit2(k, 500, proxy, witness, {"to": merchant, "validAfter": 0})
    redirected = calldata(settle_exact, p, payer, (fac, 0), signature)
    refused("exact: another payee is refused", error("InvalidSigner()"), proxy, redirected)
    witness = [("to", "address"), ("facilitator", "address"), ("validAfter", "uint256")]
    p, signature = permit2(k, 900, upto, witness, {"to": merchant, "facilitator": fac, "validAfter": 0})
    data = calldata(settle_upto, p, 321, payer, (merchant, fac, 0), signature)
    refused("upto: only the named facilitator", error("UnauthorizedFacilitator()"), upto, data, merchant)
    too_much = calldata(settle_upto, p, 901, payer, (merchant, fac, 0), signature)
    refused("upto: not above the permitted amount", error("AmountExceedsPermitted()"), upto, too_much, fac)
    before = k.balance(token, merchant)
    settled = k.send("facilitator", upto, data)
    k.check("permit2 upto: settles a part", settled.status == 1 and k.balance(token, merchant) == before + 321)


# The node.

def check_reads(k: Kit) -> None:
    """Blocks, transactions, fees, gas estimates, logs."""
    w3, payer, other = k.w3, k.accounts["payer"].address, k.accounts["merchant2"].address
    k.check("chain id", k.chain_id == 84532 and w3.net.version == "84532")
    ready = json.load(urllib.request.urlopen(k.url))
    k.check("GET answers readiness", ready["ready"] is True and ready["chainId"] == 84532, ready)
    r = k.send("payer", other, b"", value=5, gas=21000)
    tx = w3.eth.get_transaction(r.transactionHash)
    k.check("plain transfer, 21000 gas", r.status == 1 and r.gasUsed == 21000 and w3.eth.get_balance(other) == 5)
    k.check("transaction lookup", tx["from"] == payer and tx.type == 2 and tx.blockNumber == r.blockNumber)
    b = w3.eth.get_block(r.blockNumber, full_transactions=True)
    k.check("block lookup, age of the head", b.transactions[0].hash == r.transactionHash and abs(b.timestamp - time.time()) < 5)
    k.check("fee history", len(w3.eth.fee_history(2, "latest", [50]).baseFeePerGas) == 3)
    call = transfer_vrs(*k.authorize("payer", k.names["usdc"], payer, 1))
    sender = k.accounts["facilitator"].address
    estimate = w3.eth.estimate_gas({"from": sender, "to": k.names["usdc"], "data": "0x" + call.hex()})
    got = k.send("facilitator", k.names["usdc"], call, gas=estimate)
    k.check("estimateGas suffices", got.status == 1 and got.gasUsed <= estimate, (estimate, got.gasUsed, got.status))
    topic = keccak(text="Transfer(address,address,uint256)")
    logs = w3.eth.get_logs({"fromBlock": 1, "toBlock": "latest", "address": k.names["usdc"], "topics": [topic]})
    k.check("getLogs", len(logs) >= 1 and logs[-1].transactionHash == got.transactionHash)


def check_pool(k: Kit) -> None:
    """What the pool refuses, what waits in it, what mining drops from it."""
    w3, payer = k.w3, k.accounts["payer"].address
    for what, fields, text in (("nonce too low", {"nonce": 0}, "nonce too low"),
                               ("underfunded", {"value": 10**30}, "insufficient funds"),
                               ("low gas", {"gas": 20000}, "intrinsic gas too low"),
                               ("other chain", {"chainId": 1}, "invalid chain id")):
        try:
            k.send("payer", payer, b"", **fields)
            k.check(f"pool refuses: {what}", False)
        except Exception as e:
            k.check(f"pool refuses: {what}", text in str(e), e)
    k.rpc("evm_setAutomine", False)
    nonce = w3.eth.get_transaction_count(payer)
    tx = {"chainId": k.chain_id, "nonce": nonce, "to": payer, "value": 0, "gas": 21000, "maxFeePerGas": 10**9,
          "maxPriorityFeePerGas": 1, "type": 2}
    sent = w3.eth.send_raw_transaction(k.accounts["payer"].sign_transaction(tx).raw_transaction)
    waiting = w3.eth.get_transaction(sent).blockNumber is None and k.rpc("eth_getTransactionReceipt", sent.to_0x_hex()) is None
    k.check("pool: pending", w3.eth.get_transaction_count(payer, "pending") == nonce + 1 and waiting)
    k.rpc("evm_increaseTime", 1000)
    k.rpc("evm_mine")
    later = w3.eth.get_block("latest").timestamp > time.time() + 990
    k.check("evm_mine, evm_increaseTime", w3.eth.get_transaction_receipt(sent).status == 1 and later)
    k.rpc("evm_increaseTime", -1000)
    k.rpc("evm_setAutomine", True)
    check_unpayable(k, tx)


def check_unpayable(k: Kit, tx: dict) -> None:
    """A sender who can pay either of two transactions, not both: one is mined, the other dropped."""
    spender, payer = Account.create(), k.accounts["payer"].address
    k.send("payer", spender.address, b"", value=10**15 + 21000 * 10**9, gas=21000)
    k.rpc("evm_setAutomine", False)
    signed = [spender.sign_transaction({**tx, "nonce": i, "to": payer, "value": 6 * 10**14}) for i in range(2)]
    hashes = [k.w3.eth.send_raw_transaction(s.raw_transaction) for s in signed]
    k.rpc("evm_mine")
    receipts = [k.rpc("eth_getTransactionReceipt", h.to_0x_hex()) for h in hashes]
    k.check("an unpayable transaction is dropped, the other mined", receipts[0] is not None and receipts[1] is None, receipts)
    k.rpc("evm_setAutomine", True)


def check_history(k: Kit) -> None:
    """Snapshots, old states, type 4: what only a complete chain has."""
    w3, payer, poor, payer2 = k.w3, k.accounts["payer"].address, k.accounts["poor"].address, k.accounts["payer2"]
    snapshot, balance = k.rpc("evm_snapshot"), w3.eth.get_balance(payer)
    k.send("payer", k.accounts["merchant2"].address, b"", value=5, gas=21000)
    k.rpc("evm_revert", snapshot)
    restored = w3.eth.get_balance(payer) == balance
    k.check("evm_snapshot, evm_revert", restored and k.send("payer", payer, b"", gas=21000).status == 1)
    k.rpc("anvil_setBalance", poor, hex(10**18))
    k.check("anvil_setBalance", w3.eth.get_balance(poor) == 10**18)
    k.check("state at an old block", w3.eth.get_balance(poor, 0) == 0)
    authorization = payer2.sign_authorization({"chainId": k.chain_id, "address": k.names["multicall3"],
                                               "nonce": w3.eth.get_transaction_count(payer2.address)})
    r = k.send("facilitator", payer, b"", type=4, authorizationList=[authorization])
    code = w3.eth.get_code(payer2.address).hex()
    k.check("EIP-7702 delegation", r.status == 1 and code == "ef0100" + k.names["multicall3"][2:].lower(), code)


# Faults.

def post(k: Kit, body: Any) -> Any:
    """What a JSON-RPC body is answered: JSON, an HTTP status, or the name of the failure."""
    request = urllib.request.Request(k.url, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=1) as reply:
            return json.loads(reply.read())
    except urllib.error.HTTPError as e:
        return e.code
    except ValueError:
        return "not JSON"
    except TimeoutError:
        return "no answer"
    except OSError:
        return "closed"


def check_faults(k: Kit) -> None:
    """Every fault on a call, and on one call of a batch."""
    call, other = {"id": 1, "method": "eth_chainId"}, {"id": 2, "method": "net_version"}

    def both(action: str, **fields: Any) -> tuple[Any, Any]:
        k.rpc("dev_fault", {"method": "eth_chainId", "action": action, "count": 2, **fields})
        return post(k, call), post(k, [other, call])

    k.check("a batch is answered as one", [r["result"] for r in post(k, [call, other])] == ["0x14a34", "84532"])
    single, batch = both("error", code=-32005, message="limit")
    hit = single["error"]["code"] == -32005 and batch[1]["error"]["message"] == "limit"
    k.check("fault error", hit and batch[0]["result"] == "84532", (single, batch))
    single, batch = both("null")
    k.check("fault null", single["result"] is None and batch[1]["result"] is None and batch[0]["result"] == "84532")
    started = time.time()
    single, batch = both("delay", seconds=0.2)
    k.check("fault delay", time.time() - started > 0.39 and single["result"] == batch[1]["result"] == "0x14a34")
    for action, seen in (("http", 503), ("garbage", "not JSON"), ("hang", "no answer"), ("close", "closed"),
                         ("lost_reply", "closed")):
        answers = both(action)
        k.check(f"fault {action}", tuple(answers) == (seen, seen), answers)
    k.rpc("dev_fault", {"method": "net_version", "action": "error", "skip": 1})
    answers = [post(k, other) for _ in range(3)]
    k.check("fault with skip", ["error" in a for a in answers] == [False, True, False], answers)
    k.rpc("dev_stats", True)
    post(k, [call, other, call])
    counts = {method: s["calls"] for method, s in k.rpc("dev_stats").items()}
    k.check("dev_stats counts the calls of a batch", counts == {"eth_chainId": 2, "net_version": 1}, counts)


def check_broadcast_faults(k: Kit) -> None:
    """A transaction in a batch whose reply is lost is mined; a swallowed one is not until faults are cleared."""
    account, w3 = k.accounts["payer2"], k.w3

    def transfer() -> tuple[str, dict]:
        tx = {"chainId": k.chain_id, "nonce": w3.eth.get_transaction_count(account.address, "pending"), "to": account.address,
              "value": 0, "gas": 21000, "maxFeePerGas": 10**9, "maxPriorityFeePerGas": 1, "type": 2}
        signed = account.sign_transaction(tx)
        params = [signed.raw_transaction.to_0x_hex()]
        return signed.hash.to_0x_hex(), {"id": 1, "method": "eth_sendRawTransaction", "params": params}

    sent, call = transfer()
    k.rpc("dev_fault", {"method": "eth_sendRawTransaction", "action": "lost_reply"})
    answer = post(k, [{"id": 2, "method": "eth_chainId"}, call])
    k.check("lost_reply in a batch: executed, not answered", answer == "closed" and k.rpc("eth_getTransactionReceipt", sent))
    sent, call = transfer()
    k.rpc("dev_fault", {"method": "eth_sendRawTransaction", "action": "swallow"})
    answer = post(k, [{"id": 2, "method": "eth_chainId"}, call])
    k.rpc("evm_mine")
    k.check("swallow in a batch: a hash, and never mined",
            answer[1]["result"] == sent and k.rpc("eth_getTransactionReceipt", sent) is None, answer)
    k.rpc("dev_clearFaults")
    k.rpc("evm_mine")
    k.check("dev_clearFaults frees what was swallowed", k.rpc("eth_getTransactionReceipt", sent))


def main() -> None:
    """Entry point."""
    p = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    p.add_argument("--engine", default="pyevm", choices=("pyevm", "revm"))
    p.add_argument("--genesis", type=Path, default=GENESIS)
    a = p.parse_args()
    process, url = start_devchain("--engine", a.engine, "--genesis", str(a.genesis))
    try:
        k = Kit(url, a.genesis)
        check_reads(k)
        check_pool(k)
        check_faults(k)
        check_broadcast_faults(k)
        if a.engine == "pyevm":
            check_history(k)
        for name in ("usdc", "real_usdc"):
            if name in k.names:
                check_token(k, k.names[name], name)
        check_permit2(k)
    finally:
        process.terminate()
    failed = k.results.count(False)
    print(f"{len(k.results) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
