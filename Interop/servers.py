# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""PostgreSQL and Redis of their own, in temporary directories: what several gateways share."""
from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from processes import START_TIMEOUT, Failed, Processes, free_port

VERSIONS = Path("/usr/lib/postgresql")      # where Debian puts PostgreSQL, each version in a directory of its own
REDIS = "/usr/bin/redis-server"
USER = "tollgate"


class Postgres:
    """A cluster that is reached through a socket in its own directory and nowhere else."""

    def __init__(self, processes: Processes):
        self.programs = max(VERSIONS.iterdir(), key=lambda p: float(p.name)) / "bin"
        self.directory = tempfile.mkdtemp(prefix="tollgate-postgres-", dir="/tmp")
        # The server refuses to run as root; Debian's package made a user for it.
        self.prefix = ["/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
        if self.prefix:
            shutil.chown(self.directory, "postgres", "postgres")
        self._run("initdb", "-D", f"{self.directory}/data", "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        command = [*self.prefix, str(self.programs / "postgres"), "-D", f"{self.directory}/data", "-k", self.directory,
                   "-c", "listen_addresses=", "-c", "max_connections=200"]
        with processes.log("postgres").open("w") as log:
            processes.adopt("postgres", subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        end = time.monotonic() + START_TIMEOUT
        while not self._is_ready():
            if time.monotonic() > end:
                raise Failed(f"PostgreSQL did not start\n{processes.tail('postgres')}")
            time.sleep(0.1)
        self.url = f"postgres://{USER}@{quote(self.directory, safe='')}/postgres"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run([*self.prefix, str(self.programs / program), *arguments], capture_output=True, text=True, check=False,
                              cwd="/")
        if done.returncode != 0:
            raise Failed(f"{program}: {done.stderr}")

    def _is_ready(self) -> bool:
        command = [str(self.programs / "pg_isready"), "-q", "-h", self.directory, "-U", USER, "-d", "postgres"]
        return subprocess.run(command, check=False).returncode == 0

    def remove(self) -> None:
        """Delete what was stored, after the server has ended."""
        shutil.rmtree(self.directory, ignore_errors=True)


def start_redis(processes: Processes) -> str:
    """A Redis that keeps nothing on disk; its address."""
    port = free_port()
    command = [REDIS, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(processes.directory)]
    with processes.log("redis").open("w") as log:
        processes.adopt("redis", subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
    return f"redis://127.0.0.1:{port}"
