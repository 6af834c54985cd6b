# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Make the genesis that has Circle's own token at Base Sepolia's USDC address, and print its path.

    python real_usdc.py

Its bytecode comes out of a PyPI wheel that is downloaded at run time.  Wheel and genesis stay in .cache/, uncommitted.
"""
from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from build_genesis import HERE, build

CACHE = HERE.parent / ".cache"
WHEEL = CACHE / "web3_ethereum_defi-1.2-py3-none-any.whl"
WHEEL_SHA256 = "906579bfdb25d9aaa906543ce55a9d62e21a545e196e0230cb467c8b4406869d"


def download() -> None:
    """Fetch the wheel unless it is there, and refuse any other than the known one."""
    if not WHEEL.exists():
        command = ["pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest", str(CACHE),
                   "web3-ethereum-defi==1.2"]
        subprocess.run([sys.executable, "-m", *command], check=True, stdout=sys.stderr)
    found = hashlib.sha256(WHEEL.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        sys.exit(f"{WHEEL} has SHA-256 {found}, expected {WHEEL_SHA256}")


def real_usdc_genesis() -> Path:
    """The genesis file, made anew: its other contracts may have changed."""
    CACHE.mkdir(exist_ok=True)
    download()
    genesis = CACHE / "genesis-real-usdc.json"
    genesis.write_text(json.dumps(build(WHEEL, canonical=True), indent=1) + "\n")
    return genesis


if __name__ == "__main__":
    print(real_usdc_genesis())
