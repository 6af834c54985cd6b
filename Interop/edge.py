# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""A gateway that faces its clients itself: TLS with certificates renewed while it serves, a redirect, a Unix socket, and a process that
has no file descriptor left.  Seen by Python's ssl and http.client; needs no chain.

    python edge.py [--tollgate PATH]
"""
from __future__ import annotations

import argparse
import http.client
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from processes import Failed, Processes, free_port

ROOT = Path(__file__).resolve().parent.parent
NAME = "api.example.test"
DESCRIPTORS = 48
CONFIGURATION = """
public_url: https://{name}:{tls}
listen:
  - {{address: "127.0.0.1:{tls}", tls: {{cert: file:{folder}/cert.pem, key: file:{folder}/cert.key}}}}
  - {{address: "127.0.0.1:{plain}", redirect_to_https: true}}
  - {{address: "unix:{folder}/socket", mode: "0600"}}
admin:
  listen:
    - 127.0.0.1:{admin}
    - {{address: "127.0.0.1:{secure_admin}", tls: {{cert: file:{folder}/cert.pem, key: file:{folder}/cert.key}}}}
    - unix:{folder}/admin
store: sqlite:{folder}/ledger.db
workers: 2
networks: {{"eip155:84532": {{rpc: ["http://127.0.0.1:1"]}}}}
pay_to: {{eip155: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"}}
facilitator: {{signers: {{eip155: ["env:TOLLGATE_EVM_KEY"]}}}}
upstreams: {{weather: "http://127.0.0.1:1"}}
routes: [{{match: GET /weather/*, upstream: weather, price: $0.001}}]
"""


def expect(holds: object, message: str) -> None:
    """Fail unless something holds."""
    if not holds:
        raise Failed(message)


class Edge:
    """One gateway, its certificates and its clients."""

    def __init__(self, folder: Path, tollgate: str, children: Processes):
        self.folder, self.tollgate, self.children = folder, tollgate, children
        self.tls, self.plain, self.admin, self.secure_admin = free_port(), free_port(), free_port(), free_port()
        self._openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=Tests")
        self.issue("first")
        configuration = CONFIGURATION.format(
            name=NAME, folder=folder, tls=self.tls, plain=self.plain, admin=self.admin, secure_admin=self.secure_admin)
        (folder / "tollgate.yaml").write_text(configuration)
        self.trust = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        self.trust.set_alpn_protocols(["h2", "http/1.1"])

    def _openssl(self, *commands: str) -> None:
        for command in commands:
            subprocess.run(["openssl", *command.split()], cwd=self.folder, check=True, capture_output=True)

    def issue(self, subject: str) -> None:
        """A new certificate where the gateway looks for its own: the key first, as tools that renew may do it."""
        self._openssl(
            f"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout new.key -out new.csr -subj /CN={subject} "
            f"-addext subjectAltName=DNS:{NAME}",
            "x509 -req -in new.csr -CA ca.pem -CAkey ca.key -copy_extensions copy -days 30 -out new.pem")
        for ending in ("key", "pem"):
            os.replace(self.folder / f"new.{ending}", self.folder / f"cert.{ending}")

    def start(self, *prefix: str) -> subprocess.Popen:
        """Start it, and wait until it answers: the admin listener is there first."""
        command = [*prefix, self.tollgate, "serve", "--config", str(self.folder / "tollgate.yaml")]
        key = {"TOLLGATE_EVM_KEY": "0x" + "01" * 32}
        process = self.children.start("tollgate", command, f"http://127.0.0.1:{self.admin}/health", key)
        for _ in range(600):
            if not socket.socket().connect_ex(("127.0.0.1", self.plain)):
                return process
            time.sleep(0.05)
        raise Failed(f"the gateway does not listen\n{self.children.tail('tollgate')}")

    def connect(self, port: int | None = None) -> ssl.SSLSocket:
        """A verified connection."""
        return self.trust.wrap_socket(socket.create_connection(("127.0.0.1", port or self.tls), timeout=30), server_hostname=NAME)


def ask(connection: socket.socket, host: str, target: str = "/weather/x") -> tuple[int, dict[str, str]]:
    """Ask over a connection that goes on; status and fields."""
    connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def serial(connection: ssl.SSLSocket) -> str:
    """Which certificate the other side has shown."""
    return str(connection.getpeercert()["serialNumber"])


def check_listeners(edge: Edge) -> None:
    """Each kind of listener does its part."""
    connection = edge.connect()
    expect(connection.version() == "TLSv1.3", f"spoke {connection.version()}")
    expect(connection.selected_alpn_protocol() == "http/1.1", f"chose {connection.selected_alpn_protocol()}")
    expect([ask(connection, NAME)[0] for _ in range(3)] == [402] * 3, "a price over TLS is not asked three times on one connection")
    status, fields = ask(socket.create_connection(("127.0.0.1", edge.plain)), NAME, "/weather/x?q=%2e")
    expect((status, fields.get("location")) == (308, f"https://{NAME}:{edge.tls}/weather/x?q=%2e"), f"redirect: {status} {fields}")
    expect(ask(socket.create_connection(("127.0.0.1", edge.plain)), "evil.example")[0] == 421, "another host is redirected")
    expect(ask(socket.create_connection(("127.0.0.1", edge.tls)), NAME)[0] == 400, "plain HTTP on the TLS port is not told so")
    expect(ask(edge.connect(edge.secure_admin), "localhost", "/health")[0] == 200, "the admin listener over TLS")
    unix = socket.socket(socket.AF_UNIX)
    unix.connect(str(edge.folder / "admin"))
    expect(ask(unix, "localhost", "/health")[0] == 200, "the admin listener through its Unix socket")
    path = edge.folder / "socket"
    expect(stat.S_IMODE(path.stat().st_mode) == 0o600, "the socket's permissions")
    unix = socket.socket(socket.AF_UNIX)
    unix.connect(str(path))
    expect(ask(unix, NAME)[0] == 402, "a price through the Unix socket")


def check_renewal(edge: Edge, process: subprocess.Popen) -> None:
    """New connections get the new certificate; an open one goes on."""
    old = edge.connect()
    edge.issue("second")
    process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 30
    while serial(old) in (serial(edge.connect()), serial(edge.connect(edge.secure_admin))):
        expect(time.monotonic() < end, "the new certificate is not taken up")
        time.sleep(0.05)
    expect(ask(old, NAME)[0] == 402, "an open connection has not outlived the renewal")


def check_descriptors(edge: Edge) -> None:
    """Without descriptors it waits, and neither spins nor ends; with them again it serves."""
    process = edge.start("/usr/bin/prlimit", f"--nofile={DESCRIPTORS}")
    crowd = [socket.create_connection(("127.0.0.1", edge.plain)) for _ in range(2 * DESCRIPTORS)]
    times = Path(f"/proc/{process.pid}/stat")

    def ticks() -> int:
        fields = times.read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(2)
    used = (ticks() - before) / os.sysconf("SC_CLK_TCK")
    expect(used < 0.5, f"used {used:.2f} s of processor in 2 s without descriptors")
    for connection in crowd:
        connection.close()
    expect(ask(edge.connect(), NAME)[0] == 402, "does not serve after the crowd has gone")


def main() -> int:
    """Runs every check in order."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--tollgate", default=str(ROOT / ".build" / "release" / "tollgate"))
    a = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="tollgate-edge-") as name:
        folder = Path(name)
        children = Processes(folder)
        edge = Edge(folder, a.tollgate, children)
        try:
            process = edge.start()
            check_listeners(edge)
            check_renewal(edge, process)
            children.stop()
            expect(not (folder / "socket").exists(), "the socket's file is left behind")
            check_descriptors(edge)
        except Failed as failure:
            print(f"edge: failed: {failure}\n{children.tail('tollgate')}")
            return 1
        finally:
            children.stop()
    print("edge: TLS, renewal, redirect, Unix socket, descriptors: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
