# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""The official SDK as a library: sign a payment for a 402, read what it put on the wire."""
from __future__ import annotations

import asyncio
import base64
import copy
import json
from typing import Any

from eth_abi import encode
from x402 import x402ClientSync
from x402.extensions.payment_identifier import append_payment_identifier_to_extensions
from x402.extensions.sign_in_with_x import create_siwx_payload, encode_siwx_header
from x402.http.utils import decode_payment_required_header, encode_payment_signature_header
from x402.mechanisms.evm.exact import register_exact_evm_client
from x402.mechanisms.evm.signers import EthAccountSigner

ERC6492_SUFFIX = bytes.fromhex("6492" * 16)


def decode(value: str | None) -> Any:
    """The JSON in a base64 header field; None for none, or for what is not that."""
    try:
        return json.loads(base64.b64decode(value)) if value else None
    except ValueError:
        return None


def encode_json(value: Any) -> str:
    """A base64 header field."""
    return base64.b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()


def payment_signer(account: Any, required: str) -> Any:
    """A function that signs a fresh PAYMENT-SIGNATURE for a PAYMENT-REQUIRED at each call."""
    client = x402ClientSync()
    register_exact_evm_client(client, account)
    offers = decode_payment_required_header(required)
    return lambda: encode_payment_signature_header(client.create_payment_payload(offers))


class PaymentSigner:
    """Signs payments for a PAYMENT-REQUIRED that bear an identifier."""

    def __init__(self, account: Any, required: str):
        self._client = x402ClientSync()
        register_exact_evm_client(self._client, account)
        self._offers = decode_payment_required_header(required)

    def identified(self, identifier: str | None = None) -> tuple[str, str]:
        """A fresh PAYMENT-SIGNATURE under this identifier, or a new one; and the identifier."""
        payload = self._client.create_payment_payload(self._offers)
        extensions = copy.deepcopy(dict(self._offers.extensions or {}))
        payload.extensions = append_payment_identifier_to_extensions(extensions, identifier)
        return encode_payment_signature_header(payload), payload.extensions["payment-identifier"]["info"]["id"]


def sign_in(account: Any, required: str, url: str) -> str:
    """A SIGN-IN-WITH-X for the invitation of a PAYMENT-REQUIRED that came from a URL."""
    entry = decode(required)["extensions"]["sign-in-with-x"]
    info = {**entry["info"], "chainId": entry["supportedChains"][0]["chainId"], "type": entry["supportedChains"][0]["type"]}
    return encode_siwx_header(asyncio.run(create_siwx_payload(info, account, url)))


class WalletSigner:
    """An ERC-1271 smart wallet as a payer; with a factory call, one that is not deployed yet (ERC-6492)."""

    def __init__(self, owner: Any, address: str, factory: str | None = None, factory_call: bytes = b""):
        self._owner, self._address = EthAccountSigner(owner), address
        self._factory, self._factory_call = factory, factory_call

    @property
    def address(self) -> str:
        """The wallet's address, which the authorization comes from."""
        return self._address

    def sign_typed_data(self, domain: Any, types: Any, primary_type: str, message: Any) -> bytes:
        """The owner's signature in the wallet's own form, wrapped where the wallet is not deployed."""
        signature = b"\1" + self._owner.sign_typed_data(domain, types, primary_type, message)
        if self._factory is None:
            return signature
        return encode(["address", "bytes", "bytes"], [self._factory, self._factory_call, signature]) + ERC6492_SUFFIX
