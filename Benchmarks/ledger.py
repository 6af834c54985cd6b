# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Claims in a small ledger and in a large one: the large one is filled in bulk, row by row like a payment that went well."""
from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from subjects import ROOT, Processes

LEDGER_BENCH = str(ROOT / ".build" / "release" / "LedgerBench")
SMALL, LARGE = 10_000, 10_000_000
STEP = 50_000
CLAIMS = 2_000
CONCURRENCIES = (1, 32)
PAYERS = 100_000
RANDOM_WORD = "'0x' || lower(hex(randomblob(32)))"
# What differs between the payment that is copied and its copies.
COPIED = {
    "number": "first.number + n.i", "id": "randomblob(32)", "nonce": RANDOM_WORD, "transaction_hash": RANDOM_WORD,
    "payer": f"printf('0x%040x', (n.i * 2654435761) % {PAYERS})", "signer_nonce": "n.i",
    "block": "first.block + n.i", "claimed_at": "first.claimed_at + n.i / 10", "ended_at": "first.ended_at + n.i / 10",
}


def settle_one(path: Path) -> None:
    """A ledger with one settled payment."""
    subprocess.run([LEDGER_BENCH, "settle", str(path)], check=True)


def fill(path: Path, count: int) -> None:
    """Copy the first payment and its events until there are so many; says how far it is."""
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -2097152; PRAGMA temp_store = MEMORY;")
    payment = [row[1] for row in db.execute("PRAGMA table_info(payments)")]
    event = [row[1] for row in db.execute("PRAGMA table_info(events)")]
    events = db.execute("SELECT count(*) FROM events WHERE payment = 1").fetchone()[0]
    began, done = time.monotonic(), db.execute("SELECT max(number) FROM payments").fetchone()[0]
    while done < count:
        step = min(STEP, count - done)
        numbers = f"WITH RECURSIVE n(i) AS (SELECT {done} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {done + step}) "
        db.execute("BEGIN IMMEDIATE")
        db.execute(f"{numbers} INSERT INTO payments ({', '.join(payment)}) "
                   f"SELECT {', '.join(COPIED.get(c, f'first.{c}') for c in payment)} FROM n, payments AS first WHERE first.number = 1")
        copied = {"number": f"first.number + n.i * {events}", "payment": "first.payment + n.i", "time": "first.time + n.i / 10"}
        db.execute(f"{numbers} INSERT INTO events ({', '.join(event)}) "
                   f"SELECT {', '.join(copied.get(c, f'first.{c}') for c in event)} FROM n, events AS first WHERE first.payment = 1")
        db.execute("COMMIT")
        done += step
        left = (time.monotonic() - began) / max(done, 1) * (count - done)
        print(f"\r  {done:,} of {count:,} payments, {path.stat().st_size / 1e9:.1f} GB, {left / 60:.1f} minutes left ", end="",
              file=sys.stderr, flush=True)
    print(file=sys.stderr)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def claim(path: Path, at_once: int) -> dict[str, float]:
    """Percentiles of claims in microseconds."""
    command = [LEDGER_BENCH, "claim", str(path), str(CLAIMS), str(at_once)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    durations = sorted(map(float, output.split()))
    return {"p50_us": durations[len(durations) // 2], "p99_us": durations[len(durations) * 99 // 100]}


def measure_claims(a: argparse.Namespace, processes: Processes) -> dict[str, Any]:
    """Claims one after the other and several at once, by the number of payments; rounds alternate, the best of each counts."""
    ledgers = {}
    for count in (SMALL, *((LARGE,) if a.large else ())):
        ledgers[count] = processes.directory / f"{count}.db"
        settle_one(ledgers[count])
        fill(ledgers[count], count)
    rounds = [{(count, n): claim(path, n) for count, path in ledgers.items() for n in CONCURRENCIES} for _ in range(a.rounds)]
    return {str(count): {str(n): {p: min(r[count, n][p] for r in rounds) for p in ("p50_us", "p99_us")} for n in CONCURRENCIES}
            for count in ledgers}


def print_claims(figures: dict[str, Any]) -> None:
    """The table."""
    print("\nclaim in the ledger, durable        at once     p50 µs     p99 µs")
    for count, by_concurrency in figures.items():
        for at_once, f in by_concurrency.items():
            print(f"  {int(count):12,} payments {at_once:>18} {f['p50_us']:10,.0f} {f['p99_us']:10,.0f}")
    if len(figures) == 2:
        small, large = figures.values()
        ratios = ", ".join(f"{n} at once {large[n]['p50_us'] / small[n]['p50_us']:.2f} x" for n in small)
        print(f"  large / small, p50: {ratios}")
