# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""The official x402 SDK as a facilitator over HTTP: GET /supported, POST /verify, POST /settle.

    python x402_facilitator.py --port 4022 --genesis FILE --rpc URL

Serves scheme exact, protocol 2 and 1, and allows the chain's ERC-6492 wallet factory.  The SDK has no such service of its own;
its endpoints are plain functions, so that its blocking calls to the chain run in FastAPI's thread pool.
"""
from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from x402 import x402FacilitatorSync
from x402.mechanisms.evm import FacilitatorWeb3Signer
from x402.mechanisms.evm.exact import register_exact_evm_facilitator
from x402.schemas.helpers import parse_payment_payload, parse_payment_requirements


def build_facilitator(a: argparse.Namespace) -> x402FacilitatorSync:
    """The SDK's facilitator with one signer."""
    genesis = json.loads(a.genesis.read_text())
    facilitator = x402FacilitatorSync()
    signer = FacilitatorWeb3Signer(private_key=genesis["accounts"][a.signer]["key"], rpc_url=a.rpc,
                                   confirmation_timeout_seconds=20)
    register_exact_evm_facilitator(facilitator, signer, networks="eip155:84532",
                                   eip6492_allowed_factories=[genesis["names"]["wallet_factory"]])
    return facilitator


def build_app(facilitator: x402FacilitatorSync) -> FastAPI:
    """Its HTTP face."""
    app = FastAPI()

    def run(operation: Callable, body: dict[str, Any]) -> JSONResponse:
        try:
            payload = parse_payment_payload(body["paymentPayload"])
            requirements = parse_payment_requirements(payload.x402_version, body["paymentRequirements"])
        except Exception as e:
            return JSONResponse({"error": str(e)}, 400)
        return JSONResponse(operation(payload, requirements).model_dump(by_alias=True, exclude_none=True))

    @app.get("/supported")
    def supported() -> JSONResponse:
        return JSONResponse(facilitator.get_supported().model_dump(by_alias=True, exclude_none=True))

    @app.post("/verify")
    def verify(body: dict) -> JSONResponse:
        return run(facilitator.verify, body)

    @app.post("/settle")
    def settle(body: dict) -> JSONResponse:
        return run(facilitator.settle, body)

    return app


def add_arguments(p: argparse.ArgumentParser) -> None:
    """What a facilitator needs, wherever it runs."""
    p.add_argument("--genesis", type=Path, required=True)
    p.add_argument("--rpc", required=True)
    p.add_argument("--signer", default="facilitator", help="account of the genesis that pays the gas")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    add_arguments(parser)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    uvicorn.run(build_app(build_facilitator(arguments)), host="127.0.0.1", port=arguments.port, log_level="warning",
                access_log=False)
