# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Ledgers that cannot be used: the gateway says what is wrong and changes nothing; one whose disk fills up in the middle sells
nothing, loses nothing, and goes on when there is room."""
from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

from buyers import exchange
from checks import PATH, Balances, expect, purchase
from market import PRICE, TOLLGATE, Market, Server
from processes import free_port
from stuck import credentials

START_TIMEOUT = 30
WORDS = {                   # what is wrong with a ledger, and what the gateway has to say of it
    "of a newer version": "of a newer Tollgate",
    "of another program": "another program",
    "no database": "not a database",
    "cut short": "malformed",
    "read-only": "ermission denied",
    "on a full disk": "",       # the file is there, and empty or half made: with room it becomes a ledger
}
KEY = "0x" + "11" * 32
ROOM = 1 << 20              # bytes that the ledger's files may still grow: some payments fit
PAYMENTS = 60               # and so many do not


def expect_faults_told(market: Market, server: Server) -> None:
    """See the module. `server` has a sound ledger, of which copies are broken."""
    assert server.config
    purchase(market, "sdk", server)
    directory = market.directory / "broken ledgers"
    directory.mkdir()
    for what, words in WORDS.items():
        place = directory / what
        place.mkdir()
        ledger = copy_ledger(server, place)
        break_ledger(what, ledger)
        before = ledger.read_bytes() if ledger.exists() else b""
        config = configure(server, ledger)
        done = start(config, what)
        expect(done.returncode > 0, f"a ledger {what}: serve ends with {done.returncode}")
        expect(words in done.stderr and str(ledger) in done.stderr, f"a ledger {what}: serve says {done.stderr!r}")
        if before:
            expect(ledger.read_bytes() == before, f"a ledger {what} was changed")
        else:
            admin = yaml_port(config.read_text(), "admin")
            market.processes.start("gateway with room again", [TOLLGATE, "serve", "--config", str(config)],
                                   f"http://127.0.0.1:{admin}/health", {"TOLLGATE_EVM_KEY": KEY})
            market.processes.end("gateway with room again")


def expect_full_disk_survived(market: Market, server: Server) -> None:
    """Payments until the disk is full, then none, and after that all are in the books."""
    purchase(market, "sdk", server)
    balances = Balances(market, market.address("payer"), server.payee)
    size = max(Path(ledger_of(server) + end).stat().st_size for end in ("", "-wal"))
    old = resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size + ROOM, resource.RLIM_INFINITY))
    served = refused = 0
    waiting = []
    for fields in credentials(market, server, PAYMENTS):
        answer = exchange(server.recorder.origin, "GET", PATH, fields)
        expect(answer.status in (200, 503), f"on a full disk a payment is answered {answer.status} {answer.body[:200]!r}")
        served += answer.status == 200
        if answer.status == 503:
            refused += 1
            expect(answer.fields.get("retry-after"), "the 503 names no time to come again")
            waiting.append(fields)
    expect(served and refused, f"{served} payments were served and {refused} refused")
    expect(exchange(server.recorder.origin, "GET", "/free", []).status == 200, "what is free needs no ledger")
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, old)
    for fields in waiting:
        answer = exchange(server.recorder.origin, "GET", PATH, fields)
        expect(answer.status == 200, f"with room again a payment is answered {answer.status} {answer.body[:200]!r}")
    balances.expect_moved(PRICE * (served + refused), "when all were served")
    server.reconcile()


def copy_ledger(server: Server, place: Path) -> Path:
    """A ledger like the server's, whole."""
    ledger = place / "tollgate.db"
    with sqlite3.connect(f"file:{ledger_of(server)}?mode=ro", uri=True) as source, sqlite3.connect(ledger) as copy:
        source.backup(copy)
    for connection in (source, copy):
        connection.close()
    return ledger


def ledger_of(server: Server) -> str:
    """Where the server's ledger is."""
    assert server.config
    line = next(line for line in server.config.read_text().splitlines() if line.startswith("store:"))
    return line.removeprefix("store: sqlite:")


def configure(server: Server, ledger: Path) -> Path:
    """The server's configuration with another ledger and other ports."""
    assert server.config
    config = ledger.parent / "tollgate.yaml"
    text = server.config.read_text().replace(ledger_of(server), str(ledger))
    for name in ("listen", "admin"):
        text = text.replace(f":{yaml_port(text, name)}", f":{free_port()}", 1)
    config.write_text(text)
    return config


def yaml_port(text: str, name: str) -> str:
    """The port of `listen` or `admin` in a configuration."""
    line = next(line for line in text.splitlines() if line.startswith(f"{name}:"))
    return line.rstrip("}").rsplit(":", 1)[1]


def break_ledger(what: str, ledger: Path) -> None:
    """Do to a ledger what may happen to it."""
    if what == "of a newer version":
        script(ledger, "PRAGMA user_version = 99")
    elif what == "of another program":
        ledger.unlink()
        script(ledger, "CREATE TABLE theirs (id)")
    elif what == "no database":
        ledger.write_bytes(b"this is a letter, not a ledger\n" * 1_000)
    elif what == "cut short":
        ledger.write_bytes(ledger.read_bytes()[:8192 + 100])
    elif what == "read-only":
        ledger.chmod(0o444)
        ledger.parent.chmod(0o555)
    else:
        ledger.unlink()


def script(ledger: Path, sql: str) -> None:
    """Run SQL."""
    connection = sqlite3.connect(ledger)
    connection.executescript(sql)
    connection.close()


def start(config: Path, what: str) -> subprocess.CompletedProcess[str]:
    """`tollgate serve` until it ends, as it should: without root's way around permissions, or without room on its disk."""
    command = [TOLLGATE, "serve", "--config", str(config)]
    if what == "read-only" and os.geteuid() == 0:
        command = ["/usr/bin/setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *command]
    environment = {"TOLLGATE_EVM_KEY": KEY}

    def no_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    prepare: Callable[[], None] | None = no_room if what == "on a full disk" else None
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=START_TIMEOUT, check=False,
                          preexec_fn=prepare, restore_signals=prepare is None)
