# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""What must hold of a payment, whoever took part in it."""
from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from eth_utils import keccak

from market import NETWORK, PRICE, Market, Server
from processes import Failed
from recorder import Exchange, send
from sdk import decode, encode_json, payment_signer

PATH = "/exact"
AT_ONCE = 500
TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()


def expect(holds: Any, message: str) -> None:
    """Fail the cell unless something holds."""
    if not holds:
        raise Failed(message)


@dataclass
class Balances:
    """What payer and payee hold, to be compared later."""

    market: Market
    payer: str
    payee: str

    def __post_init__(self) -> None:
        self._before = self._now()
        self._block = self.market.kit.w3.eth.block_number

    def _now(self) -> tuple[int, int]:
        return (self.market.kit.balance(self.market.token, self.payer), self.market.kit.balance(self.market.token, self.payee))

    def expect_moved(self, amount: int, when: str) -> None:
        """The payer has exactly so much less, the payee exactly so much more."""
        (payer, payee), (payer_before, payee_before) = self._now(), self._before
        expect((payer_before - payer, payee - payee_before) == (amount, amount),
               f"{when}: payer paid {payer_before - payer}, payee got {payee - payee_before}, expected {amount}")

    def transfers(self) -> int:
        """Transfers from payer to payee since."""
        topics = [TRANSFER] + ["0x" + "00" * 12 + a[2:].lower() for a in (self.payer, self.payee)]
        return len(self.market.kit.rpc("eth_getLogs", {"fromBlock": hex(self._block + 1), "toBlock": "latest",
                                                       "address": self.market.token, "topics": topics}))


def purchase(market: Market, client: str, server: Server, version: int = 2, wallet: str | None = None) -> Exchange:
    """One payment: asked for, paid, delivered, acknowledged, on chain; answers the paid exchange."""
    payer = market.address(wallet or "payer")
    balances = Balances(market, payer, server.payee)
    server.recorder.exchanges.clear()
    outcome = market.pay(client, server.recorder.url + PATH, wallet)
    seen = [e for e in server.recorder.exchanges if e.target == PATH]
    expect(seen, "the client never asked")
    expect(seen[0].status == 402, f"the first answer was {seen[0].status}, not 402")
    expect_offer(seen[0], version)
    paid = seen[-1]
    expect(outcome.status == 200 and paid.status == 200, f"the client ended with {outcome.status}: {explain(paid)}")
    expect(outcome.body == paid.body.decode() and paid.json()["path"] == PATH, f"the body is {outcome.body!r}")
    expect_settled(market, paid, payer, version)
    balances.expect_moved(PRICE, "after the payment")
    if outcome.paid is not None or client == "ours":
        expect_reported(outcome.paid, paid, market, server)
    if server.upstream:
        expect_forwarded(server, payer, paid)
    return paid


def expect_offer(first: Exchange, version: int) -> None:
    """The 402 offers the protocol version in its own place: a header field, or the body."""
    offer = first.required() if version == 2 else first.json()
    expect(offer and offer.get("x402Version") == version and offer.get("accepts"), f"no offer of version {version} in {offer}")


def expect_settled(market: Market, paid: Exchange, payer: str, version: int) -> None:
    """The receipt says success and names a transaction that the chain knows."""
    receipt = paid.receipt()
    expect(receipt and receipt.get("success") is True and receipt.get("transaction"), f"the receipt is {receipt}")
    expect(receipt["network"] == (NETWORK if version == 2 else "base-sepolia"), f"the receipt's network is {receipt['network']}")
    expect(receipt.get("payer", payer).lower() == payer.lower(), f"the receipt's payer is {receipt.get('payer')}")
    on_chain = market.kit.rpc("eth_getTransactionReceipt", receipt["transaction"])
    expect(on_chain and on_chain["status"] == "0x1", f"the chain says of {receipt['transaction']}: {on_chain}")


def expect_reported(reported: dict[str, Any] | None, paid: Exchange, market: Market, server: Server) -> None:
    """Our client says what it paid."""
    facts = {"amount": str(PRICE), "network": NETWORK, "transaction": (paid.receipt() or {}).get("transaction")}
    expect(reported and all(reported.get(k) == v for k, v in facts.items()), f"toll reports {reported}, expected {facts}")
    expect(reported and reported["payTo"].lower() == server.payee.lower() and reported["asset"].lower() == market.token.lower(),
           f"toll reports {reported}")


def expect_forwarded(server: Server, payer: str, paid: Exchange) -> None:
    """The upstream is told who paid, is spared the credential, and its answer is the one delivered."""
    assert server.upstream
    fields = server.upstream.calls[PATH][-1]
    expect(paid.json() == {"path": PATH, "call": server.upstream.counts()[PATH]}, f"the upstream did not answer {paid.body!r}")
    seen = fields.get("tollgate-payer", "")
    expect(seen.lower() == payer.lower(), f"the upstream saw Tollgate-Payer {seen!r}")
    expect(fields.get("tollgate-payment-id") and fields.get("tollgate-payment-id") == fields.get("idempotency-key"),
           "the upstream saw no Tollgate-Payment-Id, or another Idempotency-Key")
    expect(not any(n in fields for n in ("payment-signature", "x-payment")), "the upstream saw the credential")


def expect_replay_refused(market: Market, server: Server, paid: Exchange) -> None:
    """The very same payment buys nothing a second time."""
    balances = Balances(market, market.address("payer"), server.payee)
    calls = server.upstream.counts() if server.upstream else {}
    again = server.recorder.get(PATH, paid.request)
    expect(again.status in ((409,) if server.ours else (402,)), f"a replay is answered {explain(again)}")
    expect(not server.upstream or server.upstream.counts() == calls, "a replay reached the upstream")
    balances.expect_moved(0, "after a replay")


def expect_answer_kept(market: Market, server: Server, paid: Exchange) -> None:
    """Our gateway: who brings the claim's secret with the same request gets the same answer; anyone else gets nothing."""
    assert server.upstream
    balances, calls = Balances(market, market.address("payer"), server.payee), server.upstream.counts()
    again = server.recorder.get(PATH, paid.request)
    expect(again.status == 200 and again.body == paid.body, f"the claimant's repetition is answered {explain(again)}")
    expect(again.receipt() == paid.receipt(), f"the repetition's receipt is {again.receipt()}")
    for what, target, fields in (("for another resource", "/other", paid.request),
                                 ("for another query", PATH + "?a=b", paid.request),
                                 ("with another challenge", PATH, with_challenge(paid, "AAAAAAAAAAAAAAAAAAAAAA")),
                                 ("without a challenge", PATH, with_challenge(paid, None))):
        other = server.recorder.get(target, fields)
        expect(other.status == 409, f"the same payment {what} is answered {explain(other)}")
        expect((other.json() or {}).get("code") == "already_used", f"the same payment {what}: {other.body[:200]!r}")
    expect(server.upstream.counts() == calls, "a repetition reached the upstream")
    balances.expect_moved(0, "after the repetitions")


def with_challenge(paid: Exchange, challenge: str | None) -> list[tuple[str, str]]:
    """The request's fields with another challenge in its credential, or none."""
    credential = paid.credential()
    assert credential
    name, value = credential
    payload = decode(value)
    extra = payload["accepted"]["extra"]
    expect("challenge" in extra, f"the offer had no challenge: {extra}")
    extra.pop("challenge")
    (payload.get("extensions") or {}).pop("payment-identifier", None)      # which proves the claimant as well
    if challenge is not None:
        extra["challenge"] = challenge
    return [(n, encode_json(payload) if n == name else v) for n, v in paid.request]


def expect_one_of_many(market: Market, servers: list[Server]) -> None:
    """Our gateway, or several over one ledger: the same credential many times at once is one call, one transaction, one payment."""
    server = servers[0]
    assert server.upstream
    payer = market.kit.accounts["payer"]
    balances, calls = Balances(market, payer.address, server.payee), server.upstream.counts().get(PATH, 0)
    first = server.recorder.get(PATH, [("Accept", "application/json")])
    credential = payment_signer(payer, first.response["payment-required"])()
    fields = [("Accept", "application/json"), ("PAYMENT-SIGNATURE", credential)]
    places = [s.recorder.origin.removeprefix("http://") for s in servers]
    answers = asyncio.run(send_at_once(places, [raw_get(server.recorder.host, fields)] * AT_ONCE))
    statuses = sorted({status for status, _, _ in answers})
    expect(200 in statuses and set(statuses) <= {200, 409, 503}, f"{AT_ONCE} at once were answered {statuses}")
    bodies = {body for status, _, body in answers if status == 200}
    expect(len(bodies) == 1, f"{AT_ONCE} at once got {len(bodies)} different bodies: {list(bodies)[:3]}")
    for one in servers:
        again = send(one.recorder.origin, PATH, [("Host", server.recorder.host), *fields])
        expect(again.status == 200 and again.body in bodies, f"once more is answered {explain(again)}")
    made = server.upstream.counts()[PATH] - calls
    expect(made == 1, f"{AT_ONCE} at once made {made} calls of the upstream")
    expect(balances.transfers() == 1, f"{AT_ONCE} at once made {balances.transfers()} transfers")
    balances.expect_moved(PRICE, f"after {AT_ONCE} at once")


async def send_at_once(places: list[str], requests: list[bytes]) -> list[tuple[int, bytes, bytes]]:
    """(status, head, body) of each request, on a connection of its own, all open before the first byte is sent; to each place
    (host:port) in turn."""
    streams = await asyncio.gather(*(asyncio.open_connection(*places[i % len(places)].split(":")) for i in range(len(requests))))
    for (_, writer), request in zip(streams, requests):
        writer.write(request)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, bytes, bytes]:
        head, _, body = (await asyncio.wait_for(reader.read(-1), 60)).partition(b"\r\n\r\n")
        writer.close()
        expect(head, "a connection was closed without an answer")
        return int(head.split(b" ", 2)[1]), head, body
    return await asyncio.gather(*(answer(*s) for s in streams))


def raw_get(host: str, fields: list[tuple[str, str]]) -> bytes:
    """A whole request."""
    lines = [f"GET {PATH} HTTP/1.1", f"Host: {host}", *(f"{n}: {v}" for n, v in fields), "Connection: close", "", ""]
    return "\r\n".join(lines).encode()


def expect_refused(market: Market, server: Server, wallet: str, reason: str) -> None:
    """A wallet's payment is refused for a reason whose name starts so; nothing moves, nothing is called."""
    balances = Balances(market, market.address(wallet), server.payee)
    calls = server.upstream.counts() if server.upstream else {}
    server.recorder.exchanges.clear()
    outcome = market.pay("sdk", server.recorder.url + PATH, wallet)
    last = server.recorder.exchanges[-1]
    expect(last.credential(), "the client never paid")
    expect(outcome.status == 402, f"the client ended with {outcome.status}, not 402")
    error = str((last.required() or {}).get("error"))
    expect(error.startswith(reason), f"the reason is {error}, expected {reason}")
    expect(not server.upstream or server.upstream.counts() == calls, "the refused payment reached the upstream")
    balances.expect_moved(0, "after the refusal")


def explain(exchange: Exchange) -> str:
    """An answer in one line."""
    error = (exchange.required() or {}).get("error") or (exchange.receipt() or {}).get("errorReason")
    return json.dumps({"status": exchange.status, "error": error, "body": exchange.body[:300].decode(errors="replace")})
