# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""The extensions payment-identifier and sign-in-with-x at our gateway, with credentials that the SDK makes."""
from __future__ import annotations

from typing import Any

from checks import PATH, Balances, expect, explain
from market import PRICE, Market, Server
from processes import Failed
from recorder import Exchange
from sdk import PaymentSigner, decode, encode_json, sign_in

SIGNED = "/signed"      # settled before the call, and payers may sign in


def expect_identified(market: Market, server: Server) -> None:
    """The same payment under its identifier is one, also without the challenge; another payment under it is a conflict."""
    assert server.upstream
    payer = market.kit.accounts["payer"]
    balances, calls = Balances(market, payer.address, server.payee), server.upstream.counts().get(PATH, 0)
    required = server.recorder.get(PATH, [("Accept", "application/json")]).response["payment-required"]
    expect(decode(required)["extensions"]["payment-identifier"]["info"] == {"required": False}, "identifiers are not offered")
    signer = PaymentSigner(payer, required)
    credential, identifier = signer.identified()
    first = ask(server, PATH, credential)
    expect(first.status == 200, f"a payment with an identifier is answered {explain(first)}")
    for again in (ask(server, PATH, credential), ask(server, PATH, without_challenge(credential))):
        expect(again.status == 200 and again.body == first.body, f"the same again is answered {explain(again)}")
        expect(again.receipt() == first.receipt(), f"the same again has the receipt {again.receipt()}")
    other, _ = signer.identified(identifier)
    refused = ask(server, PATH, other)
    expect(refused.status == 409 and code(refused) == "payment_identifier_conflict",
           f"another payment under the identifier is answered {explain(refused)}")
    expect(server.upstream.counts()[PATH] == calls + 1, "a repetition reached the upstream")
    balances.expect_moved(PRICE, "after one payment and its repetitions")


def expect_credit_spent(market: Market, server: Server, client: str) -> None:
    """What was paid and not delivered is owed; who signs in buys with it, and nothing more is paid."""
    assert server.upstream
    payer = market.kit.accounts["payer"]
    balances = Balances(market, payer.address, server.payee)
    server.upstream.status = 503
    try:
        owed = pay_in_vain(market, server, client)
    finally:
        server.upstream.status = 200
    expect(owed.status == 502 and owed.response.get("tollgate-debt"), f"a paid call that failed is answered {explain(owed)}")
    balances.expect_moved(PRICE, "after the call that failed")
    bought = buy_with_credit(market, server, client)
    expect(bought.status == 200 and bought.json()["path"] == SIGNED, f"the signed-in payer is answered {explain(bought)}")
    receipt = bought.receipt()
    expect(receipt and receipt["success"] is True and receipt["transaction"] == "", f"the receipt is {receipt}")
    expect("sign-in-with-x" not in server.upstream.calls[SIGNED][-1], "the upstream saw the sign-in")
    again = server.recorder.get(SIGNED, bought.request)
    expect(again.status == 200 and again.body == bought.body, f"the same sign-in again is answered {explain(again)}")
    balances.expect_moved(PRICE, "after a purchase with credit")
    expect(balances.transfers() == 1, "credit moved money")
    fresh = sign_in(payer, server.recorder.get(SIGNED, []).response["payment-required"], server.recorder.url + SIGNED)
    refused = server.recorder.get(SIGNED, [("SIGN-IN-WITH-X", fresh)])
    expect(refused.status == 402, f"without credit a sign-in is answered {explain(refused)}")


def pay_in_vain(market: Market, server: Server, client: str) -> Exchange:
    """A paid call that the upstream fails."""
    server.recorder.exchanges.clear()
    try:
        market.pay(client, server.recorder.url + SIGNED)
    except Failed:      # our client says so by its exit code
        pass
    return server.recorder.exchanges[-1]


def buy_with_credit(market: Market, server: Server, client: str) -> Exchange:
    """The same client asks again; the exchange in which it has signed in."""
    server.recorder.exchanges.clear()
    outcome = market.pay(client, server.recorder.url + SIGNED, sign_in=True)
    bought = server.recorder.exchanges[-1]
    expect(outcome.status == 200, f"the client ended with {outcome.status}: {explain(bought)}")
    expect(bought.credential() is None and any(n.lower() == "sign-in-with-x" for n, _ in bought.request),
           "the client paid in place of signing in")
    return bought


def ask(server: Server, target: str, credential: str) -> Exchange:
    """A request with a payment."""
    return server.recorder.get(target, [("Accept", "application/json"), ("PAYMENT-SIGNATURE", credential)])


def without_challenge(credential: str) -> str:
    """The same payment without the secret of its challenge."""
    payload = decode(credential)
    del payload["accepted"]["extra"]["challenge"]
    return encode_json(payload)


def code(exchange: Exchange) -> Any:
    """The code of a problem."""
    return (exchange.json() or {}).get("code")
