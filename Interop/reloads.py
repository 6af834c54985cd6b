# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Have the gateway read its configuration again and again under load, then stop it, and see that no request is lost.

    python reloads.py [--reloads 100] [--buyers 4] [--visitors 4] [--keep]

Buyers ask for a price, sign it and pay; visitors call what is free and look at prices; all over connections that they keep.
Nobody asks twice: an answer that does not come, or is not the expected one, is a lost request.  Each reload changes the price (what was
offered before is honoured), and every tenth file is wrong (the previous one stays).  Then what an operator looks at and turns:
metrics, which `promtool` checks, the log, pause and resume.  At the end SIGTERM, in the middle of the load: whatever was paid is
delivered.
"""
from __future__ import annotations

import argparse
import http.client
import itertools
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eth_account import Account

from checks import expect
from credentials import Authorization, Fields, Terms
from market import NETWORK, TOLLGATE
from processes import Failed, Processes, free_port
from upstream import Upstream

from kit import Kit, start_devchain  # devnet/, which market.py puts on the path

BLOCK_TIME = 0.25
POLICIES = ("after", "before", "deferred")
PRICES = ("$0.01", "$0.02")
RELOAD_TIMEOUT = 20
END_TIMEOUT = 60
# What must have been counted after all this.
SAMPLES = (
    "tollgate_requests_total{route=\"/free\",status=\"200\"}", "tollgate_challenges_total{route=\"/after\"}",
    "tollgate_requests_total{route=\"/before\",status=\"200\"}", "tollgate_verifications_total{result=\"valid\",reason=\"\"}",
    "tollgate_settlements_total{result=\"settled\",reason=\"\"}",
    "tollgate_paid_requests_total{result=\"delivered\",reason=\"\"}",
    "tollgate_upstream_requests_total{upstream=\"api\",result=\"2xx\"}", "tollgate_ledger_commit_duration_seconds_count",
    "tollgate_request_duration_seconds_count{kind=\"paid\"}", "tollgate_exposure_limit_dollars", "tollgate_ready",
    "tollgate_facilitator_requests_total{endpoint=\"supported\",result=\"ok\",reason=\"\"}",
    "tollgate_facilitator_request_duration_seconds_count{endpoint=\"supported\"}",
    "tollgate_config_reloads_total{result=\"taken_up\"}", "tollgate_config_reloads_total{result=\"refused\"}",
)


class Gateway:
    """The process, its configuration, and what it says of it."""

    def __init__(self, directory: Path, rpc: str, upstream: str, key: str, payee: str):
        self.processes, self.rpc, self.upstream, self.payee = Processes(directory), rpc, upstream, payee
        self.port, self.admin_port, self.facilitator_port = free_port(), free_port(), free_port()
        self.config, self.store, self.environment = directory / "tollgate.yaml", directory / "tollgate.db", {"RELOAD_KEY": key}
        self.write(PRICES[0])
        self.process = self.processes.start("gateway", [TOLLGATE, "serve", "--config", str(self.config)],
                                            f"http://127.0.0.1:{self.admin_port}/ready", self.environment)

    def write(self, price: str, mistake: str = "") -> None:
        """Another file, there at once."""
        terms = "max_timeout: 120s"
        routes = "\n".join(f"  - {{match: /{p}, upstream: api, price: {price}, settle: {p}, {terms}}}" for p in POLICIES)
        new = self.config.with_suffix(".new")
        new.write_text(f"""listen: 127.0.0.1:{self.port}
public_url: http://127.0.0.1:{self.port}
admin: {{listen: 127.0.0.1:{self.admin_port}}}
store: sqlite:{self.store}
workers: 2
log: {{format: json, access: true}}
deferred: {{exposure: {{per_payer: $1000, total: $1000}}, max_age: 2s, batch_size: 10}}
networks: {{"{NETWORK}": {{rpc: [{self.rpc}], confirmations: 1}}}}
pay_to: {{eip155: "{self.payee}"}}
facilitator: {{signers: {{eip155: ["env:RELOAD_KEY"]}}, serve: 127.0.0.1:{self.facilitator_port}}}
upstreams: {{api: {self.upstream}}}
{mistake}
routes:
  - {{match: /free, upstream: api, free: true}}
  - {{match: /quiet, upstream: api, price: $1}}
{routes}
""")
        new.rename(self.config)

    def reload(self, expected: str) -> None:
        """SIGHUP, and wait for its end."""
        said = self._count(expected)
        self.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + RELOAD_TIMEOUT
        while self._count(expected) == said:
            expect(self.process.poll() is None, f"the gateway ended\n{self.processes.tail('gateway')}")
            expect(time.monotonic() < end, f"it never said: {expected}\n{self.processes.tail('gateway')}")
            time.sleep(0.01)

    def _count(self, message: str) -> int:
        return sum(line["message"].startswith(message) for line in self.lines())

    def lines(self) -> list[dict[str, Any]]:
        """The log, each line of which is an object."""
        whole, _, _ = self.processes.log("gateway").read_text(errors="replace").rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def admin(self, method: str, path: str, body: bytes | None = None, status: int = 200) -> bytes:
        """What the admin listener answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin_port}{path}", body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                found, content = answer.status, answer.read()
        except urllib.error.HTTPError as e:
            found, content = e.code, e.read()
        expect(found == status, f"{method} {path}: {found} instead of {status}: {content[:300]!r}")
        return content

    def ledger(self, *arguments: str) -> str:
        """`tollgate ledger …`."""
        command = [TOLLGATE, "ledger", *arguments, "--config", str(self.config)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=False)
        expect(done.returncode == 0, f"tollgate ledger {arguments[0]} exits {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout


class Client(threading.Thread):
    """Asks over one connection that it keeps, until it is told to stop."""

    def __init__(self, name: str, run: Run):
        super().__init__(daemon=True, name=name)
        self.work = run
        self.connection = http.client.HTTPConnection("127.0.0.1", run.gateway.port, timeout=30)
        self.answered: Counter[str] = Counter()
        self.lost: list[str] = []

    def run(self) -> None:
        """See the class."""
        for turn in itertools.count():
            if self.work.stop_asking.is_set():
                return
            try:
                self.turn(turn)
            except Exception as e:      # whatever it is, somebody has no answer
                # Once the gateway is asked to stop it closes connections between two requests.
                if not self.work.is_stopping.is_set():
                    self.lost.append(f"{self.name}: {type(e).__name__}: {e}")
                return

    def turn(self, turn: int) -> None:
        """One thing to do."""
        raise NotImplementedError

    def ask(self, method: str, path: str, status: int, fields: Fields | None = None) -> tuple[Any, bytes]:
        """The fields and the body of an answer, which has to have this status."""
        body = b'{"of": "a client"}' if method == "POST" else None
        self.connection.request(method, path, body, dict(fields or []))
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != status:
            raise Failed(f"{method} {path}: {answer.status} instead of {status}: {content[:300]!r}")
        self.answered[f"{status}"] += 1
        return answer.msg, content


class Visitor(Client):
    """Calls what is free, and looks at prices."""

    def turn(self, turn: int) -> None:
        """See the class."""
        method = ("GET", "POST")[turn % 2]
        self.ask(method, "/free", 200)
        self.ask(method, f"/{POLICIES[turn % len(POLICIES)]}", 402)


class Buyer(Client):
    """Pays what it was asked for."""

    def turn(self, turn: int) -> None:
        """See the class."""
        method, path = ("GET", "POST")[turn % 2], f"/{POLICIES[turn % len(POLICIES)]}"
        fields, body = self.ask(method, path, 402)
        terms = Terms.of(fields["payment-required"], json.loads(body))
        self.ask(method, path, 200, self.work.sign(terms).v2(terms))


class Run:
    """Everybody, and the count."""

    def __init__(self, directory: Path, buyers: int, visitors: int):
        self.processes = Processes(directory)
        with self.processes.log("devnet").open("w") as log:
            chain, rpc = start_devchain("--engine", "revm", "--block-time", str(BLOCK_TIME), log=log)
        self.processes.adopt("devnet", chain)
        self.kit, self.upstream = Kit(rpc), Upstream()
        self.upstream.serve_in_background()
        self.token, key = self.kit.names["usdc"], Account.create()
        self.kit.rpc("anvil_setBalance", key.address, hex(1000 * 10**18))
        self.gateway = Gateway(directory, rpc, self.upstream.url, key.key.to_0x_hex(), Account.create().address)
        self.stop_asking, self.is_stopping = threading.Event(), threading.Event()
        self.clients: list[Client] = [Visitor(f"visitor {n}", self) for n in range(visitors)]
        self.clients += [Buyer(f"buyer {n}", self) for n in range(buyers)]

    def sign(self, terms: Terms) -> Authorization:
        """What a buyer signs."""
        message, signed = self.kit.authorize("payer", self.token, terms.v2["payTo"], int(terms.v2["amount"]),
                                             before=int(time.time()) + terms.window)
        return Authorization(message, bytes(signed.signature))

    def reload(self, count: int) -> str:
        """So many times, under load."""
        for client in self.clients:
            client.start()
        for number in range(1, count + 1):
            is_wrong = number % 10 == 0
            self.gateway.write(PRICES[number % len(PRICES)], mistake="no_such_key: 1" if is_wrong else "")
            self.gateway.reload("not reloaded" if is_wrong else "reloaded")
            time.sleep(0.1)
        return f"{count} reloads, {count // 10} of them of a wrong file; " + self.answers()

    def look(self) -> str:
        """Metrics that Prometheus takes, and that say what happened; a log whose lines say which request they belong to."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.gateway.facilitator_port}/supported", timeout=10) as answer:
            expect(b"kinds" in answer.read(), "the facilitator does not say what it takes")
        text = self.gateway.admin("GET", "/metrics").decode()
        command = ["promtool", "check", "metrics"]
        checked = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
        expect(checked.returncode == 0, f"promtool check metrics: {checked.stdout}{checked.stderr}")
        samples = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                samples[name] = float(value)
        for name in SAMPLES:
            expect(samples.get(name, 0) > 0, f"{name} is {samples.get(name)}")
        up = [value for name, value in samples.items() if name.startswith("tollgate_upstream_up{")]
        expect(up == [1], f"upstreams that are up: {up}")
        lines = [line for line in self.gateway.lines() if line["message"] == "request"]
        named = {"request", "trace", "path", "status", "microseconds"}
        expect(all(named <= set(line) for line in lines), "a line without its request")
        paid = [line for line in lines if line["status"] == 200 and line["path"] != "/free"]
        expect(paid and all("payment" in line for line in paid), "a line of a paid request without its payment")
        return f"{len(samples)} samples, {len(lines)} lines of requests, {len(paid)} of them paid"

    def turn_off_and_on(self) -> str:
        """Pause a route that nobody here asks for, then everything; `/ready` and the status say so."""
        self.gateway.admin("POST", "/api/v1/pause", b'{"route": "/quiet"}')
        status = json.loads(self.gateway.admin("GET", "/api/v1/status"))
        paused = [route["match"] for route in status["routes"] if route["paused"]]
        expect(paused == ["/quiet"] and status["ready"], f"paused are {paused}")
        probe = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=30)
        probe.request("GET", "/quiet")
        answer = probe.getresponse()
        expect(answer.status == 503 and answer.getheader("Retry-After"), f"a paused route answers {answer.status}")
        probe.close()
        self.gateway.admin("POST", "/api/v1/pause", b'{"route": "/nowhere"}', status=404)
        self.gateway.admin("POST", "/api/v1/resume")
        expect(json.loads(self.gateway.admin("GET", "/ready"))["status"] == "ready", "it is not ready")
        self.answers()
        return "nobody else noticed"

    def answers(self) -> str:
        """What the clients got; fails when one got nothing."""
        lost = [line for client in self.clients for line in client.lost]
        expect(not lost, "\n".join(lost[:5]))
        answered = sum((client.answered for client in self.clients), Counter[str]())
        expect(min(answered["200"], answered["402"]) > 0, "nobody was served")
        return ", ".join(f"{n} answers {status}" for status, n in sorted(answered.items()))

    def terminate(self) -> str:
        """SIGTERM under load: what is under way is finished."""
        self.is_stopping.set()
        started = time.monotonic()
        self.gateway.process.terminate()
        status = self.gateway.process.wait(END_TIMEOUT)
        took = time.monotonic() - started
        self.stop_asking.set()
        for client in self.clients:
            client.join(END_TIMEOUT)
        expect(status == 0, f"it exits {status}\n{self.gateway.processes.tail('gateway')}")
        return f"{took:.1f} s; " + self.answers()

    def count(self) -> str:
        """Every payment is settled and delivered, and the chain agrees."""
        self.gateway.write(PRICES[0])
        payments = json.loads(self.gateway.ledger("payments", "--format", "json"))
        states = Counter(row["state"] for row in payments)
        expect(set(states) <= {"settled"}, f"the ledger holds {dict(states)}")
        self.gateway.ledger("reconcile")
        return f"{len(payments)} payments settled and delivered"

    def stop(self) -> None:
        """End everything."""
        self.is_stopping.set()
        self.stop_asking.set()
        self.gateway.processes.stop()
        self.processes.stop()


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


def main() -> None:
    """Entry point."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--reloads", type=int, default=100)
    p.add_argument("--buyers", type=int, default=4)
    p.add_argument("--visitors", type=int, default=4)
    p.add_argument("--keep", action="store_true", help="keep configuration, ledger and logs even if all passed")
    a = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))      # so that children are stopped
    directory = Path(tempfile.mkdtemp(prefix="tollgate-reloads-"))
    run = Run(directory, a.buyers, a.visitors)
    try:
        passed = (report("SIGHUP under load", lambda: run.reload(a.reloads)) and report("metrics and log", run.look)
                  and report("pause and resume", run.turn_off_and_on) and report("SIGTERM under load", run.terminate)
                  and report("nothing paid is lost", run.count))
    finally:
        run.stop()
    if a.keep or not passed:
        print(f"configuration, ledger and logs: {directory}")
    else:
        shutil.rmtree(directory)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
