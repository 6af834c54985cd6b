# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""python -m devchain: start a chain on loopback, print its address, run until a signal or, if asked, the end of stdin."""
from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import threading
import time
from pathlib import Path

import uvloop

from .dispatch import Dispatcher
from .engine import Engine
from .node import Node
from .server import HttpConnection

GENESIS = Path(__file__).resolve().parent.parent / "genesis.json"


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    p = argparse.ArgumentParser(prog="devchain", description=__doc__)
    p.add_argument("--genesis", type=Path, default=GENESIS)
    p.add_argument("--host", default="127.0.0.1", choices=("127.0.0.1", "::1"))
    p.add_argument("--port", type=int, default=8545, help="0 for any free port (printed)")
    p.add_argument("--chain-id", type=int, default=84532)
    p.add_argument("--engine", choices=("pyevm", "revm"), default="pyevm",
                   help="pyevm for correctness (history, gas, snapshots), revm for load")
    p.add_argument("--block-time", type=float, default=0, help="mine every so many seconds instead of per transaction")
    p.add_argument("--no-automine", action="store_true", help="mine only on evm_mine")
    p.add_argument("--gas-limit", type=int, default=30_000_000)
    p.add_argument("--base-fee", type=int, default=10_000_000, help="base fee of block 0, wei")
    p.add_argument("--tip", type=int, default=1_000_000, help="suggested priority fee, wei")
    p.add_argument("--genesis-age", type=int, default=60, help="seconds that block 0 lies in the past")
    p.add_argument("--until-eof", action="store_true", help="exit when standard input closes")
    p.add_argument("-v", "--verbose", action="store_true")
    return p.parse_args()


def make_engine(a: argparse.Namespace) -> Engine:
    """The engine asked for, over the genesis file; importing the other one is spared."""
    genesis = json.loads(a.genesis.read_text())
    if a.engine == "revm":
        from .revm import RevmEngine as Chosen
    else:
        from .pyevm import PyEvmEngine as Chosen
    return Chosen(a.chain_id, genesis, int(time.time()) - a.genesis_age, a.gas_limit, a.base_fee)


def stop_at_eof(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Read standard input away in a thread of its own, and stop at its end."""
    def drain() -> None:
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(stop.set)
    threading.Thread(target=drain, daemon=True).start()


async def serve(a: argparse.Namespace) -> None:
    """Run until told to stop."""
    node = Node(make_engine(a), a.chain_id, a.tip)
    dispatcher, loop, stop = Dispatcher(node), asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(lambda: HttpConnection(dispatcher), a.host, a.port)
    node.automine = not (a.no_automine or a.block_time)
    node.set_interval(a.block_time)
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, stop.set)
    if a.until_eof:
        stop_at_eof(loop, stop)
    host = f"[{a.host}]" if ":" in a.host else a.host
    print(f"devnet http://{host}:{server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    server.close()


def main() -> None:
    """Entry point."""
    arguments = parse_arguments()
    logging.basicConfig()
    logging.getLogger("devchain").setLevel(logging.DEBUG if arguments.verbose else logging.WARNING)
    uvloop.install()
    asyncio.run(serve(arguments))


main()
