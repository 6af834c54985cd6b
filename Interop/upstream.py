# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""A plain HTTP service that knows nothing of payments: what a gateway stands in front of.

    python upstream.py [--port 9000]

Every GET and POST answers {"path": …, "call": n}, n counting the calls of that path; GET /calls answers all counts.
"""
from __future__ import annotations

import argparse
import json
import threading
from collections import defaultdict
from collections.abc import Callable
from email.message import Message

from local_http import LocalHandler, LocalServer


class Upstream(LocalServer):
    """Remembers the header fields of each call by path."""

    def __init__(self, port: int = 0):
        super().__init__(Handler, port)
        self.lock = threading.Lock()
        self.calls: dict[str, list[Message]] = defaultdict(list)
        self.status = 200       # of every answer
        self.when_called: Callable[[], None] = lambda: None     # between a call's arrival and its answer

    def record(self, path: str, fields: Message) -> int:
        """Note a call; answers how many there have been."""
        with self.lock:
            self.calls[path].append(fields)
            return len(self.calls[path])

    def counts(self) -> dict[str, int]:
        """Calls by path."""
        with self.lock:
            return {path: len(calls) for path, calls in self.calls.items()}


class Handler(LocalHandler):
    """Answers GET and POST."""

    server: Upstream

    def do_GET(self) -> None:
        """See the module."""
        path = self.path.partition("?")[0]
        answer = self.server.counts() if path == "/calls" else {"path": path, "call": self.server.record(path, self.headers)}
        self.server.when_called()
        self.answer(self.server.status, json.dumps(answer).encode())

    def do_POST(self) -> None:
        """As GET; what is posted is read and thrown away."""
        self.read_body()
        self.do_GET()


def main() -> None:
    """Entry point."""
    p = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    p.add_argument("--port", type=int, default=9000, help="0 for any free port (printed)")
    upstream = Upstream(p.parse_args().port)
    print(f"upstream {upstream.url}", flush=True)
    upstream.serve_forever()


if __name__ == "__main__":
    main()
