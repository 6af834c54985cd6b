# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Kill the gateway again and again under paid load, and count the money afterwards.

    python crashes.py [--kills 20] [--replicas 3] [--seed TEXT] [--buyers 8] [--keep]

A chain that mines every few hundred milliseconds, a gateway with a ledger of its own, and buyers who present each credential until
it has come to a definite end.  With --replicas several gateways share one ledger in PostgreSQL, each presentation goes to any of
them, and one dies while the others go on.  A gateway is killed (SIGKILL) at moments that the seed chooses: at any time, while it
starts, and right after a buyer has asked, the upstream was called, a transaction came to the node, went through it, or an answer arrived.
Everything is judged from outside: by the chain, by what the buyers were told, by the upstream's calls, and by `tollgate ledger`.
"""
from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eth_account import Account

from buyers import DEFERRED, Buyer, Purchase, Shop
from checks import TRANSFER, expect
from credentials import Authorization, Terms
from market import NETWORK, PRICE, TOLLGATE
from node_proxy import NodeProxy
from processes import Failed, Processes, free_port, spawn
from servers import Postgres
from upstream import Upstream

from kit import Kit, start_devchain  # devnet/, which market.py puts on the path

BLOCK_TIME = 0.25
QUIET_TIMEOUT = 120         # another gateway takes up a settlement of a dead one when a minute has passed
REPEATS_AT_END = 200
UNDER_WAY = ("queued", "signed", "broadcast", "unknown")
# What a crash may leave of those that were in flight.
IN_FLIGHT, NOT_NOTED = "given away", "delivered, and not noted"
POLICIES = ("after", "before", "deferred")
SIGNERS = 2


class Moments:
    """The next moment at which the gateway dies, of one kind, after a delay."""

    KINDS = ("at any time", "while it starts", "asked", "called", "sending", "sent", "answered")

    def __init__(self, kill: Callable[[], None]):
        self._kill, self._lock = kill, threading.Lock()
        self._armed, self._delay = "", 0.0
        self.came = threading.Event()

    def arm(self, kind: str, delay: float) -> None:
        """The next moment of this kind is the last."""
        self.came.clear()
        with self._lock:
            self._armed, self._delay = kind, delay

    def reach(self, kind: str) -> Callable[[], None]:
        """What whoever sees such moments calls at each; the first that was waited for kills before it returns."""
        def reached() -> None:
            with self._lock:
                if self._armed != kind:
                    return
                self._armed, delay = "", self._delay
            time.sleep(delay)
            self._kill()
            self.came.set()
        return reached


class Gateway:
    """A gateway that dies and comes back, over the same ledger, at the same address."""

    def __init__(self, processes: Processes, number: int, node: str, upstream: str, store: str, keys: list[str], payee: str):
        self.processes, self.node, self.upstream, self.store, self.payee = processes, node, upstream, store, payee
        self.port, self.admin = free_port(), free_port()
        self.origin, self.config = f"http://127.0.0.1:{self.port}", processes.directory / f"tollgate-{number}.yaml"
        self.name, self.lives = f"gateway {number}", 0
        self.environment = {f"CRASH_KEY_{i}": key for i, key in enumerate(keys)}
        self.config.write_text(self._yaml())
        self._process: subprocess.Popen | None = None

    def _yaml(self) -> str:
        routes = "\n".join(f"  - {{match: /{p}, upstream: api, price: $0.01, settle: {p}, max_timeout: 120s}}" for p in POLICIES)
        return f"""listen: 127.0.0.1:{self.port}
public_url: http://127.0.0.1
admin: {{listen: 127.0.0.1:{self.admin}}}
store: {self.store}
workers: 2
settle_wait: 2s
deferred: {{exposure: {{per_payer: $1000, total: $1000}}, max_age: 2s, batch_size: 10}}
networks: {{"{NETWORK}": {{rpc: [{self.node}], confirmations: 1}}}}
pay_to: {{eip155: "{self.payee}"}}
facilitator: {{signers: {{eip155: [{', '.join(f'"env:{name}"' for name in self.environment)}]}}}}
upstreams: {{api: {self.upstream}}}
routes:
{routes}
"""

    def _command(self) -> list[str]:
        return [TOLLGATE, "serve", "--config", str(self.config)]

    @property
    def _life(self) -> str:
        return f"{self.name} life {self.lives}"

    def start(self) -> None:
        """A new life, until it is ready."""
        self.lives += 1
        self._process = self.processes.start(self._life, self._command(), f"http://127.0.0.1:{self.admin}/ready", self.environment)

    def start_and_kill(self, after: float) -> None:
        """A life that ends before it is ready, or little later."""
        self.lives += 1
        with self.processes.log(self._life).open("w") as log:
            self._process = spawn(self._command(), self.environment, stdout=log, stderr=subprocess.STDOUT)
        time.sleep(after)
        self.kill()

    def kill(self) -> None:
        """kill -9."""
        if self._process:
            expect(self._process.poll() is None, f"the gateway ended by itself\n{self.processes.tail(self._life)}")
            self._process.kill()
            self._process.wait()
            self._process = None

    def ledger(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`tollgate ledger …`."""
        command = [TOLLGATE, "ledger", *arguments, "--config", str(self.config)]
        return subprocess.run(command, env={**self.environment}, capture_output=True, text=True, timeout=120, check=False)

    def payments(self) -> dict[str, dict[str, Any]]:
        """Every payment of the ledger by its name."""
        listed = self.ledger("payments", "--format", "json")
        expect(listed.returncode == 0, f"tollgate ledger payments: {listed.stderr}")
        return {row["payment"]: row for row in json.loads(listed.stdout)}


class Run:
    """One run: everybody, the killings, and the count."""

    def __init__(self, directory: Path, seed: str, buyers: int, replicas: int):
        self.choice = random.Random(seed)
        self.processes = Processes(directory)
        with self.processes.log("devnet").open("w") as log:
            chain, rpc = start_devchain("--engine", "revm", "--block-time", str(BLOCK_TIME), log=log)
        self.processes.adopt("devnet", chain)
        self.kit, self.node, self.upstream = Kit(rpc), NodeProxy(rpc), Upstream()
        self.upstream.serve_in_background()
        self.token, self.payee = self.kit.names["usdc"], Account.create().address
        keys = [Account.create() for _ in range(SIGNERS)]
        for key in keys:
            self.kit.rpc("anvil_setBalance", key.address, hex(1000 * 10**18))
        self.signers = [key.address for key in keys]
        self.postgres = Postgres(self.processes) if replicas > 1 else None
        store = self.postgres.url if self.postgres else f"sqlite:{directory / 'tollgate.db'}"
        self.gateways = [Gateway(Processes(directory), number, self.node.url, self.upstream.url, store,
                                 [k.key.to_0x_hex() for k in keys], self.payee) for number in range(replicas)]
        self.gateway = self.victim = self.gateways[0]
        self.moments = Moments(lambda: self.victim.kill())
        self.upstream.when_called = self.moments.reach("called")
        self.node.before_send, self.node.after_send = self.moments.reach("sending"), self.moments.reach("sent")
        self.stop_buying = threading.Event()
        origins = [g.origin for g in self.gateways]
        shop = Shop(origins, NETWORK, self.token, [f"/{p}" for p in POLICIES], self._sign, ["payer", "payer2"],
                    self.moments.reach("asked"), self.moments.reach("answered"))
        self.buyers = [Buyer(shop, number, seed, self.stop_buying) for number in range(buyers)]
        self.kills: Counter[str] = Counter()

    def _sign(self, payer: str, terms: Terms) -> Authorization:
        message, signed = self.kit.authorize(payer, self.token, terms.v2["payTo"], int(terms.v2["amount"]),
                                             before=int(time.time()) + terms.window)
        return Authorization(message, bytes(signed.signature))

    @property
    def purchases(self) -> list[Purchase]:
        """All that was begun."""
        return [p for b in self.buyers for p in b.purchases]

    # The killings.

    def kill(self, count: int) -> None:
        """Kill a gateway so often, and let it live after the last."""
        for gateway in self.gateways:
            gateway.start()
        for buyer in self.buyers:
            buyer.start()
        kinds = list(itertools.islice(itertools.cycle(Moments.KINDS), count))
        self.choice.shuffle(kinds)
        for kind in kinds:
            self.victim = self.choice.choice(self.gateways)
            self._kill_once(kind)
            self.kills[kind] += 1
            self.victim.start()

    def _kill_once(self, kind: str) -> None:
        if kind == "while it starts":
            time.sleep(self.choice.uniform(0, 0.5))
            self.victim.kill()
            self.victim.start_and_kill(self.choice.uniform(0, 0.2))
            return
        time.sleep(self.choice.uniform(0.1, 1.0))
        if kind == "at any time":
            self.victim.kill()
            return
        self.moments.arm(kind, self.choice.choice((0, 0, self.choice.uniform(0, 0.05))))
        expect(self.moments.came.wait(QUIET_TIMEOUT), f"nobody saw the gateway at \"{kind}\"")

    def quiet(self) -> None:
        """Let everybody come to an end, and the ledger know it."""
        self.stop_buying.set()
        for buyer in self.buyers:
            buyer.join(QUIET_TIMEOUT * 2)
            expect(not buyer.is_alive(), f"{buyer.name} came to no end")
            expect(buyer.trouble is None, buyer.trouble or "")
        self.wait_for_settlements()
        paid = [(b, p) for b in self.buyers for p in b.purchases[-REPEATS_AT_END // len(self.buyers):]]
        for buyer, purchase in paid:
            if purchase.end == "paid" and purchase.dialect == "v2":
                buyer.ask_again(purchase)
        self.wait_for_settlements()     # what a crash had left claimed is queued when it is asked for again

    def wait_for_settlements(self) -> None:
        """Until nothing is on its way to the chain any more."""
        end = time.monotonic() + QUIET_TIMEOUT
        while under_way := {i: r["phase"] for i, r in self.gateway.payments().items() if r["phase"] in UNDER_WAY}:
            expect(time.monotonic() < end, f"still under way: {under_way}")
            time.sleep(0.5)

    def stop(self) -> None:
        """End everything."""
        self.stop_buying.set()
        for gateway in self.gateways:
            gateway.processes.stop()
        self.processes.stop()
        if self.postgres:
            self.postgres.remove()


class Count:
    """What the chain, the buyers, the upstream and the ledger say, held against each other."""

    def __init__(self, run: Run):
        self.run, self.purchases = run, run.purchases
        self.by_nonce = {p.authorization.nonce: p for p in self.purchases}
        self.by_payment = {p.payment: p for p in self.purchases}
        self.ledger = run.gateway.payments()
        self.used = self._authorizations_used()
        self.calls = [(path, n + 1, fields["Tollgate-Payment-Id"]) for path, calls in run.upstream.calls.items()
                      for n, fields in enumerate(calls)]

    def _logs(self, *topics: Any) -> list[dict[str, Any]]:
        return self.run.kit.rpc("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "address": self.run.token,
                                                "topics": list(topics)})

    def _authorizations_used(self) -> Counter[bytes]:
        from eth_utils import keccak
        topic = "0x" + keccak(text="AuthorizationUsed(address,bytes32)").hex()
        return Counter(bytes.fromhex(log["topics"][2][2:]) for log in self._logs(topic))

    def moved(self, purchase: Purchase) -> bool:
        """Whether its money moved."""
        return self.used[purchase.authorization.nonce] > 0

    # Each check answers what it counted, or fails.

    def every_purchase_ended(self) -> str:
        """No buyer is left in the dark."""
        ends = Counter(p.end for p in self.purchases)
        odd = [p for p in self.purchases if p.end not in ("paid", "unknown", "owed", "used", "gave up")]
        odd += [p for p in self.purchases if p.end == "used" and not p.may_be_used]
        expect(not odd, "\n".join(map(str, odd[:5])))
        return ", ".join(f"{n} {end}" for end, n in sorted(ends.items()))

    def paid_at_most_once(self) -> str:
        """One Transfer for an authorization, of the price, and none that nobody authorized."""
        transfers = self._logs(TRANSFER, None, "0x" + "00" * 12 + self.run.payee[2:].lower())
        expect(all(n == 1 for n in self.used.values()), f"used more than once: {self.used.most_common(3)}")
        expect(set(self.used) <= set(self.by_nonce), "an authorization that no buyer signed")
        expect(len(transfers) == len(self.used), f"{len(transfers)} transfers by {len(self.used)} authorizations")
        expect(all(int(t["data"], 16) == PRICE for t in transfers), "a transfer of another amount than the price")
        expect(self.run.kit.balance(self.run.token, self.run.payee) == PRICE * len(transfers), "the payee's balance is another")
        return f"{len(transfers)} transfers"

    def one_transaction_each(self) -> str:
        """No authorization is ever in two transactions that could both succeed, and no transaction fails."""
        sent = self.run.node.sent()
        numbers: dict[bytes, set[tuple[str, int]]] = {}
        for transaction in sent:
            for nonce in words(transaction.data) & set(self.by_nonce):
                numbers.setdefault(nonce, set()).add((transaction.sender, transaction.nonce))
        for nonce, taken in numbers.items():
            expect(len(taken) == 1, f"{self.by_nonce[nonce]} was sent under several numbers: {taken}")
        expect(set(self.used) <= set(numbers), "a transfer by a transaction that the gateway never sent")
        for address in self.run.signers:
            count = self.run.kit.w3.eth.get_transaction_count(address)
            mine = {t.nonce for t in sent if t.sender == address}
            expect(mine == set(range(count)), f"signer {address} has {count} transactions on chain, and sent {sorted(mine)[-5:]}")
        return f"{len(sent)} transactions"

    def one_body_each(self) -> str:
        """Who was told paid got a body made for this payment, and the same one again where answers are kept."""
        made = {(path, call): payment for path, call, payment in self.calls}
        paid = [p for p in self.purchases if p.bodies]
        for purchase in paid:
            bodies = set(purchase.bodies)
            expect(len(bodies) == 1 or not purchase.is_kept and purchase.method == "GET", f"{purchase} got {bodies}")
            for body in map(json.loads, bodies):
                expect(made.get((body["path"], body["call"])) == purchase.payment, f"{purchase} got {body}, made for another payment")
        return f"{len(paid)} bodies, {sum(len(p.bodies) for p in paid)} times"

    def nothing_lost(self) -> str:
        """Money that moved has bought a body, or is a debt, or will be one, for its buyer is away.  A body without money there is
        only under `deferred`: a crash came before the payment was queued."""
        found: Counter[str] = Counter()
        for purchase in self.purchases:
            state = self.ledger.get(purchase.payment, {}).get("state", "not in the ledger")
            fate = self._fate(purchase, state)
            expect(fate, f"{purchase}, the money {'moved' if self.moved(purchase) else 'did not move'}, and the ledger says: {state}")
            found[fate] += 1
        for fate in (IN_FLIGHT, NOT_NOTED):
            most = sum(self.run.kills.values()) * len(self.run.buyers)
            expect(found[fate] <= most, f"{found[fate]} {fate}, and at most {most} were in flight")
        return ", ".join(f"{count} {fate}" for fate, count in sorted(found.items()))

    def _fate(self, purchase: Purchase, state: str) -> str:
        """What became of a purchase in the end; empty when it may not be."""
        if self.moved(purchase):
            if purchase.bodies:
                return {"settled": "delivered", "undelivered": NOT_NOTED}.get(state, "")
            if state == "owed":
                return "owed"
            away = purchase.end == "gave up" or purchase.end == "used" and purchase.may_be_used
            return "to be owed" if state == "undelivered" and away else ""
        if purchase.bodies:
            return IN_FLIGHT if purchase.route == DEFERRED and state in ("claimed", "failed") else ""
        return "" if purchase.end == "owed" or state in ("settled", "undelivered", "owed") else "not charged"

    def called_within_the_rules(self) -> str:
        """POST once for a payment; again only GET; never without a claim in the ledger."""
        calls = Counter(payment for _, _, payment in self.calls)
        for payment, times in calls.items():
            expect(payment in self.ledger, f"the upstream was called for payment {payment}, which the ledger does not hold")
            purchase = self.by_payment[payment]
            expect(times == 1 or purchase.method == "GET", f"{purchase} made {times} calls")
        return f"{sum(calls.values())} calls for {len(calls)} payments"

    def ledger_and_chain_agree(self) -> str:
        """`tollgate ledger reconcile` exits 0, and every settlement in the ledger is one that moved."""
        reconciled = self.run.gateway.ledger("reconcile")
        expect(reconciled.returncode == 0, f"reconcile exits {reconciled.returncode}\n{reconciled.stdout}{reconciled.stderr}")
        expect("notice" not in reconciled.stdout, reconciled.stdout)
        settled = {i for i, row in self.ledger.items() if row["phase"] == "settled"}
        moved = {p.payment for p in self.purchases if self.moved(p)}
        expect(settled == moved, f"settled in the ledger and on chain differ: {list(settled ^ moved)[:5]}")
        return f"{len(settled)} settled"


def words(data: bytes) -> set[bytes]:
    """Every 32 bytes at which calldata may hold a word: of the call itself, and of a call inside of it."""
    return {data[i:i + 32] for start in (4, 8) for i in range(start, len(data) - 31, 32)}


CHECKS = (("every purchase has an end", Count.every_purchase_ended), ("paid at most once", Count.paid_at_most_once),
          ("one transaction each", Count.one_transaction_each), ("one body each, the same again", Count.one_body_each),
          ("nothing lost", Count.nothing_lost), ("upstream called within the rules", Count.called_within_the_rules),
          ("ledger and chain agree", Count.ledger_and_chain_agree))


def report(name: str, check: Callable[[], str]) -> bool:
    """One line, and why it failed; says whether it held."""
    started = time.monotonic()
    try:
        counted, failure = check(), ""
    except Failed as e:
        counted, failure = "", str(e)
    print(f"{name:34} {'✗' if failure else '✓'} {time.monotonic() - started:6.1f} s  {counted}".rstrip(), flush=True)
    if failure:
        print("\n".join("    " + line for line in failure.splitlines()), flush=True)
    return not failure


def perform(run: Run, kills: int) -> bool:
    """Kill, wait, count; says whether all held."""
    def killed() -> str:
        run.kill(kills)
        return f"{sum(run.kills.values())}: " + ", ".join(f"{n} {kind}" for kind, n in sorted(run.kills.items()))

    def quieted() -> str:
        run.quiet()
        return f"{len(run.purchases)} purchases, {sum(p.presentations for p in run.purchases)} presentations"

    if not (report("kill -9 under load", killed) and report("everybody comes to an end", quieted)):
        return False
    count = Count(run)
    return all([report(name, lambda check=check: check(count)) for name, check in CHECKS])


def main() -> None:
    """Entry point."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kills", type=int, default=20)
    p.add_argument("--buyers", type=int, default=8)
    p.add_argument("--replicas", type=int, default=1, help="gateways; several have one ledger in PostgreSQL")
    p.add_argument("--seed", default=secrets.token_hex(4), help="chooses moments, routes, methods; printed when a check fails")
    p.add_argument("--keep", action="store_true", help="keep configuration, ledger and logs even if all passed")
    a = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))      # so that children are stopped
    directory = Path(tempfile.mkdtemp(prefix="tollgate-crashes-"))
    run = Run(directory, a.seed, a.buyers, a.replicas)
    try:
        passed = perform(run, a.kills)
    finally:
        run.stop()
    if not passed:
        print(f"the seed was {a.seed}")
    if a.keep or not passed:
        print(f"configuration, ledger and logs: {directory}")
    else:
        shutil.rmtree(directory)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
