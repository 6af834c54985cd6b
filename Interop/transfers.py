# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Payment by transfers that clients send by themselves: by a client of forty lines, and by everything that must not be served.

    .venv/bin/python -W ignore Interop/transfers.py [--binary .build/release/tollgate]

Then three gateways over one ledger in PostgreSQL, nodes of which one lies, and a chain that is reorganised after the grant.
"""
from __future__ import annotations

import argparse

import json
import os
import secrets
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.messages import encode_defunct

import market as markets
from buyers import Answer, exchange
from checks import expect
from credentials import Authorization, Terms
from local_http import LocalHandler, LocalServer
from market import NETWORK, PEERS, PRICE, PYTHON, ROOT, Market, Place, Server
from processes import Failed
from recorder import Recorder
from sdk import decode
from servers import Postgres
from upstream import Upstream

from kit import calldata  # devnet/, which market.py puts on the path

# The root key of BIP-32's first test vector: its public half is all that a gateway gets.
XPUB = ("xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8")
BINDINGS = ("signature", "amount", "address")
LIFETIME = 120
AT_ONCE = 12
CHAIN = 84532
WATCH_TIMEOUT = 40
REORGANISATION_TIMEOUT = 60     # the chain is looked at every quarter of a minute


def configuration(place: Place, rpc: str, settle_wait: str = "4s") -> str:
    """A gateway that sells for transfers, bound in each way, and for x402 beside them."""
    routes = "\n".join(
        f"  - {{match: GET /{name}, upstream: api, price: $0.01, accept: [transfer-proof], transfer_proof: {{bind: {name}}}}}"
        for name in BINDINGS)
    return f"""listen: 127.0.0.1:{place.port}
public_url: {place.public_url}
admin: {{listen: 127.0.0.1:{place.admin}}}
{place.stores}
workers: 1
settle_wait: {settle_wait}
networks: {{"{NETWORK}": {{rpc: [{rpc}], confirmations: 1}}}}
pay_to: {{eip155: {{address: "{place.payee}", xpub: {XPUB}}}}}
facilitator: {{signers: {{eip155: ["env:TOLLGATE_EVM_KEY"]}}}}
transfer_proof: {{expires: {LIFETIME}s}}
upstreams: {{api: {place.upstream.url}}}
routes:
{routes}
  - {{match: GET /both, upstream: api, price: $0.01, accept: [x402, transfer-proof]}}
  - {{match: POST /dear, upstream: api, price: $0.02, accept: [transfer-proof]}}
"""


@dataclass
class Till:
    """A gateway that takes transfers, and how to ask it."""

    market: Market
    server: Server

    def ask(self, path: str, method: str = "GET") -> dict[str, Any]:
        """New instructions."""
        answer = exchange(self.server.recorder.origin, method, path, [("Accept", "application/payment-request")])
        expect(answer.status == 402, f"{method} {path} was answered {answer}")
        return json.loads(answer.body)

    def prove(self, path: str, proof: dict[str, Any], method: str = "GET") -> Answer:
        """Show a proof."""
        return exchange(self.server.recorder.origin, method, path, [("X-402-Proof", json.dumps(proof))])

    def status(self, reference: str) -> dict[str, Any]:
        """What is told of a reference."""
        answer = exchange(self.server.recorder.origin, "GET", f"/payments/{reference}", [])
        expect(answer.status == 200, f"/payments/ was answered {answer}")
        return json.loads(answer.body)

    def calls(self, path: str) -> int:
        """How often the upstream was called."""
        assert self.server.upstream
        return self.server.upstream.counts().get(path, 0)

    def send(self, asked: dict[str, Any], amount: int | None = None, who: str = "payer", token: str | None = None) -> str:
        """A transfer as asked for, or nearly; answers its hash."""
        data = calldata("transfer(address,uint256)", asked["recipient"], int(asked["amount"]) if amount is None else amount)
        return "0x" + self.market.kit.send(who, token or asked["asset"], data)["transactionHash"].hex().removeprefix("0x")

    def sign(self, asked: dict[str, Any], sent: str, who: str = "payer") -> dict[str, Any]:
        """The proof that the sender makes."""
        return signed(asked["reference"], sent, self.market.kit.accounts[who])


def signed(reference: str, sent: str, account: Any) -> dict[str, Any]:
    """A proof with a signature of any account."""
    text = encode_defunct(text=f"transfer-proof {reference} {sent}")
    return {"txHash": sent, "chainId": CHAIN, "reference": reference, "signature": account.sign_message(text).signature.to_0x_hex()}


def expect_paid(answer: Answer, path: str) -> None:
    """The answer was bought."""
    expect(answer.status == 200 and json.loads(answer.body)["path"] == path, f"{path} was answered {answer}")


def expect_refused(answer: Answer, error: str, why: str, status: int = 402) -> dict[str, Any]:
    """The proof bought nothing, for this reason."""
    body = json.loads(answer.body)
    expect((answer.status, body.get("code")) == (status, error), f"{why} was answered {answer}")
    return body


def expect_transfers(market: Market) -> None:
    """Each binding, and each hazard, on one gateway."""
    place = market.place("transfers")
    server = market.gateway_at(place, "transfers", configuration(place, market.rpc))
    till = Till(market, server)
    for path in BINDINGS:
        expect_bought(till, f"/{path}")
        market.say(f"{path}: the client of forty lines is served, a thief is not")
    for hazard in HAZARDS:
        hazard(till)
        market.say((hazard.__doc__ or "").splitlines()[0])
    server.reconcile()


def expect_one_ledger(market: Market) -> None:
    """Three processes over one ledger are shown one hash at once, for one reference and for several: it pays once."""
    postgres = Postgres(market.processes)
    try:
        first = market.place("transfer replica 1")
        places = [first] + [Place(Recorder(), first.payee, first.upstream, first.public_url, "", first.environment) for _ in range(2)]
        tills = []
        for number, place in enumerate(places):
            place.stores, name = f"store: {postgres.url}", f"transfer replica {number + 1}"
            tills.append(Till(market, market.gateway_at(place, name, configuration(place, market.rpc))))
        amounts = {till.ask("/amount")["amount"] for till in tills * 10}
        expect(len(amounts) == 30, f"30 references ask for {len(amounts)} amounts")
        asked = [till.ask("/signature") for till in tills]
        sent, calls = tills[0].send(asked[0]), tills[0].calls("/signature")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            shown = [pool.submit(till.prove, "/signature", till.sign(one, sent)) for till in tills for one in asked for _ in range(2)]
            answers = [one.result() for one in shown]
        served = {answer.body for answer in answers if answer.status == 200}
        refused = {json.loads(answer.body).get("code") for answer in answers if answer.status != 200}
        expect(len(served) == 1 and tills[0].calls("/signature") == calls + 1, f"one transfer was answered with {served}")
        expect(refused <= {"already_used"}, f"who did not pay was told {refused}")
        tills[0].server.reconcile()
    finally:
        postgres.remove()


class Liar(LocalServer):
    """A node that tells of a transfer that was never made."""

    def __init__(self, node: str) -> None:
        super().__init__(LiarHandler)
        self.node = node
        self.receipts: dict[str, Any] = {}
        self.serve_in_background()


class LiarHandler(LocalHandler):
    """Answers as the node does, but for receipts that it made up."""

    server: Liar

    def do_POST(self) -> None:
        """One call or several."""
        body = self.read_body()
        request = urllib.request.Request(self.server.node, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            answers = json.loads(reply.read())
        calls = json.loads(body)
        for call, answer in zip(calls, answers) if isinstance(calls, list) else [(calls, answers)]:
            made_up = self.server.receipts.get(call["params"][0] if call["params"] and isinstance(call["params"][0], str) else "")
            if call["method"] == "eth_getTransactionReceipt" and made_up:
                answer.pop("error", None)
                answer["result"] = made_up
        self.answer(200, json.dumps(answers).encode())


def expect_no_lie_believed(market: Market) -> None:
    """Of two nodes one makes a transfer up: nobody is served; what both saw is."""
    liar = Liar(market.rpc)
    place = market.place("transfers with a liar")
    till = Till(market, market.gateway_at(place, "transfers with a liar", configuration(place, f"{liar.url}, {market.rpc}", "2s")))
    asked = till.ask("/signature")
    true = till.send(asked)
    receipt = market.kit.rpc("eth_getTransactionReceipt", true)
    second, false = till.ask("/signature"), "0x" + secrets.token_hex(32)
    market.kit.rpc("evm_mine")
    block = market.kit.rpc("eth_getBlockByNumber", "latest", False)
    made_up = {**receipt, "transactionHash": false, "blockNumber": block["number"], "blockHash": block["hash"]}
    made_up["logs"] = [{**log, "transactionHash": false, "blockNumber": block["number"], "blockHash": block["hash"]} for log in receipt["logs"]]
    liar.receipts[false] = made_up
    calls = till.calls("/signature")
    expect_refused(till.prove("/signature", till.sign(second, false)), "nodes_disagree", "a transfer that one node made up")
    expect(till.calls("/signature") == calls, "a lie was believed")
    expect_paid(till.prove("/signature", till.sign(asked, true)), "/signature")


def expect_vanished_noted(market: Market) -> None:
    """A chain that is reorganised after the grant: the money is missing, and the ledger says so."""
    place = market.place("transfers reorganised")
    till = Till(market, market.gateway_at(place, "transfers reorganised", configuration(place, market.rpc)))
    asked = till.ask("/signature")
    snapshot = market.kit.rpc("evm_snapshot")
    proof = till.sign(asked, till.send(asked))
    expect_paid(till.prove("/signature", proof), "/signature")
    market.kit.rpc("evm_revert", snapshot)
    market.kit.rpc("evm_mine")
    market.kit.rpc("evm_mine")
    end = time.monotonic() + REORGANISATION_TIMEOUT
    while till.status(asked["reference"])["received"] != "0":
        expect(time.monotonic() < end, "a vanished transfer was not noticed")
        time.sleep(0.5)


def expect_bought(till: Till, path: str) -> None:
    """The client of forty lines pays; whoever sees the chain gets nothing; who paid gets the answer again."""
    key = till.market.kit.accounts["payer"].key.to_0x_hex()
    outcome = json.loads(till.market.processes.run(
        "transfer client", [PYTHON, "-W", "ignore", str(PEERS / "transfer_client.py"), till.server.recorder.origin + path, till.market.rpc],
        {**os.environ, "KEY": key}))
    expect(outcome["status"] == 200 and json.loads(outcome["body"])["path"] == path, f"the client ended with {outcome}")
    proof, calls = outcome["proof"], till.calls(path)
    expect_theft_refused(till, path, proof["txHash"])
    again = till.prove(path, proof)
    expect(again.status == 200 and again.body.decode() == outcome["body"] and till.calls(path) == calls, f"again: {again}")
    status = till.status(proof["reference"])
    expect(status["state"] == "paid" and status["transactions"][0]["txHash"] == proof["txHash"], f"{path} has the status {status}")


def expect_theft_refused(till: Till, path: str, sent: str) -> None:
    """Who has the hash alone: under no reference, one of its own, a made up one, signed by itself or not."""
    calls, thief = till.calls(path), Account.create()
    till.market.kit.rpc("anvil_setBalance", thief.address, hex(10**18))
    own = till.ask(path)["reference"]
    for proof in ({"txHash": sent, "chainId": CHAIN}, {"txHash": sent, "chainId": CHAIN, "reference": own}, signed(own, sent, thief),
                  signed(secrets.token_hex(16), sent, thief), {"txHash": sent, "chainId": CHAIN, "reference": secrets.token_hex(16)}):
        answer = till.prove(path, proof)
        expect(answer.status in (402, 409), f"a thief with {proof} was answered {answer}")
    expect(till.calls(path) == calls, "a thief was served")


# One hazard each.

def steal_before_proof(till: Till) -> None:
    """The thief is faster than who paid, with references of its own: who paid is served all the same."""
    for path in ("/signature", "/amount", "/address"):
        asked = till.ask(path)
        sent = till.send(asked)
        expect_theft_refused(till, path, sent)
        expect_paid(till.prove(path, till.sign(asked, sent)), path)


def prove_many_at_once(till: Till) -> None:
    """One proof, many requests: one call."""
    asked = till.ask("/signature")
    proof, calls = till.sign(asked, till.send(asked)), till.calls("/signature")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: till.prove("/signature", proof), range(AT_ONCE)))
    for answer in answers:
        expect_paid(answer, "/signature")
    expect(len({answer.body for answer in answers}) == 1 and till.calls("/signature") == calls + 1, "one proof made several calls")


def use_one_transfer_twice(till: Till) -> None:
    """A transfer pays for one reference, also where its sender signs for two."""
    first, second = till.ask("/signature"), till.ask("/signature")
    sent = till.send(first)
    expect_paid(till.prove("/signature", till.sign(first, sent)), "/signature")
    expect_refused(till.prove("/signature", till.sign(second, sent)), "already_used", "a transfer that has paid")


def use_older_transfer(till: Till) -> None:
    """A transfer from before the reference."""
    sent = till.send(till.ask("/signature"))
    till.market.kit.rpc("evm_mine")
    time.sleep(1.2)     # the newest block is asked for once a second
    expect_refused(till.prove("/signature", till.sign(till.ask("/signature"), sent)), "too_early", "an older transfer")


def use_other_token(till: Till) -> None:
    """The same amount of another token to the same address."""
    asked = till.ask("/signature")
    sent = till.send(asked, token=till.market.kit.names["other_token"])
    expect_refused(till.prove("/signature", till.sign(asked, sent)), "wrong_token", "another token")


def use_other_recipient(till: Till) -> None:
    """A transfer to somebody else."""
    asked = till.ask("/signature")
    sent = till.send({**asked, "recipient": Account.create().address})
    expect_refused(till.prove("/signature", till.sign(asked, sent)), "wrong_recipient", "a transfer to somebody else")


def use_reverted(till: Till) -> None:
    """More than the sender has."""
    asked, kit = till.ask("/signature"), till.market.kit
    data = calldata("transfer(address,uint256)", asked["recipient"], 10**18)
    account, nonce = kit.accounts["payer"], kit.w3.eth.get_transaction_count(kit.accounts["payer"].address)
    raw = account.sign_transaction({"to": asked["asset"], "data": data, "gas": 200_000, "maxFeePerGas": 10**10, "nonce": nonce,
                                    "maxPriorityFeePerGas": 10**9, "chainId": CHAIN, "value": 0}).raw_transaction
    sent = "0x" + kit.w3.eth.send_raw_transaction(raw).hex().removeprefix("0x")
    body = expect_refused(till.prove("/signature", till.sign(asked, sent)), "transaction_reverted", "a reverted transaction")
    expect(body["state"] == "reverted" and till.status(asked["reference"])["state"] == "reverted", f"the state is {body}")
    expect_paid(till.prove("/signature", till.sign(asked, till.send(asked))), "/signature")


def pay_too_little_and_top_up(till: Till) -> None:
    """Less than asked: what is missing is said, and the rest makes it good under the same reference."""
    asked = till.ask("/signature")
    half = int(asked["amount"]) // 2
    body = expect_refused(till.prove("/signature", till.sign(asked, till.send(asked, half))), "underpaid", "half of the price")
    expect(body["state"] == "underpaid" and body["missing"] == str(int(asked["amount"]) - half), f"it is told {body}")
    expect(body["extensions"]["transfer-proof"]["reference"] == asked["reference"], "the reference is another one")
    expect_paid(till.prove("/signature", till.sign(asked, till.send(asked, int(asked["amount"]) - half))), "/signature")


def pay_too_much(till: Till) -> None:
    """More than asked is served; the rest is owed."""
    asked = till.ask("/address")
    sent = till.send(asked, int(asked["amount"]) * 3)
    expect_paid(till.prove("/address", {"txHash": sent, "chainId": CHAIN, "reference": asked["reference"]}), "/address")
    expect(till.status(asked["reference"])["received"] == str(int(asked["amount"]) * 3), "what arrived is not told")


def use_authorized(till: Till) -> None:
    """A transfer that settled an x402 payment, shown by its own payer."""
    asked, origin = till.ask("/signature"), till.server.recorder.origin
    offer = exchange(origin, "GET", "/both", [])
    required = decode(offer.fields["payment-required"])
    terms = Terms(required["resource"], required["accepts"][0], {})
    message, made = till.market.kit.authorize("payer", till.market.token, till.server.payee, PRICE, before=int(time.time()) + terms.window)
    paid = exchange(origin, "GET", "/both", Authorization(message, bytes(made.signature)).v2(terms))
    expect_paid(paid, "/both")
    sent = decode(paid.fields["payment-response"])["transaction"]
    expect_refused(till.prove("/signature", till.sign(asked, sent)), "authorized_transfer", "a settlement of x402")


def use_other_network(till: Till) -> None:
    """A chain that was not asked for."""
    asked = till.ask("/signature")
    proof = {**till.sign(asked, till.send(asked)), "chainId": 8453}
    expect_refused(till.prove("/signature", proof), "wrong_network", "another network")


def pay_with_a_fee(till: Till) -> None:
    """A token that keeps a part for itself: what arrived counts, and not what was sent."""
    kit, asked = till.market.kit, till.ask("/signature")
    kit.send("deployer", asked["asset"], calldata("setFeeOnTransfer(bool)", True))
    try:
        sent = till.send(asked)
    finally:
        kit.send("deployer", asked["asset"], calldata("setFeeOnTransfer(bool)", False))
    body = expect_refused(till.prove("/signature", till.sign(asked, sent)), "underpaid", "a transfer with a fee")
    expect(0 < int(body["received"]) < int(asked["amount"]), f"it is told {body}")


def pay_two_at_once(till: Till) -> None:
    """One transaction that pays two references by two logs redeems each once."""
    kit, multicall = till.market.kit, till.market.kit.names["multicall3"]
    first, second = till.ask("/amount"), till.ask("/amount")
    expect(first["amount"] != second["amount"], "two references ask for one amount")
    kit.send("payer", first["asset"], calldata("transfer(address,uint256)", multicall, int(first["amount"]) + int(second["amount"])))
    calls = [(asked["asset"], False, calldata("transfer(address,uint256)", asked["recipient"], int(asked["amount"])))
             for asked in (first, second)]
    receipt = kit.send("payer", multicall, calldata("aggregate3((address,bool,bytes)[])", calls))
    sent, before = "0x" + receipt["transactionHash"].hex().removeprefix("0x"), till.calls("/amount")
    for asked in (first, second, first):
        expect_paid(till.prove("/amount", {"txHash": sent, "chainId": CHAIN, "reference": asked["reference"]}), "/amount")
    expect(till.calls("/amount") == before + 2, "two references were redeemed otherwise than twice")


def find_without_hash(till: Till) -> None:
    """What is bound by its amount or address is found on the chain: the status names the transaction that is the proof."""
    for path in ("/amount", "/address"):
        asked = till.ask(path)
        sent, end = till.send(asked), time.monotonic() + WATCH_TIMEOUT
        while (status := till.status(asked["reference"]))["state"] != "paid":
            expect(time.monotonic() < end, f"a transfer was not found: {status}")
            time.sleep(0.5)
        expect([one["txHash"] for one in status["transactions"]] == [sent], f"the status is {status}")
        proof = {"txHash": status["transactions"][0]["txHash"], "chainId": CHAIN, "reference": asked["reference"]}
        expect_paid(till.prove(path, proof), path)


def owed(till: Till) -> int:
    """Units that arrived and can buy nothing."""
    return sum(int(debt["left"]) for debt in till.server.report("debts") if "buys nothing" in debt["reason"])


def pay_too_late(till: Till) -> None:
    """A block that is too late by its own time: nothing is bought, and the money is owed."""
    kit, asked, before = till.market.kit, till.ask("/signature"), owed(till)
    kit.rpc("evm_setNextBlockTimestamp", asked["expires"] + 3600)
    proof = till.sign(asked, till.send(asked))
    expect_refused(till.prove("/signature", proof), "too_late", "a transfer after the end")
    after = owed(till)
    expect(after == before + int(asked["amount"]), f"{before} units bought nothing before, and {after} now")


def pay_beside_x402(till: Till) -> None:
    """A route that takes both says both in one object."""
    answer = exchange(till.server.recorder.origin, "GET", "/both", [])
    offer = decode(answer.fields["payment-required"])
    asked = offer["extensions"]["transfer-proof"]
    expect(offer["accepts"] and offer["paymentUri"] == asked["paymentUri"] == answer.fields["pay-url"], f"the 402 has {offer}")
    expect_paid(till.prove("/both", till.sign(asked, till.send(asked))), "/both")


def wait_for_block(till: Till) -> None:
    """Not mined yet: told so under the same reference; served when it is."""
    kit = till.market.kit
    asked = till.ask("/signature")
    kit.rpc("evm_setAutomine", False)
    try:
        account = kit.accounts["payer"]
        data = calldata("transfer(address,uint256)", asked["recipient"], int(asked["amount"]))
        raw = account.sign_transaction({"to": asked["asset"], "data": data, "gas": 200_000, "maxFeePerGas": 10**10,
                                        "maxPriorityFeePerGas": 10**9, "chainId": CHAIN, "value": 0,
                                        "nonce": kit.w3.eth.get_transaction_count(account.address)}).raw_transaction
        sent = "0x" + kit.w3.eth.send_raw_transaction(raw).hex().removeprefix("0x")
        proof = till.sign(asked, sent)
        answer = till.prove("/signature", proof)
        body = expect_refused(answer, "transaction_not_found", "a waiting transaction")
        expect(body["state"] == "processing" and answer.fields["retry-after"], f"it is told {body}")
        expect(body["extensions"]["transfer-proof"]["reference"] == asked["reference"], "the reference is another one")
    finally:
        kit.rpc("evm_setAutomine", True)
        kit.rpc("evm_mine")
    expect_paid(till.prove("/signature", proof), "/signature")


def pay_by_contract(till: Till) -> None:
    """A transfer inside another contract's call counts for who signs as that contract's owner (ERC-1271)."""
    asked, kit = till.ask("/signature"), till.market.kit
    wallet = kit.names["smart_wallet"]
    inner = calldata("transfer(address,uint256)", asked["recipient"], int(asked["amount"]))
    sent = "0x" + kit.send("wallet_owner", wallet, calldata("execute(address,uint256,bytes)", asked["asset"], 0, inner))[
        "transactionHash"].hex().removeprefix("0x")
    expect_refused(till.prove("/signature", till.sign(asked, sent, "payer")), "invalid_signature", "somebody else's signature")
    proof = till.sign(asked, sent, "wallet_owner")
    expect_refused(till.prove("/signature", proof), "invalid_signature", "the owner's own signature, which the wallet does not take")
    expect_paid(till.prove("/signature", {**proof, "signature": "0x01" + proof["signature"][2:]}), "/signature")


def malformed_proofs(till: Till) -> None:
    """What cannot be read is refused, and told why."""
    for value in ("", "{", '{"txHash": "0x12", "chainId": 84532}', '{"chainId": 84532}', "bm90IGpzb24=", "a=b&c"):
        answer = exchange(till.server.recorder.origin, "GET", "/signature", [("Payment-Proof", value)])
        expect(answer.status == 400 and "Payment-Proof" in answer.body.decode(), f"{value!r} was answered {answer}")


HAZARDS: tuple[Callable[[Till], None], ...] = (
    steal_before_proof, prove_many_at_once, use_one_transfer_twice, use_older_transfer, use_other_token, use_other_recipient,
    use_other_network, use_reverted, pay_with_a_fee, pay_two_at_once, pay_too_little_and_top_up, pay_too_much, use_authorized, pay_beside_x402, wait_for_block, pay_by_contract, find_without_hash, pay_too_late,
    malformed_proofs)


def main() -> int:
    """Entry point."""
    p = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    p.add_argument("--binary", default=str(ROOT / ".build" / "release" / "tollgate"))
    markets.TOLLGATE = p.parse_args().binary
    with tempfile.TemporaryDirectory() as directory:
        # Time only goes forward on a chain, so that each has one of its own where it is moved.
        for number, part in enumerate((expect_one_ledger, expect_no_lie_believed, expect_vanished_noted, expect_transfers)):
            market = Market(Path(directory) / str(number), print)
            try:
                part(market)
            except (Failed, AssertionError) as e:
                logs = "\n".join(f"{log.name}\n{log.read_text()[-4000:]}" for log in sorted((Path(directory) / str(number)).glob("*.log")))
                print(f"{part.__name__}: {e}\n{logs}", file=sys.stderr)
                return 1
            finally:
                market.stop()
            print((part.__doc__ or "").splitlines()[0])
    print("transfers: whoever paid was served, once, and nobody else")
    return 0


if __name__ == "__main__":
    sys.exit(main())
