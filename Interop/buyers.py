# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Buyers who never give up: each presents one credential again and again, byte for byte, until it has come to a definite end."""
from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from credentials import Authorization, Fields, Terms
from processes import Failed
from sdk import decode

PATIENCE = 60           # seconds until a purchase without an end is a failure
PAUSE = 0.05            # between two presentations
EXCHANGE_TIMEOUT = 30
DEFERRED = "/deferred"
HOST = "api.example"    # whichever gateway is asked: the same request is one to the same host


@dataclass
class Purchase:
    """One credential and what its buyer was told."""

    route: str
    method: str
    dialect: str
    fields: Fields
    authorization: Authorization
    payment: str
    gives_up: bool          # after the first answer that is lost
    begun: float = field(default_factory=time.monotonic)
    presentations: int = 0
    end: str = ""           # paid, used, unknown, owed, gave up
    bodies: list[bytes] = field(default_factory=list)
    detail: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether whoever asks again gets the very same answer: a deferred one is not kept, and its call is made again or not."""
        return self.route != DEFERRED and self.dialect == "v2"

    @property
    def may_be_used(self) -> bool:
        """Whether the one who claimed it may be told that it was used before."""
        return self.dialect == "v1" or (self.route == DEFERRED and self.method == "POST")

    def __str__(self) -> str:
        return f"{self.method} {self.route} in {self.dialect}, payment {self.payment}: {self.end or 'no end'} {self.detail}"


@dataclass
class Answer:
    """What came back."""

    status: int
    fields: Message
    body: bytes

    @property
    def code(self) -> str:
        """The problem's code."""
        try:
            return json.loads(self.body).get("code", "")
        except (ValueError, AttributeError):
            return ""

    def __str__(self) -> str:
        receipt = decode(self.fields.get("payment-response") or self.fields.get("x-payment-response"))
        return f"{self.status} {self.body[:200].decode(errors='replace')} {receipt or ''}"


def exchange(origin: str, method: str, target: str, fields: Fields, body: bytes | None = None,
             when_sent: Callable[[], None] = lambda: None, when_answered: Callable[[], None] = lambda: None) -> Answer:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(origin.removeprefix("http://"), timeout=EXCHANGE_TIMEOUT)
    try:
        connection.request(method, target, body, {**dict(fields), "Connection": "close"})
        when_sent()
        answer = connection.getresponse()
        if answer.status == 200:
            when_answered()
        return Answer(answer.status, answer.msg, answer.read())
    finally:
        connection.close()


def present(origin: str, method: str, target: str, fields: Fields, **when: Callable[[], None]) -> Answer | None:
    """The answer to a request; None when it was lost."""
    try:
        return exchange(origin, method, target, fields, b'{"of": "a buyer"}' if method == "POST" else None, **when)
    except (OSError, http.client.HTTPException):
        return None


@dataclass
class Shop:
    """Where and how everybody buys."""

    origins: list[str]      # of gateways that sell the same; each presentation goes to any
    network: str
    token: str
    routes: list[str]
    sign: Callable[[str, Terms], Authorization]     # for a payer, by the terms of a 402
    payers: list[str]
    when_asked: Callable[[], None]
    when_answered: Callable[[], None]

    def terms(self, origin: str, method: str, route: str) -> Terms | None:
        """Of a fresh 402; None when the gateway is away."""
        answer = present(origin, method, route, [("Host", HOST)])
        if answer is None or answer.status == 503:
            return None
        if answer.status != 402:
            raise Failed(f"an unpaid {method} {route} was answered {answer}")
        return Terms.of(answer.fields["payment-required"], json.loads(answer.body))


class Buyer(threading.Thread):
    """Buys one thing after the other until it is told to stop, and sees each through."""

    def __init__(self, shop: Shop, number: int, seed: str, stop: threading.Event):
        super().__init__(daemon=True, name=f"buyer {number}")
        self.shop, self.stop_buying = shop, stop
        self.payer = shop.payers[number % len(shop.payers)]
        self.choice = random.Random(f"{seed} {self.name}")
        self.purchases: list[Purchase] = []
        self.trouble: str | None = None

    def run(self) -> None:
        """See the class; whatever is not as it should be is told at the end."""
        try:
            while not self.stop_buying.is_set():
                if purchase := self._begin():
                    self.purchases.append(purchase)
                    self._see_through(purchase)
                self._look_back()
                time.sleep(self.choice.uniform(0, PAUSE))
        except Exception as e:      # a thread's failure is the run's
            self.trouble = f"{self.name}: {type(e).__name__}: {e}"

    def _origin(self) -> str:
        return self.choice.choice(self.shop.origins)

    def _begin(self) -> Purchase | None:
        route, method = self.choice.choice(self.shop.routes), self.choice.choice(("GET", "POST"))
        dialect, gives_up = self.choice.choices(("v2", "v1"), (7, 1))[0], self.choice.random() < 0.1
        terms = self.shop.terms(self._origin(), method, route)
        if terms is None:
            return None
        authorization = self.shop.sign(self.payer, terms)
        fields = authorization.v1(terms) if dialect == "v1" else authorization.v2(terms)
        payment = authorization.payment_id(self.shop.network, self.shop.token)
        return Purchase(route, method, dialect, fields, authorization, payment, gives_up)

    def _see_through(self, purchase: Purchase) -> None:
        """Until the end; sometimes over two connections at once, each until it has its own."""
        if self.choice.random() < 0.1 and purchase.dialect == "v2":
            twin = threading.Thread(target=self._present_to_the_end, args=(purchase,))
            twin.start()
            self._present_to_the_end(purchase)
            twin.join()
        else:
            self._present_to_the_end(purchase)

    def _present(self, purchase: Purchase, **when: Callable[[], None]) -> Answer | None:
        return present(self._origin(), purchase.method, purchase.route, [("Host", HOST), *purchase.fields], **when)

    def _present_to_the_end(self, purchase: Purchase) -> None:
        while time.monotonic() < purchase.begun + PATIENCE:
            answer = self._present(purchase, when_sent=self.shop.when_asked, when_answered=self.shop.when_answered)
            purchase.presentations += 1
            if end := self._end(purchase, answer):
                purchase.end = end
                return
            time.sleep(PAUSE)
        purchase.detail = "it came to no end"

    @staticmethod
    def _end(purchase: Purchase, answer: Answer | None) -> str:
        """What an answer means; empty when there is reason to ask again."""
        if answer is None:
            return "gave up" if purchase.gives_up else ""
        purchase.detail = str(answer)
        if answer.status == 200:
            purchase.bodies.append(answer.body)
            return "paid"
        if answer.status == 503 or (answer.status, answer.code) == (409, "settlement_pending"):
            return ""
        if answer.status == 409 and answer.code == "outcome_unknown":
            return "owed" if answer.fields.get("Tollgate-Debt") else "unknown"
        if answer.status == 409 and answer.code == "already_used":
            return "used"
        return f"unexpected {answer.status}"

    def _look_back(self) -> None:
        """Sometimes ask again for what was paid before."""
        paid = [p for p in self.purchases[-50:] if p.end == "paid" and p.dialect == "v2"]
        if paid and self.choice.random() < 0.3:
            self.ask_again(self.choice.choice(paid))

    def ask_again(self, purchase: Purchase) -> None:
        """Present once more what was paid, until there is an answer."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            answer = self._present(purchase)
            if answer and answer.status == 200:
                purchase.bodies.append(answer.body)
                return
            if answer and answer.code in ("already_used", "outcome_unknown") and purchase.may_be_used:
                return
            if answer and answer.status != 503:
                purchase.end, purchase.detail = "paid, then refused", str(answer)
                return
            time.sleep(PAUSE)
        purchase.end = "paid, then never answered again"
