# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Access for a while: one payment by the SDK, then plain HTTP with the pass, while the chain stands still and nobody can write to the
ledger; what is no pass for a route; a browser's cookies; a restart; and the end."""
from __future__ import annotations

import http.cookiejar
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checks import Balances, expect
from market import OWN_SIGNER, PRICE, Market, Place, Server, gateway_yaml
from recipes import Recipe, follow
from recorder import Exchange
from sdk import payment_signer

OPEN, CLOSED = "/open/1", "/exact"
SECONDS = 10
EACH_WAY = 25
ROUTE = f"""  - match: GET /open/*
    upstream: api
    price: $0.01
    access: {SECONDS}s
    rate_limits: {{pass: 1000/s}}
    listed: false
"""
BROWSER = [("Accept", "text/html"), ("User-Agent", "Mozilla/5.0")]


def expect_passes(market: Market) -> Server:
    """See the module."""
    place = market.place("gateway with passes")
    server = start(market, place, "gateway with passes")
    ledger = market.directory / "gateway-with-passes.db"
    balances = Balances(market, market.address("payer"), server.payee)
    token, ends = buy(market, server)
    events = count(ledger)
    with market.processes.frozen("devnet"), locked(ledger):
        for fields in ([("Authorization", f"Bearer {token}")], [("Tollgate-Pass", token)]):
            for number in range(EACH_WAY):
                expect_admitted(market, server, server.recorder.get(f"/open/{number}", fields))
        expect_refused(server, token)
    expect(count(ledger) == events, "requests with a pass wrote to the ledger")
    market.processes.end("gateway with passes")
    server = start(market, place, "gateway with passes again")
    expect_admitted(market, server, server.recorder.get("/open/again", [("Tollgate-Pass", token)]))
    expect_ended(server, token, ends)
    expect_cookies(market, server)
    balances.expect_moved(2 * PRICE, "after two payments")
    server.reconcile()
    return server


class OpeningRecipe(Recipe):
    """The page about nginx that asks, with a route that opens for a while."""

    def blocks(self) -> dict[str, str]:
        """See the class."""
        blocks = Recipe("nginx-auth.md", "nginx", True).blocks()
        text = blocks["tollgate.yaml"]
        blocks["tollgate.yaml"] = text.replace("description: Weather by city}", f"access: {SECONDS}s}}")
        expect(blocks["tollgate.yaml"] != text, "the page has another route")
        return blocks


def expect_leave_by_pass(market: Market) -> Server:
    """Beside nginx: leave that was paid for brings a pass, which gives leave again and ends there."""
    server = follow(market, OpeningRecipe("nginx-passes", "nginx", True))
    token, _ = buy(market, server, "/one")
    expect_admitted(market, server, server.recorder.get("/two", [("Authorization", f"Bearer {token}")]))
    answer = server.recorder.get("/three", [("Tollgate-Pass", token), ("Authorization", "Bearer theirs"), ("Idempotency-Key", "mine")])
    assert server.upstream
    seen = server.upstream.calls["/three"][-1]
    expect(answer.status == 200 and "tgp_" not in str(seen), f"{answer.status}, and the upstream saw {seen}")
    expect((seen["authorization"], seen["idempotency-key"]) == ("Bearer theirs", "mine"), f"the upstream saw {seen}")
    answer = server.recorder.get("/two", [("Authorization", f"Bearer {token}A")])
    expect((answer.status, answer.json()["code"]) == (401, "invalid_token"), f"{answer.status} {answer.body!r}")
    server.reconcile()
    return server


def start(market: Market, place: Place, name: str) -> Server:
    """A gateway with a route that opens for a while."""
    return market.gateway_at(place, name, gateway_yaml(place, market.rpc, [], OWN_SIGNER) + ROUTE)


def buy(market: Market, server: Server, target: str = OPEN) -> tuple[str, int]:
    """The SDK's client pays once; the pass, and when it ends."""
    server.recorder.exchanges.clear()
    outcome = market.pay("sdk", server.recorder.url + target)
    paid = server.recorder.exchanges[-1]
    expect(outcome.status == 200 and (paid.receipt() or {}).get("success") is True, f"the SDK ended with {outcome}")
    token, ends = paid.response.get("tollgate-pass", ""), int(paid.response.get("tollgate-pass-expires", "0"))
    expect(token.startswith("tgp_") and len(token) < 512, f"the pass is {token!r}")
    expect(0 < ends - time.time() <= SECONDS + 1, f"it ends at {ends}")
    expect(paid.response.get("set-cookie") is None, "a program got a cookie")
    return token, ends


def expect_admitted(market: Market, server: Server, answer: Exchange) -> None:
    """Served without a payment; the upstream knows who has paid, and not the pass."""
    assert server.upstream
    expect(answer.status == 200 and answer.json()["path"] == answer.target, f"a pass is answered {answer.status} {answer.body!r}")
    expect(answer.response.get("payment-response") is None and "private" in answer.response["cache-control"], f"{answer.response}")
    seen = server.upstream.calls[answer.target][-1]
    expect(seen["tollgate-payer"].lower() == market.address("payer").lower(), f"the upstream saw {seen['tollgate-payer']}")
    expect("tgp_" not in str(seen) and seen.get("idempotency-key") is None, f"the upstream saw {seen}")


def expect_refused(server: Server, token: str) -> None:
    """A pass for another route, a changed one, and somebody's invention; what is not ours is no business of ours."""
    assert server.upstream
    calls = server.upstream.counts()
    changed = token[:40] + ("A" if token[40] != "A" else "B") + token[41:]
    for target, presented in ((CLOSED, token), (OPEN, changed), (OPEN, token[:-1]), (OPEN, "tgp_" + "A" * 300)):
        answer = server.recorder.get(target, [("Authorization", f"Bearer {presented}")])
        expect((answer.status, answer.json()["code"]) == (401, "invalid_token"), f"{answer.status} {answer.body!r}")
        expect(answer.response["www-authenticate"] == 'Bearer error="invalid_token"', f"{answer.response}")
    expect(server.recorder.get(OPEN, [("Authorization", "Bearer theirs")]).status == 402, "a token that is not ours opened a route")
    expect(server.upstream.counts() == calls, "the upstream was called")


def expect_ended(server: Server, token: str, ends: int) -> None:
    """Good until its last second, and no longer."""
    while time.time() < ends:
        time.sleep(max(0.0, min(0.2, ends - time.time())))
    answer = server.recorder.get(OPEN, [("Authorization", f"Bearer {token}")])
    expect((answer.status, answer.json()["code"]) == (402, "pass_expired"), f"{answer.status} {answer.body!r}")
    expect(answer.required(), "no offer comes with it")


def expect_cookies(market: Market, server: Server) -> None:
    """A program that keeps cookies as browsers do pays once, and then only asks."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar := http.cookiejar.CookieJar()))
    status, fields, _ = fetch(opener, server, OPEN)
    expect(status == 402 and fields["content-type"].startswith("text/html"), f"a browser is answered {status}")
    signature = payment_signer(market.kit.accounts["payer"], fields["payment-required"])()
    status, fields, _ = fetch(opener, server, OPEN, [("PAYMENT-SIGNATURE", signature)])
    expect(status == 200, f"the payment is answered {status}")
    written = fields["set-cookie"]
    expect(all(part in written for part in ("; Path=/open;", "HttpOnly", "SameSite=Lax", "Max-Age=")), f"the cookie is {written}")
    expect(len(jar) == 1, f"the cookies are {list(jar)}")
    for number in range(3):
        expect(fetch(opener, server, f"/open/{number}")[0] == 200, "a cookie does not open the route")
    expect(fetch(opener, server, CLOSED)[0] == 402, "it opened another")
    next(iter(jar)).value = "tgp_stale"
    expect(fetch(opener, server, OPEN)[0] == 402, "a cookie that is no pass locks a browser out")


def fetch(opener: urllib.request.OpenerDirector, server: Server, target: str, fields: list[tuple[str, str]] = []) -> tuple:
    """Status, fields and body of a request of a browser."""
    request = urllib.request.Request(server.recorder.url + target, headers=dict(BROWSER + fields))
    try:
        answer = opener.open(request, timeout=20)
    except urllib.error.HTTPError as e:
        answer = e
    with answer:
        return answer.status, answer.headers, answer.read()


def count(ledger: Path) -> int:
    """Events in the ledger."""
    with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True) as connection:
        return connection.execute("SELECT count(*) FROM events").fetchone()[0]


@contextmanager
def locked(ledger: Path) -> Iterator[None]:
    """Nobody else writes to the ledger meanwhile."""
    connection = sqlite3.connect(ledger, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()
