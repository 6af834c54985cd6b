# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""The official x402 SDK as a resource server (FastAPI middleware).

    python x402_server.py --port 4021 --genesis FILE --pay-to ADDRESS (--facilitator URL | --in-process --rpc URL)

GET /exact costs $0.01, scheme exact over EIP-3009; GET /free costs nothing.  Both answer {"path": …, "call": n}.
"""
from __future__ import annotations

import argparse
import itertools
import logging
from collections.abc import Callable
from typing import Any

import uvicorn
from fastapi import FastAPI
from x402 import x402ResourceServer
from x402.http import FacilitatorConfig, HTTPFacilitatorClient
from x402.http.middleware.fastapi import payment_middleware
from x402.http.types import PaymentOption, RouteConfig
from x402.mechanisms.evm.exact import ExactEvmServerScheme

import x402_facilitator

NETWORK = "eip155:84532"


class InProcessFacilitator:
    """A facilitator in this process behind the SDK's client protocol."""

    def __init__(self, facilitator: Any):
        self._facilitator = facilitator

    async def verify(self, payload: Any, requirements: Any) -> Any:
        """POST /verify without HTTP."""
        return self._facilitator.verify(payload, requirements)

    async def settle(self, payload: Any, requirements: Any) -> Any:
        """POST /settle without HTTP."""
        return self._facilitator.settle(payload, requirements)

    def get_supported(self) -> Any:
        """GET /supported without HTTP."""
        return self._facilitator.get_supported()


def counted(path: str) -> Callable[[], dict[str, Any]]:
    """A handler that counts its calls."""
    counter = itertools.count(1)
    return lambda: {"path": path, "call": next(counter)}


def build_app(a: argparse.Namespace) -> FastAPI:
    """The service and its payment middleware."""
    if a.in_process:
        facilitator: Any = InProcessFacilitator(x402_facilitator.build_facilitator(a))
    else:
        facilitator = HTTPFacilitatorClient(FacilitatorConfig(url=a.facilitator))
    server = x402ResourceServer(facilitator)
    server.register(NETWORK, ExactEvmServerScheme())
    offer = PaymentOption(scheme="exact", pay_to=a.pay_to, price="$0.01", network=NETWORK, max_timeout_seconds=300)
    routes = {"GET /exact": RouteConfig(accepts=offer, description="exact over EIP-3009", mime_type="application/json")}
    app = FastAPI()
    app.middleware("http")(payment_middleware(routes, server))
    for path in ("/exact", "/free"):
        app.get(path)(counted(path))
    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pay-to", required=True)
    parser.add_argument("--facilitator")
    parser.add_argument("--in-process", action="store_true")
    x402_facilitator.add_arguments(parser)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    uvicorn.run(build_app(arguments), host="127.0.0.1", port=arguments.port, log_level="warning", access_log=False)
