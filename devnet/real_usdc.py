# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Make the genesis that has Circle's own token at Base Sepolia's USDC address, and print its path.

    python real_usdc.py

Its bytecode comes out of a PyPI wheel that is downloaded at run time.  Wheel and genesis stay in .cache/, uncommitted.
"""
from __future__ import annotations

import json
from pathlib import Path

from build_genesis import build
from wheels import CACHE, wheel

WHEEL = ("web3-ethereum-defi", "1.2", "906579bfdb25d9aaa906543ce55a9d62e21a545e196e0230cb467c8b4406869d")


def real_usdc_genesis() -> Path:
    """The genesis file, made anew: its other contracts may have changed."""
    content = build(wheel(*WHEEL), canonical=True)
    genesis = CACHE / "genesis-real-usdc.json"
    genesis.write_text(json.dumps(content, indent=1) + "\n")
    return genesis


if __name__ == "__main__":
    print(real_usdc_genesis())
