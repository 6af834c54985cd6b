# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Wheels of PyPI that other people's bytecode is read out of, downloaded at run time and never committed."""
from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).resolve().parent.parent / ".cache"


def wheel(name: str, version: str, sha256: str) -> Path:
    """Fetch a wheel unless it is there, and refuse any other than the known one."""
    CACHE.mkdir(exist_ok=True)
    path = CACHE / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    if not path.exists():
        command = ["pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest", str(CACHE), f"{name}=={version}"]
        subprocess.run([sys.executable, "-m", *command], check=True, stdout=sys.stderr)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        sys.exit(f"{path} has SHA-256 {found}, expected {sha256}")
    return path
