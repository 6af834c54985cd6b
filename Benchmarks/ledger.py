# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Claims in a small ledger and in a large one: both are filled in bulk with copies of a payment that went well."""
from __future__ import annotations

import argparse
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from subjects import ROOT, Processes

LEDGER_BENCH = str(ROOT / ".build" / "release" / "LedgerBench")
SMALL, LARGE = 10_000, 10_000_000
STEP = 100_000
CLAIMS = 2_000
CONCURRENCIES = (1, 32)
PAYERS = 100_000
# What differs between the payment that is copied and its copies.  Everything that an index holds grows, so that every tree is
# written from one end to the other and no page twice; the names of the payments are spread evenly over all that there can be, as
# those of new claims are, which then fall anywhere between them.
COPIED = {
    "number": "first.number + n.i", "id": "name_of(n.i)", "nonce": "printf('0x%064x', n.i)",
    "transaction_hash": "printf('0x%064x', n.i)", "payer": "printf('0x%040x', n.i / :per_payer)", "signer_nonce": "n.i",
    "block": "first.block + n.i", "claimed_at": "first.claimed_at + n.i / 10", "ended_at": "first.ended_at + n.i / 10",
}
# For a file that is thrown away when anything fails, and that nobody else has open.
QUICK = """PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
PRAGMA cache_size = -262144; PRAGMA ignore_check_constraints = ON;"""


def settle_one(path: Path) -> None:
    """A ledger with one settled payment."""
    subprocess.run([LEDGER_BENCH, "settle", str(path)], check=True)


def fill(path: Path, count: int) -> None:
    """Copy the first payment and its events until there are so many; says how far it is."""
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(QUICK)
    db.create_function("name_of", 1, lambda i: (i * 2**256 // count).to_bytes(32, "big"), deterministic=True)
    payments, events = ([row[1] for row in db.execute(f"PRAGMA table_info({table})")] for table in ("payments", "events"))
    each = db.execute("SELECT count(*) FROM events WHERE payment = 1").fetchone()[0]
    copied = {"number": f"first.number + n.i * {each}", "payment": "first.payment + n.i", "time": "first.time + n.i / 10"}
    values = {"per_payer": max(1, count // PAYERS)}
    began, done = time.monotonic(), 1
    while done < count:
        step = min(STEP, count - done)
        numbers = f"WITH RECURSIVE n(i) AS (SELECT {done} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {done + step}) "
        db.execute("BEGIN")
        db.execute(f"{numbers} {copy_of('payments', payments, COPIED)} WHERE first.number = 1", values)
        db.execute(f"{numbers} {copy_of('events', events, copied)} WHERE first.payment = 1")
        db.execute("COMMIT")
        done += step
        left = (time.monotonic() - began) / done * (count - done)
        print(f"\r  {done:,} of {count:,} payments, {path.stat().st_size / 1e9:.1f} GB, {left / 60:.1f} minutes left ", end="",
              file=sys.stderr, flush=True)
    db.execute("PRAGMA journal_mode = WAL")
    db.close()
    with path.open("rb+") as file:
        os.fsync(file)      # what is measured next is not to wait for this
    print(f"\r  {count:,} payments, {path.stat().st_size / 1e9:.1f} GB, loaded in {time.monotonic() - began:.0f} s" + 10 * " ",
          file=sys.stderr)


def copy_of(table: str, columns: list[str], copied: dict[str, str]) -> str:
    """A statement, but for its condition, that inserts a row for each number in `n`."""
    values = ", ".join(copied.get(c, f"first.{c}") for c in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM n CROSS JOIN {table} AS first"


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
