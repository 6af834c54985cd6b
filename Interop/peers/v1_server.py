# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""A resource server of protocol version 1: PyPI's x402 1.0.0, in its own virtual environment.

    python v1_server.py --port 4023 --pay-to ADDRESS --facilitator URL

GET /exact costs $0.01, GET /free nothing.  Both answer {"path": …, "call": n}.
"""
from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable
from typing import Any

import uvicorn
from fastapi import FastAPI
from x402.fastapi.middleware import require_payment


def counted(path: str) -> Callable[[], dict[str, Any]]:
    """A handler that counts its calls."""
    counter = itertools.count(1)
    return lambda: {"path": path, "call": next(counter)}


def build_app(a: argparse.Namespace) -> FastAPI:
    """The service and its payment middleware."""
    app = FastAPI()
    app.middleware("http")(require_payment("$0.01", a.pay_to, path="/exact", network="base-sepolia",
                                           facilitator_config={"url": a.facilitator}))
    for path in ("/exact", "/free"):
        app.get(path)(counted(path))
    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pay-to", required=True)
    parser.add_argument("--facilitator", required=True)
    arguments = parser.parse_args()
    uvicorn.run(build_app(arguments), host="127.0.0.1", port=arguments.port, log_level="warning", access_log=False)
