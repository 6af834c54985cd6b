# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""A facilitator that lies, in every way we could think of, and what may come of it: no body without the money on chain."""
from __future__ import annotations

import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any

from buyers import Answer, exchange
from checks import Balances, expect
from credentials import Authorization, Fields
from local_http import LocalHandler, LocalServer
from market import NETWORK, PRICE, Market, Server
from thief import public_terms

from kit import transfer_bytes  # devnet/, which market.py puts on the path

Reply = tuple[int, bytes]
HONEST_TIMEOUT = 60
PAUSE = 0.2
PAGE = b"<html><body>Bad gateway</body></html>"


def json_reply(value: Any, status: int = 200) -> Reply:
    """A reply as facilitators give it."""
    return status, json.dumps(value).encode()


class Liar(LocalServer):
    """A facilitator that answers each payment as its lie demands, and settles for real where it is honest."""

    def __init__(self, market: Market) -> None:
        super().__init__(Handler)
        self.market = market
        self.lies: dict[str, Lie] = {}                  # by the authorization's nonce
        self.settled: dict[str, str] = {}
        self.tricks: dict[str, str] = {}
        self.calls: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.serve_in_background()

    def settle(self, payload: dict[str, Any]) -> str:
        """Move the money, once; the transaction."""
        message = {k: int(v) if k in ("value", "validAfter", "validBefore") else v for k, v in payload["authorization"].items()}
        nonce, signature = message["nonce"], bytes.fromhex(payload["signature"][2:])
        with self.lock:
            if nonce not in self.settled:
                self.settled[nonce] = self.send({**message, "nonce": bytes.fromhex(nonce[2:])}, signature)
            return self.settled[nonce]

    def once(self, payload: dict[str, Any], trick: Callable[[], str]) -> str:
        """Play a trick with the chain once for a payment; its transaction."""
        with self.lock:
            nonce = payload["authorization"]["nonce"]
            if nonce not in self.tricks:
                self.tricks[nonce] = trick()
            return self.tricks[nonce]

    def send(self, message: dict[str, Any], signature: bytes, gas: int = 200_000) -> str:
        """Send an authorization to the token; the transaction, however it ended."""
        receipt = self.market.kit.send("facilitator2", self.market.token, transfer_bytes(message, signature), gas=gas)
        return receipt["transactionHash"].to_0x_hex()


class Handler(LocalHandler):
    """GET /supported, POST /verify, POST /settle."""

    server: Liar

    def do_GET(self) -> None:
        """Of /supported no lie is told."""
        self.answer(*json_reply({"kinds": [{"x402Version": 2, "scheme": "exact", "network": NETWORK}], "extensions": [], "signers": {}}))

    def do_POST(self) -> None:
        """Answer as the payment's lie demands."""
        payload = json.loads(self.read_body())["paymentPayload"]["payload"]
        nonce = payload["authorization"]["nonce"]
        lie = self.server.lies.get(nonce, HONEST)
        reply = (lie.settle if self.path == "/settle" else lie.verify)(self.server, payload)
        self.server.calls[nonce + self.path] += 1
        if reply is None:
            self.close_connection = True
        else:
            self.answer(*reply)


# What a facilitator may say of a payment; None closes the connection without a word.

Says = Callable[[Liar, dict[str, Any]], Reply | None]


def says(value: Any, status: int = 200) -> Says:
    """The same to everybody: an object, or bytes as they are."""
    return lambda liar, payload: (status, value) if isinstance(value, bytes) else json_reply(value, status)


def success(transaction: str, **others: Any) -> dict[str, Any]:
    """A settlement's words."""
    return {"success": True, "transaction": transaction, "network": NETWORK, **others}


def failure(reason: str, transaction: str = "") -> dict[str, Any]:
    """A refusal's words."""
    return {"success": False, "errorReason": reason, "transaction": transaction, "network": NETWORK}


def verify_honestly(liar: Liar, payload: dict[str, Any]) -> Reply:
    """What is presented here is always good."""
    return json_reply({"isValid": True, "payer": payload["authorization"]["from"]})


def settle_honestly(liar: Liar, payload: dict[str, Any]) -> Reply:
    """Move the money and say so."""
    return json_reply(success(liar.settle(payload), payer=payload["authorization"]["from"]))


def name_another_payment(liar: Liar, payload: dict[str, Any]) -> Reply:
    """The transaction of a payment of the same amount, between the same two."""
    return json_reply(success(next(iter(liar.settled.values()))))


def move_less(liar: Liar, payload: dict[str, Any]) -> Reply:
    """A transaction that moves one unit from the payer to the payee, which a payer in league has signed."""
    message, signed = liar.market.kit.authorize("payer", liar.market.token, payload["authorization"]["to"], 1)
    transaction = liar.once(payload, lambda: liar.send(message, bytes(signed.signature)))
    return json_reply(success(transaction, amount=str(PRICE)))


def name_a_reverted_one(liar: Liar, payload: dict[str, Any]) -> Reply:
    """A transaction that is on chain and failed."""
    message, _ = liar.market.kit.authorize("payer", liar.market.token, payload["authorization"]["to"], PRICE)
    return json_reply(success(liar.once(payload, lambda: liar.send(message, b"\1" * 65))))


def deny_after_settling(liar: Liar, payload: dict[str, Any]) -> Reply:
    """Take the money and say it was refused."""
    liar.settle(payload)
    return json_reply(failure("insufficient_funds"))


def break_off_after_settling(liar: Liar, payload: dict[str, Any]) -> None:
    """Move the money and hang up."""
    liar.settle(payload)


@dataclass(frozen=True)
class Lie:
    """What is said at /verify and /settle, what the buyer may be answered, and whether the money moves all the same."""

    name: str
    settle: Says = settle_honestly
    verify: Says = verify_honestly
    statuses: tuple[int, ...] = (503,)
    moves: bool = False


HONEST = Lie("nothing", statuses=(200,), moves=True)
VALID = {"isValid": True}
MADE_UP = "0x" + secrets.token_hex(32)
AT_VERIFY = (
    Lie("verify: a string for true", verify=says({"isValid": "true"})), Lie("verify: 1 for true", verify=says({"isValid": 1})),
    Lie("verify: HTML", verify=says(PAGE)), Lie("verify: nothing", verify=says(b"")), Lie("verify: an array", verify=says([VALID])),
    Lie("verify: true with 500", verify=says(VALID, 500)), Lie("verify: half an object", verify=says(b'{"isValid": true')),
    Lie("verify: two answers", verify=says(b'{"isValid": false, "isValid": true}')),
    Lie("verify: somebody else", verify=says({"isValid": True, "payer": "0x" + "11" * 20})),
    Lie("verify: a megabyte", verify=says({"isValid": True, "extra": "x" * 1_000_000})),
)
AT_SETTLE = (
    Lie("settle: no transaction", says(success(""))), Lie("settle: transaction missing", says({"success": True, "network": NETWORK})),
    Lie("settle: a made-up transaction", says(success(MADE_UP))), Lie("settle: half a hash", says(success("0x1234"))),
    Lie("settle: another payment's transaction", name_another_payment), Lie("settle: less than the price", move_less),
    Lie("settle: a reverted transaction", name_a_reverted_one),
    Lie("settle: a string for true", says({**success(MADE_UP), "success": "true"})),
    Lie("settle: 1 for true", says({**success(MADE_UP), "success": 1})),
    Lie("settle: another network", says({**success(MADE_UP), "network": "eip155:1"})),
    Lie("settle: another payer", says(success(MADE_UP, payer="0x" + "11" * 20))),
    Lie("settle: HTML", says(PAGE)), Lie("settle: nothing", says(b"")), Lie("settle: an array", says([success(MADE_UP)])),
    Lie("settle: two answers", says(b'{"success": false, ' + json.dumps(success(MADE_UP)).encode()[1:])),
    Lie("settle: success with 500", says(success(MADE_UP), 500)), Lie("settle: pending for ever", says(failure("settlement_pending"))),
    Lie("settle: refused, and not settled", says(failure("insufficient_funds")), statuses=(402,)),
    Lie("settle: refused, and settled", deny_after_settling, statuses=(200,), moves=True),
    Lie("settle: settled, and hung up", break_off_after_settling, statuses=(200,), moves=True),
)


@dataclass
class Told:
    """A payment and how it began."""

    lie: Lie
    target: str
    fields: Fields
    nonce: str
    answer: Answer

    def expect(self, holds: Any, message: str) -> None:
        """Fail unless something holds."""
        expect(holds, f"{self.lie.name}, {self.target}: {message}")


def expect_no_lie_believed(market: Market, server: Server) -> None:
    """Whatever the facilitator says, a body is delivered only when the money is on chain; and once it is honest, all is well."""
    liar, balances = market.liar, Balances(market, market.address("payer"), server.payee)
    with ThreadPoolExecutor(max_workers=64) as threads:
        def tell(*lies: Lie) -> list[Told]:
            return list(threads.map(lambda case: present(market, server, *case), product(lies, ("/exact", "/before"))))

        told = tell(HONEST)         # a transaction that others can be told of
        for lies in (AT_VERIFY, AT_SETTLE):
            told += tell(*lies)
            units = sum(PRICE if t.lie.moves else t.lie.settle is move_less for t in told)
            balances.expect_moved(units, "after all the lies")
        liar.lies.clear()
        refused = sum(one.lie.statuses == (402,) for one in told)
        list(threads.map(lambda one: expect_good_end(server, one), told))
    balances.expect_moved(PRICE * (len(told) - refused) + 2, "after the facilitator has become honest")
    server.reconcile()


def present(market: Market, server: Server, lie: Lie, target: str) -> Told:
    """Pay with a lie about it, until the facilitator has been asked; what is answered must be one of what the lie allows."""
    terms = public_terms(server, "GET", target)
    message, signed = market.kit.authorize("payer", market.token, server.payee, PRICE, before=int(time.time()) + terms.window)
    authorization = Authorization(message, bytes(signed.signature))
    fields, nonce = authorization.v2(terms), "0x" + authorization.nonce.hex()
    market.liar.lies[nonce] = lie
    told = Told(lie, target, fields, nonce, exchange(server.recorder.origin, "GET", target, fields))
    asked = nonce + ("/verify" if lie in AT_VERIFY else "/settle")
    while not market.liar.calls[asked]:     # left alone for a while, after another lie
        told.expect(told.answer.status == 503, f"answered {told.answer}, and nobody was asked")
        time.sleep(PAUSE)
        told.answer = exchange(server.recorder.origin, "GET", target, fields)
    answer = told.answer
    told.expect(answer.status in lie.statuses and (answer.status == 200) == (b'"call"' in answer.body), f"answered {answer}")
    told.expect(answer.status != 503 or answer.fields["Retry-After"], "503 without Retry-After")
    return told


def expect_good_end(server: Server, told: Told) -> None:
    """The facilitator is honest now: the same credential is paid for, or was refused for good."""
    end = time.monotonic() + HONEST_TIMEOUT
    while (answer := exchange(server.recorder.origin, "GET", told.target, told.fields)).status == 503:
        told.expect(time.monotonic() < end, f"still answered {answer}")
        time.sleep(PAUSE)
    expected = 402 if told.lie.statuses == (402,) else 200
    told.expect(answer.status == expected, f"in the end answered {answer}")
