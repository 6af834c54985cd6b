# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Everyone who trades in the matrix: one chain, and clients, servers and facilitators of either make, started on demand."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_account import Account

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "devnet"))
from kit import GENESIS, Kit, start_devchain  # noqa: E402

from processes import Failed, Processes, free_port  # noqa: E402
from recorder import Recorder  # noqa: E402
from servers import Postgres, start_redis  # noqa: E402
from upstream import Upstream  # noqa: E402
from webhooks import Receiver  # noqa: E402

PEERS = ROOT / "Interop" / "peers"
PYTHON = str(ROOT / ".venv" / "bin" / "python")
PYTHON_V1 = str(ROOT / ".venv-v1" / "bin" / "python")
TOLLGATE = str(ROOT / ".build" / "release" / "tollgate")
LIBRARY = str(ROOT / ".build" / "release" / "ProtectAnAPI")
TOLL = str(ROOT / ".build" / "release" / "toll")
NETWORK = "eip155:84532"
OWN_SIGNER = 'signers: {eip155: ["env:TOLLGATE_EVM_KEY"]}'
PRICE = 10_000      # atomic units of a token with six decimals: $0.01


@dataclass
class Server:
    """A resource server behind its recorder."""

    name: str
    recorder: Recorder
    payee: str
    upstream: Upstream | None       # where the server is ours: what it stands in front of
    logs: list[str]
    config: Path | None = None
    pid: int = 0

    @property
    def ours(self) -> bool:
        """Whether the server is a Tollgate gateway."""
        return self.upstream is not None

    def check_by_buying(self, key: str) -> None:
        """Where the server is ours: `tollgate check --pay` finds nothing wrong with it."""
        command = [TOLLGATE, "check", "--pay", "--config", str(self.config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False,
                              env={"TOLL_EVM_KEY": key, "TOLLGATE_EVM_KEY": key})
        if done.returncode != 0 or "refused" not in done.stdout:
            raise Failed(f"tollgate check --pay exits {done.returncode}\n{done.stdout}{done.stderr}")

    def report(self, name: str) -> Any:
        """Where the server is ours: what a report of its ledger says, as JSON."""
        command = [TOLLGATE, "ledger", name, "--config", str(self.config), "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise Failed(f"tollgate ledger {name} exits {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def reconcile(self) -> None:
        """Where the server is ours: its ledger and the chain agree."""
        command = [TOLLGATE, "ledger", "reconcile", "--config", str(self.config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise Failed(f"tollgate ledger reconcile exits {done.returncode}\n{done.stdout}{done.stderr}")


@dataclass
class Outcome:
    """What a client ended with."""

    status: int
    body: str
    paid: dict[str, Any] | None = None


@dataclass
class Place:
    """Where one of our gateways listens, what stands around it, and what it shares with others of its kind."""

    recorder: Recorder
    payee: str
    upstream: Upstream
    public_url: str
    stores: str                 # the configuration's lines about the ledger and what is shared beside it
    environment: dict[str, str]
    webhooks: str = "[]"
    port: int = field(default_factory=free_port)
    admin: int = field(default_factory=free_port)


def gateway_yaml(place: Place, rpc: str, factories: list[str], facilitator: str, settle_wait: str = "30s") -> str:
    """The configuration of our gateway."""
    return f"""listen: 127.0.0.1:{place.port}
public_url: {place.public_url}
admin: {{listen: 127.0.0.1:{place.admin}}}
{place.stores}
workers: 1
settle_wait: {settle_wait}
networks:
  {NETWORK}:
    rpc: [{rpc}]
    confirmations: 1
    erc6492_factories: {json.dumps(factories)}
pay_to: {{eip155: "{place.payee}"}}
facilitator:
  {facilitator}
webhooks: {place.webhooks}
upstreams: {{api: {place.upstream.url}}}
routes:
  - {{match: GET /free, upstream: api, free: true}}
  - {{match: GET /exact, upstream: api, price: $0.01, description: exact over EIP-3009}}
  - {{match: POST /exact, upstream: api, price: $0.01}}
  - {{match: GET /other, upstream: api, price: $0.01}}
  - {{match: /before, upstream: api, price: $0.01, settle: before}}
  - {{match: GET /signed, upstream: api, price: $0.01, settle: before, sign_in: true}}
  - match: GET /cities/{{city}}
    upstream: api
    price: $0.01
    description: Weather by city
    input:
      path: {{city: {{type: string, description: Name of the city}}}}
      query: {{units: {{type: string, enum: [metric, imperial], example: metric}}}}
    output: {{schema: {{type: object, properties: {{celsius: {{type: number}}}}}}, example: {{celsius: 15.5}}}}
  - match: POST /search/**
    upstream: api
    price: $0.01
    input: {{body: {{type: object, required: [words], properties: {{words: {{type: string}}}}, example: {{words: rain}}}}}}
"""


def facilitator_yaml(serve: int, admin: int, rpc: str, store: Path, factories: list[str]) -> str:
    """The configuration of our facilitator."""
    return f"""admin: {{listen: 127.0.0.1:{admin}}}
store: sqlite:{store}
networks:
  {NETWORK}:
    rpc: [{rpc}]
    confirmations: 1
    erc6492_factories: {json.dumps(factories)}
facilitator:
  signers: {{eip155: ["env:TOLLGATE_EVM_KEY"]}}
  serve: 127.0.0.1:{serve}
"""


class Market:
    """One chain and everyone on it."""

    def __init__(self, directory: Path, say: Callable[[str], None], genesis: Path = GENESIS, engine: str = "pyevm"):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self.genesis, self.say = directory, genesis, say
        self.processes = Processes(directory)
        self._made: dict[str, Any] = {}
        self._postgres: Postgres | None = None
        with self.processes.log("devnet").open("w") as log:
            chain, self.rpc = start_devchain("--genesis", str(genesis), "--engine", engine, log=log)
        self.processes.adopt("devnet", chain)
        say(f"devnet {self.rpc}")
        self.kit = Kit(self.rpc, genesis)
        self.token = self.kit.names["usdc"]

    def stop(self) -> None:
        """End everything that was started."""
        self.processes.stop()
        if self._postgres:
            self._postgres.remove()

    def address(self, who: str) -> str:
        """The address of a genesis account or of a named contract."""
        return self.kit.accounts[who].address if who in self.kit.accounts else self.kit.names[who]

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        """Make a party when first asked for; one that failed to start fails everyone who asks, without another wait."""
        if name not in self._made:
            try:
                self._made[name] = make()
            except Failed as e:
                self._made[name] = e
        if isinstance(self._made[name], Failed):
            raise Failed(str(self._made[name]))
        return self._made[name]

    def _funded_key(self) -> str:
        """The key of a new account that can pay for gas."""
        account = Account.create()
        self.kit.rpc("anvil_setBalance", account.address, hex(1000 * 10**18))
        return account.key.to_0x_hex()

    # Facilitators.

    def facilitator(self, make: str) -> str:
        """The address of a facilitator over HTTP, "sdk" or "ours"."""
        return self._once(f"{make} facilitator", self._start_sdk_facilitator if make == "sdk" else self._start_our_facilitator)

    def _start_sdk_facilitator(self) -> str:
        url = f"http://127.0.0.1:{free_port()}"
        self.processes.start("sdk facilitator", [PYTHON, str(PEERS / "x402_facilitator.py"), "--port", url.rsplit(":", 1)[1],
                                                 "--genesis", str(self.genesis), "--rpc", self.rpc], url + "/supported")
        self.say(f"sdk facilitator {url}")
        return url

    def _start_our_facilitator(self) -> str:
        port, config = free_port(), self.directory / "facilitator.yaml"
        url = f"http://127.0.0.1:{port}"
        config.write_text(facilitator_yaml(port, free_port(), self.rpc, self.directory / "facilitator.db",
                                           [self.kit.names["wallet_factory"]]))
        self.processes.start("our facilitator", [TOLLGATE, "facilitator", "--config", str(config)], url + "/supported",
                             {"TOLLGATE_EVM_KEY": self._funded_key()})
        self.say(f"our facilitator {url}")
        return url

    @property
    def liar(self) -> Any:
        """A facilitator that lies; it runs in this process."""
        from liar import Liar
        return self._once("liar", lambda: Liar(self))

    # Servers.

    def sdk_server(self, facilitator: str, version: int = 2) -> Server:
        """The SDK's server of a protocol version over a facilitator of either make."""
        name = f"sdk server v{version} over {facilitator}"
        return self._once(name, lambda: self._start_sdk_server(name, facilitator, version))

    def _start_sdk_server(self, name: str, facilitator: str, version: int) -> Server:
        port, payee, recorder = free_port(), Account.create().address, Recorder()
        command = [PYTHON, str(PEERS / "x402_server.py"), "--genesis", str(self.genesis), "--rpc", self.rpc]
        if version == 1:
            command = [PYTHON_V1, str(PEERS / "v1_server.py")]
        command += ["--port", str(port), "--pay-to", payee, "--facilitator", self.facilitator(facilitator)]
        recorder.origin = f"http://127.0.0.1:{port}"
        self.processes.start(name, command, recorder.origin + "/free")
        self.say(f"{name} {recorder.origin} behind {recorder.url}")
        return Server(name, recorder, payee, None, [name, f"{'our' if facilitator == 'ours' else 'sdk'} facilitator"])

    def gateway(self, facilitator: str = "ours", factories: bool = True, settle_wait: str = "30s", limited: bool = False) -> Server:
        """Our gateway settling by itself ("ours"), or over HTTP by the SDK ("sdk"), by our own facilitator ("ours, HTTP"), or by one
        that lies ("liar")."""
        name = f"gateway over {facilitator.replace(',', '')}" + ("" if factories else " without factories")
        name += "" if settle_wait == "30s" else f" waiting {settle_wait}"
        name += " with little room" if limited else ""
        return self._once(name, lambda: self._start_gateway(name, facilitator, factories, settle_wait, limited))

    def _start_gateway(self, name: str, facilitator: str, factories: bool, settle_wait: str, limited: bool) -> Server:
        place, logs, settles = self.place(name), [name], OWN_SIGNER
        if facilitator != "ours":
            place.environment = {}
        if facilitator == "liar":
            settles = f"remote: [{{url: {self.liar.url}}}]"
        elif facilitator != "ours":
            make = facilitator.split(",")[0]
            settles = f"remote: [{{url: {self.facilitator(make)}}}]"
            logs.append(f"{'our' if make == 'ours' else 'sdk'} facilitator")
        configuration = gateway_yaml(place, self.rpc, [self.kit.names["wallet_factory"]] if factories else [], settles, settle_wait)
        # A file at its limit is told by an error, as a full disk is, and not by a signal that ends the process.
        return self._start_gateway_at(place, name, configuration, logs, ("/usr/bin/env", "--ignore-signal=XFSZ") if limited else ())

    def place(self, name: str) -> Place:
        """Where one more gateway may listen, with everything around it."""
        recorder, upstream = Recorder(), Upstream()
        upstream.serve_in_background()
        stores = f"store: sqlite:{self.directory / name.replace(' ', '-')}.db"
        return Place(recorder, Account.create().address, upstream, recorder.url, stores, {"TOLLGATE_EVM_KEY": self._funded_key()})

    def gateway_at(self, place: Place, name: str, configuration: str) -> Server:
        """A gateway whose configuration was written for a place."""
        return self._start_gateway_at(place, name, configuration, [name])

    def mock(self) -> Server:
        """Our gateway in test mode: without a chain, without keys."""
        return self._once("mock", self._start_mock)

    def _start_mock(self) -> Server:
        recorder, upstream = Recorder(), Upstream()
        upstream.serve_in_background()
        place = Place(recorder, Account.create().address, upstream, recorder.url, f"store: sqlite:{self.directory / 'mock.db'}", {})
        configuration = gateway_yaml(place, "http://127.0.0.1:9", [], OWN_SIGNER)
        return self._start_gateway_at(place, "mock", configuration, ["mock"], command="mock")

    def library(self) -> tuple[str, str]:
        """The example of the Swift library: its URL, and who is paid."""
        return self._once("library", self._start_library)

    def _start_library(self) -> tuple[str, str]:
        port, payee = free_port(), Account.create().address
        command = [LIBRARY, self.rpc, payee, str(self.directory / "library.db"), str(port)]
        url = f"http://127.0.0.1:{port}"
        self.processes.start("library", command, url + "/health", {"TOLLGATE_EVM_KEY": self._funded_key()})
        self.say(f"library {url}")
        return url, payee

    def _start_gateway_at(self, place: Place, name: str, configuration: str, logs: list[str],
                          through: tuple[str, ...] = (), command: str = "serve") -> Server:
        file = self.directory / f"{name.replace(' ', '-')}.yaml"
        file.write_text(configuration)
        place.recorder.origin = f"http://127.0.0.1:{place.port}"
        process = self.processes.start(name, [*through, TOLLGATE, command, "--config", str(file)], f"http://127.0.0.1:{place.admin}/ready",
                                       place.environment)
        self.say(f"{name} {place.recorder.origin} behind {place.recorder.url}, admin http://127.0.0.1:{place.admin}")
        return Server(name, place.recorder, place.payee, place.upstream, logs, file, process.pid)

    def replicas(self, count: int) -> list[Server]:
        """Several gateways over one ledger in PostgreSQL and one Redis, under one public address, with one account for gas."""
        return self._once(f"{count} replicas", lambda: self._start_replicas(count))

    def _start_replicas(self, count: int) -> list[Server]:
        self._postgres, self.receiver = Postgres(self.processes), Receiver()
        stores = f"store: {self._postgres.url}\nshared: {start_redis(self.processes)}"
        payee, upstream, environment = Account.create().address, Upstream(), {"TOLLGATE_EVM_KEY": self._funded_key()}
        environment["WEBHOOK_SECRET"], webhooks = self.receiver.secret, f"[{{url: {self.receiver.url}, secret: env:WEBHOOK_SECRET}}]"
        upstream.serve_in_background()
        recorders = [Recorder() for _ in range(count)]
        servers = []
        for number, recorder in enumerate(recorders):
            place, name = Place(recorder, payee, upstream, recorders[0].url, stores, environment, webhooks), f"replica {number + 1}"
            servers.append(self._start_gateway_at(place, name, gateway_yaml(place, self.rpc, [], OWN_SIGNER), [name]))
        return servers

    # Clients.

    def pay(self, client: str, url: str, wallet: str | None = None, sign_in: bool = False) -> Outcome:
        """Let a client ("sdk", "sdk v1", "ours") get a URL, paying as the account `payer` or as a wallet.  Ours signs in where it
        has credit; the SDK where it is told to."""
        if client == "ours":
            return self._pay_by_toll(url)
        python, script = (PYTHON_V1, "v1_client.py") if client == "sdk v1" else (PYTHON, "x402_client.py")
        command = [python, str(PEERS / script), url, "--genesis", str(self.genesis)]
        if client == "sdk":
            command += ["--rpc", self.rpc] + (["--wallet", wallet] if wallet else []) + (["--sign-in"] if sign_in else [])
        answer = json.loads(self.processes.run(f"{client} client", command))
        return Outcome(answer["status"], answer["body"])

    def _pay_by_toll(self, url: str) -> Outcome:
        home = self.directory / "toll"
        home.mkdir(exist_ok=True)
        environment = {"TOLL_EVM_KEY": self.kit.accounts["payer"].key.to_0x_hex(), "TOLL_HOME": str(home),
                       f"TOLL_RPC_{NETWORK.replace(':', '_')}": self.rpc, "HOME": os.environ.get("HOME", str(home))}
        command = [TOLL, "get", url, "--json", "--max", "0.05"]
        answer = json.loads(self.processes.run("our client", command, environment))
        body = answer["body"] if isinstance(answer["body"], str) else json.dumps(answer["body"])
        return Outcome(answer["status"], body, answer["paid"])
