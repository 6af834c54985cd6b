# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Credentials made by hand: of an authorization and a public 402, in either protocol version, with any challenge or none."""
from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from eth_utils import keccak

from sdk import decode, encode_json

Fields = list[tuple[str, str]]
CHALLENGE = "challenge"


@dataclass
class Terms:
    """What a 402 asks for, in both versions."""

    resource: dict[str, Any]
    v2: dict[str, Any]
    v1: dict[str, Any]

    @classmethod
    def of(cls, required: str, body: dict[str, Any]) -> Terms:
        """Out of the PAYMENT-REQUIRED field and the body."""
        offer = decode(required)
        return cls(offer["resource"], offer["accepts"][0], body["accepts"][0])

    @property
    def window(self) -> int:
        """Seconds that an authorization should be good for."""
        return self.v2["maxTimeoutSeconds"]


@dataclass
class Authorization:
    """A signed EIP-3009 authorization."""

    message: dict[str, Any]
    signature: bytes

    @property
    def nonce(self) -> bytes:
        """What the token contract makes unique."""
        return self.message["nonce"]

    def payment_id(self, network: str, token: str) -> str:
        """What the gateway calls the payment: the hash of all that makes the authorization unique."""
        return keccak(text=f"{network}/{token}/{self.message['from']}/0x{self.nonce.hex()}".lower()).hex()

    def _payload(self) -> dict[str, Any]:
        fields = {name: value if isinstance(value, str) else str(value) for name, value in self.message.items() if name != "nonce"}
        return {"signature": "0x" + self.signature.hex(), "authorization": {**fields, "nonce": "0x" + self.nonce.hex()}}

    def v2(self, terms: Terms, challenge: str | None = "") -> Fields:
        """PAYMENT-SIGNATURE, with the 402's own challenge unless another, or None for none, is given."""
        accepted = {**terms.v2, "extra": dict(terms.v2["extra"])}
        if challenge != "":
            accepted["extra"].pop(CHALLENGE, None)
        if challenge:
            accepted["extra"][CHALLENGE] = challenge
        return [("PAYMENT-SIGNATURE", encode_json({"x402Version": 2, "resource": terms.resource, "accepted": accepted,
                                                   "payload": self._payload()}))]

    def v1(self, terms: Terms) -> Fields:
        """X-PAYMENT."""
        return [("X-PAYMENT", encode_json({"x402Version": 1, "scheme": terms.v1["scheme"], "network": terms.v1["network"],
                                           "payload": self._payload()}))]


def new_challenge() -> str:
    """A challenge of one's own making, in the form that gateways use."""
    import base64
    return base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
