# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""A payer of protocol version 1: PyPI's x402 1.0.0, in its own virtual environment.

    python v1_client.py URL --genesis FILE [--key payer]

Prints one JSON line: status and body.
"""
from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from eth_account import Account
from x402.clients.httpx import x402HttpxClient


async def main() -> None:
    """Entry point."""
    p = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    p.add_argument("url")
    p.add_argument("--genesis", type=Path, required=True)
    p.add_argument("--key", default="payer", help="account of the genesis that pays")
    a = p.parse_args()
    account = Account.from_key(json.loads(a.genesis.read_text())["accounts"][a.key]["key"])
    async with x402HttpxClient(account=account, timeout=60) as http:
        answer = await http.get(a.url)
        await answer.aread()
        print(json.dumps({"status": answer.status_code, "body": answer.text}))


if __name__ == "__main__":
    asyncio.run(main())
