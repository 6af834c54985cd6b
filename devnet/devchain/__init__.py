# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""A local Ethereum development chain with JSON-RPC on loopback; `python -m devchain --help` says how to run it."""
