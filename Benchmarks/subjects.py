# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""What is measured: our gateway, nginx, the SDK's server, the chain; each started for one measurement."""
from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account

from load import content_length, exchange_once

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "Interop"), str(ROOT / "devnet")]
from kit import GENESIS, Kit, start_devchain  # noqa: E402
from processes import Processes, free_port  # noqa: E402

PYTHON = str(ROOT / ".venv" / "bin" / "python")
TOLLGATE = str(ROOT / ".build" / "release" / "tollgate")
SIGNERS = 8
BATCH = 1000                    # payments in a batch, the most that the configuration allows
NGINX_TOKEN_LIMIT = 4000        # nginx refuses longer words in its configuration
FIELDS_OF_NGINX = ("server", "date", "content-type", "content-length", "connection")


@dataclass
class Subject:
    """A server that is up."""

    port: int
    pid: int


@dataclass
class Chain:
    """A chain that is up."""

    url: str
    port: int
    pid: int
    kit: Kit


def start_chain(processes: Processes) -> Chain:
    """A chain over revm, the engine for load."""
    process, url = start_devchain("--engine", "revm")
    processes.adopt("devnet", process)
    return Chain(url, int(url.rsplit(":", 1)[1]), process.pid, Kit(url))


def start_gateway(processes: Processes, chain: Chain, upstream: Subject, core: int | None = None, settle: str = "after",
                  serve: int | None = None, connections: int = 10_000,
                  under: Callable[[list[str]], list[str]] | None = None) -> Subject:
    """Our gateway with one loop, settling by itself with several signers.  What is deferred waits until a thousand do, or longer
    than any run lasts.  With a port to serve it is a facilitator, too; with `under`, it is started by another program."""
    port, admin = free_port(), free_port()
    keys = {f"BENCH_KEY_{i}": funded_key(chain) for i in range(SIGNERS)}
    config = processes.directory / "tollgate.yaml"
    config.write_text(f"""listen: 127.0.0.1:{port}
public_url: http://127.0.0.1:{port}
admin: {{listen: 127.0.0.1:{admin}}}
store: sqlite:{processes.directory / 'tollgate.db'}
workers: 1
networks:
  eip155:84532: {{rpc: [{chain.url}], confirmations: 1}}
pay_to: {{eip155: "{Account.create().address}"}}
deferred: {{exposure: {{per_payer: $100000, total: $100000}}, max_age: 3000s, batch_size: {BATCH}}}
limits: {{connections: {connections}, requests_per_connection: 1000000000, connection_time: 1d}}
facilitator:
  signers: {{eip155: [{', '.join(f'"env:{name}"' for name in keys)}]}}
{f'  serve: 127.0.0.1:{serve}' if serve else ''}
upstreams: {{api: http://127.0.0.1:{upstream.port}}}
routes:
  - {{match: GET /free, upstream: api, free: true}}
  - {{match: GET /exact, upstream: api, price: $0.01, description: exact over EIP-3009, settle: {settle}, max_timeout: 3600s}}
""")
    command = pinned(core) + [TOLLGATE, "serve", "--config", str(config)]
    process = processes.start("gateway", under(command) if under else command, f"http://127.0.0.1:{admin}/ready", keys)
    return Subject(port, process.pid)


def start_sdk_server(processes: Processes, chain: Chain) -> Subject:
    """The SDK's FastAPI middleware, its facilitator in the same process."""
    port = free_port()
    command = [PYTHON, str(ROOT / "Interop" / "peers" / "x402_server.py"), "--port", str(port), "--genesis", str(GENESIS),
               "--rpc", chain.url, "--in-process", "--pay-to", Account.create().address]
    return Subject(port, processes.start("sdk server", command, f"http://127.0.0.1:{port}/free").pid)


def start_upstream(processes: Processes, core: int | None = None) -> Subject:
    """nginx as the upstream that costs next to nothing."""
    port = free_port()
    location = """location / { default_type application/json; return 200 '{"path": "/exact"}'; }"""
    return Subject(port, start_nginx(processes, "upstream", port, location, core))


def start_nginx_proxy(processes: Processes, upstream: Subject, answer: bytes, core: int) -> Subject:
    """nginx in front of an upstream, over connections that are kept; it tells the upstream of the way what ours does, and scripts of
    other origins what our answer does."""
    port = free_port()
    given = [line.split(b": ", 1) for line in answer.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]]
    added = " ".join(f"add_header {name.decode()} {quote(value.decode())} always;" for name, value in given
                     if name.lower().startswith(b"access-control-"))
    told = {"Connection": "", "Host": "$proxy_host", "Via": "1.1 nginx", "X-Forwarded-For": "$proxy_add_x_forwarded_for",
            "X-Forwarded-Proto": "$scheme", "X-Forwarded-Host": "$http_host",
            "Forwarded": 'for=$remote_addr;host="$http_host";proto=$scheme'}
    fields = " ".join(f"proxy_set_header {name} '{value}';" for name, value in told.items())
    location = f"location / {{ proxy_pass http://api; proxy_http_version 1.1; {fields} {added} }}"
    before = f"upstream api {{ server 127.0.0.1:{upstream.port}; keepalive 128; keepalive_requests 1000000000; }}"
    return Subject(port, start_nginx(processes, "proxy", port, location, core, before=before))


def start_nginx_402(processes: Processes, captured: bytes, core: int | None = None, connections: int = 1024) -> Subject:
    """nginx answering 402 with the fields and the body of a captured answer."""
    head, _, body = captured.partition(b"\r\n\r\n")
    assert len(body) == content_length(head)
    fields = [line.split(b": ", 1) for line in head.split(b"\r\n")[1:]]
    given = {name.lower().decode(): quote(value.decode()) for name, value in fields}
    lines = [f"default_type {given['content-type']};"]
    lines += [f"add_header {name.decode()} {quote(value.decode())} always;" for name, value in fields
              if name.lower().decode() not in FIELDS_OF_NGINX]
    port = free_port()
    location = f"location /ready {{ return 200; }} location / {{ {' '.join(lines)} return 402 {quote(body.decode())}; }}"
    return Subject(port, start_nginx(processes, "nginx", port, location, core, connections=connections))


def start_nginx(processes: Processes, name: str, port: int, locations: str, core: int | None = None, connections: int = 1024,
                before: str = "") -> int:
    """One nginx process with a configuration of its own; its id."""
    d = processes.directory / name
    d.mkdir()
    paths = " ".join(f"{kind}_temp_path {d}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (d / "conf").write_text(f"""daemon off; master_process off; pid {d}/pid; error_log {d}/error;
worker_rlimit_nofile {connections + 64}; events {{ worker_connections {connections}; }}
http {{ access_log off; server_tokens off; {paths} keepalive_requests 1000000000; {before}
  server {{ listen 127.0.0.1:{port}; location = / {{ return 200; }} {locations} }} }}
""")
    command = pinned(core) + ["/usr/sbin/nginx", "-c", str(d / "conf"), "-p", str(d), "-e", str(d / "error")]
    return processes.start(name, command, f"http://127.0.0.1:{port}/").pid


def quote(text: str) -> str:
    """A word of nginx's configuration.  A dollar sign would be a variable, which costs time: another character stands for it."""
    if len(text) > NGINX_TOKEN_LIMIT:
        raise SystemExit(f"the captured answer has a part of {len(text)} bytes, too long for nginx's configuration")
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("$", "S")
    return f"'{escaped}'"


def pinned(core: int | None) -> list[str]:
    """The prefix that keeps a command on one core."""
    return [] if core is None else ["/usr/bin/taskset", "-c", str(core)]


def funded_key(chain: Chain) -> str:
    """The key of a new account that can pay for gas."""
    account = Account.create()
    chain.kit.rpc("anvil_setBalance", account.address, hex(10**24))
    return account.key.to_0x_hex()


def request(port: int, *fields: str, path: str = "/exact") -> bytes:
    """A GET, of the priced route unless said otherwise."""
    return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *fields, "", ""]).encode()


def capture_402(subject: Subject) -> bytes:
    """The raw answer to an unpaid request."""
    captured = exchange_once(subject.port, request(subject.port))
    if not captured.startswith(b"HTTP/1.1 402 "):
        raise SystemExit(f"an unpaid request was answered {captured[:200]!r}")
    return captured


def payment_header(chain: Chain, subject: Subject) -> Callable[[], str]:
    """A function that has the SDK sign a fresh payment for the priced route at each call."""
    from sdk import payment_signer
    head = capture_402(subject).partition(b"\r\n\r\n")[0].decode()
    required = next(line.split(": ", 1)[1] for line in head.split("\r\n") if line.lower().startswith("payment-required: "))
    return payment_signer(chain.kit.accounts["payer"], required)


def signed_payments(chain: Chain, subject: Subject, count: int) -> list[bytes]:
    """Requests that each carry a payment of their own, signed beforehand by the SDK."""
    sign = payment_header(chain, subject)
    return [request(subject.port, f"PAYMENT-SIGNATURE: {sign()}") for _ in range(count)]


def raw_transfers(chain: Chain, senders: int, each: int) -> list[list[bytes]]:
    """For each of some senders, eth_sendRawTransaction requests of transferWithAuthorization in the order of their nonces."""
    from kit import transfer_vrs
    token, payee = chain.kit.names["usdc"], Account.create().address
    out = []
    for _ in range(senders):
        sender: Any = Account.from_key(funded_key(chain))
        mine = []
        for nonce in range(each):
            call = transfer_vrs(*chain.kit.authorize("payer", token, payee, 1))
            tx = {"chainId": chain.kit.chain_id, "nonce": nonce, "to": token, "data": call, "value": 0, "gas": 120_000,
                  "maxFeePerGas": 2 * 10**9, "maxPriorityFeePerGas": 10**6, "type": 2}
            mine.append(rpc_request(chain.port, sender.sign_transaction(tx).raw_transaction.to_0x_hex()))
        out.append(mine)
    return out


def rpc_request(port: int, raw_transaction: str) -> bytes:
    """A POST of one raw transaction."""
    body = f'{{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["{raw_transaction}"]}}'
    return (f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()
