# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""The recipes of docs/recipes/ as they stand there, with other addresses: each proxy is started with its file and paid through,
and nobody gets around it."""
from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from checks import PATH, expect, expect_answer_kept, expect_replay_refused, purchase
from market import ROOT, Market, Place, Server
from processes import free_port
from recorder import send

PAGES = ROOT / "docs" / "recipes"
BLOCK = re.compile(r"^```\w+\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FREE, LIMITED = "/free", "/limited"
SPOOF = "spoofed"
# What proxies and gateways tell each other, written by a client.
SPOOFED = [("X-Original-URI", FREE), ("X-Original-Method", "OPTIONS"), ("X-Original-Host", "other.example"),
           ("X-Forwarded-Uri", FREE), ("X-Forwarded-Method", "OPTIONS"), ("X-Rewrite-URL", FREE), ("X-Original-URL", FREE),
           ("Tollgate-Admit", "paid"), ("Tollgate_Admit", "paid"), ("Tollgate-Challenge", "0" * 32),
           ("Tollgate-Payer", SPOOF), ("Tollgate_Payer", SPOOF), ("Tollgate-Payment-Id", SPOOF), ("Payment-Response", SPOOF)]
# Ways to write a path that is not free so that somebody might take it for one that is.
DISGUISES = ["/free/../exact", "/free/%2e%2e/exact", "/free/..%2fexact", "//exact", "/%65xact", "/EXACT", "/free/..;/exact",
             "/free/..\\exact", "/exact%3f", "/exact/", "/free%2f..%2fexact", "/_tollgate", "/challenge", "/auth"]


@dataclass
class Recipe:
    """A page with a proxy's file and Tollgate's."""

    page: str
    proxy: str
    asks: bool      # whether the proxy calls the API itself, and asks Tollgate about each request

    def blocks(self) -> dict[str, str]:
        """The files on the page, by the last part of their names."""
        text = (PAGES / self.page).read_text()
        return {Path(name).name: block for name, block in BLOCK.findall(text)}


RECIPES = [Recipe("nginx.md", "nginx", False), Recipe("nginx-auth.md", "nginx", True),
           Recipe("caddy.md", "caddy", False), Recipe("caddy-auth.md", "caddy", True),
           Recipe("apache.md", "apache", False), Recipe("haproxy.md", "haproxy", False)]


def follow(market: Market, recipe: Recipe) -> Server:
    """Set up what a page says."""
    place = market.place(recipe.page)
    blocks = recipe.blocks()
    server = market.gateway_at(place, recipe.page, tollgate_file(market, place, blocks.pop("tollgate.yaml")))
    port = free_port()
    name, text = next(iter(blocks.items()))
    text = replaced(text, {"127.0.0.1:4020": f"127.0.0.1:{place.port}", "127.0.0.1:4023": f"127.0.0.1:{place.port}",
                           "127.0.0.1:9000": place.upstream.url.removeprefix("http://")})
    directory = market.directory / f"{recipe.page}.d"
    directory.mkdir()
    command = STARTERS[recipe.proxy](directory, directory / name, text, port)
    environment = {"XDG_DATA_HOME": str(directory), "XDG_CONFIG_HOME": str(directory)}     # Caddy's
    market.processes.start(f"{recipe.page} {recipe.proxy}", command, f"http://127.0.0.1:{port}{FREE}", environment)
    server.recorder.origin = f"http://127.0.0.1:{port}"
    server.logs.append(f"{recipe.page} {recipe.proxy}")
    return server


def replaced(text: str, values: dict[str, str]) -> str:
    """A text with other values in it."""
    for old, new in values.items():
        text = text.replace(old, new)
    return text


def tollgate_file(market: Market, place: Place, text: str) -> str:
    """Tollgate's configuration, for this chain and these addresses."""
    text = replaced(text, {
        "127.0.0.1:4020": f"127.0.0.1:{place.port}", "127.0.0.1:4023": f"127.0.0.1:{place.port}",
        "http://127.0.0.1:9000": place.upstream.url, "https://api.example.com": place.public_url,
        "https://sepolia.base.org": market.rpc, "0x209693Bc6afc0C5328bA36FaF03C514EF312287C": place.payee,
        "/health": FREE, "/weather/*": "/*", "$0.001": "$0.01"})
    text = re.sub(r"( +- \{match: GET) /\*(.*)\}\n", rf"\1 {LIMITED}\2, rate_limits: {{unpaid: 2/h}}}}\n\g<0>", text)
    stores = [line for line in text.splitlines() if line.startswith("store:")]
    expect(len(stores) == 1, f"the file has {len(stores)} stores")
    return text.replace(stores[0], f"{place.stores}\nadmin: {{listen: 127.0.0.1:{place.admin}}}")


# How each proxy is started with its file; each answers the command.

def start_nginx(directory: Path, file: Path, text: str, port: int) -> list[str]:
    """In a main file like Debian's."""
    file.write_text(text.replace("listen 80;", f"listen 127.0.0.1:{port};"))
    temporary = "".join(f"{n}_temp_path {directory}/{n};" for n in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    main = directory / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    main.write_text(f"{user}daemon off; pid {directory}/pid; error_log stderr; events {{}}\n"
                    f"http {{ access_log off; {temporary} include {file}; }}\n")
    return [found("nginx"), "-p", str(directory), "-c", str(main)]


def start_caddy(_directory: Path, file: Path, text: str, port: int) -> list[str]:
    """Without certificates, which nobody would issue here."""
    file.write_text("{\n\tadmin off\n}\n" + text.replace("api.example.com {", f"http://:{port} {{\n\tbind 127.0.0.1"))
    return [found("caddy"), "run", "--config", str(file), "--adapter", "caddyfile"]


def start_apache(directory: Path, file: Path, text: str, port: int) -> list[str]:
    """With the modules that the page names."""
    file.write_text(text.replace("*:80", f"*:{port}"))
    names = re.findall(r"^# a2enmod (.*)$", text, re.MULTILINE)[0].split()
    names = ["mpm_event", "authz_core", *names]
    modules = "".join(f"LoadModule {n}_module /usr/lib/apache2/modules/mod_{n}.so\n" for n in names)
    user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
    main = directory / "apache2.conf"
    main.write_text(f"ServerRoot {directory}\nServerName 127.0.0.1\nPidFile {directory}/pid\nErrorLog /dev/stderr\n"
                    f"{modules}{user}Listen 127.0.0.1:{port}\nInclude {file}\n")
    return [found("apache2"), "-D", "FOREGROUND", "-f", str(main)]


def start_haproxy(_directory: Path, file: Path, text: str, port: int) -> list[str]:
    """In the foreground."""
    file.write_text(text.replace("bind :80 ", f"bind 127.0.0.1:{port} "))
    return [found("haproxy"), "-db", "-f", str(file)]


STARTERS: dict[str, Callable[[Path, Path, str, int], list[str]]] = {
    "nginx": start_nginx, "caddy": start_caddy, "apache": start_apache, "haproxy": start_haproxy}


def found(program: str) -> str:
    """Where a program is, also when only root has its directory on the path."""
    path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    expect(path, f"{program} is not installed")
    return path or ""


# What must hold.

def expect_recipe(market: Market, recipe: Recipe) -> Server:
    """What is free passes, what is not is asked for and can be paid, and nobody gets around that."""
    server = follow(market, recipe)
    expect_free(server)
    expect_unpaid(server)
    expect_limited(server)
    expect_no_way_around(server)
    paid = purchase(market, "sdk", server)
    expect("private" in (paid.response.get("Cache-Control") or ""), "a shared cache may keep what was paid for")
    if recipe.asks:
        expect_replay_refused(market, server, paid)
    else:
        expect_answer_kept(market, server, paid)
    purchase(market, "ours", server)
    expect_no_way_around(server)
    server.reconcile()
    return server


def expect_free(server: Server) -> None:
    """A free route passes, and nothing that a client says about payments does."""
    assert server.upstream
    answer = server.recorder.get(FREE, [*SPOOFED, ("Idempotency-Key", "mine"), ("PAYMENT-SIGNATURE", "for nobody behind")])
    expect(answer.status == 200, f"a free route is answered {answer.status} {answer.body[:200]!r}")
    expect(not answer.receipt(), f"a free answer has a receipt: {answer.receipt()}")
    seen = server.upstream.calls[FREE][-1]
    told = [(n, v) for n, v in seen.items() if n.lower().replace("_", "-").startswith("tollgate-")]
    told = [one for one in told if one != ("Tollgate-Admit", "free")]
    expect(not told, f"the upstream was told {told}")
    expect(seen.get("Idempotency-Key") == "mine", "the client's own idempotency key is lost on a free route")
    expect("payment-signature" not in seen, "the upstream saw a credential")


def expect_unpaid(server: Server) -> None:
    """Every method of what has a price is asked for, and not called."""
    assert server.upstream
    calls = server.upstream.counts()
    answer = server.recorder.get(PATH, [("Accept", "application/json")])
    expect(answer.status == 402 and answer.required(), f"an unpaid request is answered {answer.status} {answer.response.items()}")
    expect((answer.json() or {}).get("code") == "payment_required", f"the 402 says {answer.body[:200]!r}")
    for method, body in (("HEAD", None), ("POST", b"x" * 100_000)):
        connection = http.client.HTTPConnection(server.recorder.origin.removeprefix("http://"), timeout=20)
        connection.request(method, PATH, body)
        unpaid = connection.getresponse()
        expect(unpaid.status == 402 and unpaid.getheader("PAYMENT-REQUIRED"), f"an unpaid {method} is answered {unpaid.status}")
        connection.close()
    unknown = server.recorder.get(PATH, [("PAYMENT-SIGNATURE", "?")])
    expect(unknown.status == 400, f"a malformed payment is answered {unknown.status}")
    expect(server.upstream.counts() == calls, "an unpaid request reached the upstream")


def expect_limited(server: Server) -> None:
    """A client has the address that it comes from, whatever it says."""
    statuses = []
    for number in range(3):
        address = f"198.51.100.{number}"
        said = [("X-Forwarded-For", address), ("X-Real-IP", address), ("Forwarded", f"for={address}")]
        answer = server.recorder.get(LIMITED, said)
        statuses.append(answer.status)
        expect(answer.response.get("RateLimit-Limit") == "2", f"the limit is {answer.response.get('RateLimit-Limit')}")
    expect(statuses == [402, 402, 429], f"three requests where two are allowed are answered {statuses}")


def expect_no_way_around(server: Server) -> None:
    """No field and no spelling gets what has a price."""
    assert server.upstream
    calls = server.upstream.counts()
    for fields in ([], *([f] for f in SPOOFED), SPOOFED):
        answer = server.recorder.get(PATH, list(fields))
        expect(answer.status in (400, 402), f"{fields} gets {answer.status}")
    for target in [*DISGUISES, f"{server.recorder.origin}{PATH}", f"http://other.example{PATH}"]:
        for fields in ([], SPOOFED):
            status = raw_status(server.recorder.origin, target, fields)
            expect(status in (400, 402, 403, 404), f"{target} gets {status}")
    expect(server.upstream.counts() == calls, f"the upstream was called: {server.upstream.counts()}, before {calls}")


def raw_status(origin: str, target: str, fields: list[tuple[str, str]]) -> int:
    """The status of a request whose target is sent as it is."""
    host, _, port = origin.removeprefix("http://").partition(":")
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}:{port}", *(f"{n}: {v}" for n, v in fields), "Connection: close", "", ""]
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall("\r\n".join(lines).encode())
        line = connection.makefile("rb").readline()
    return int(line.split(b" ")[1])
