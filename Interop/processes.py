# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Child processes: started with a log each, waited for until they answer, stopped together."""
from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_TIMEOUT = 40
CLIENT_TIMEOUT = 90


class Failed(Exception):
    """A check did not hold, or a process did not do its part."""


def free_port() -> int:
    """A port of loopback that nobody listens at."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Processes:
    """The children of one run and their logs."""

    def __init__(self, directory: Path):
        self.directory = directory
        self._running: list[tuple[str, subprocess.Popen]] = []

    def log(self, name: str) -> Path:
        """Where a child's output goes."""
        return self.directory / f"{name.replace(' ', '-')}.log"

    def tail(self, name: str, lines: int = 25) -> str:
        """The end of a child's output."""
        return "\n".join(self.log(name).read_text(errors="replace").splitlines()[-lines:]) if self.log(name).exists() else ""

    def start(self, name: str, command: list[str], ready_url: str, environment: dict[str, str] | None = None) -> subprocess.Popen:
        """Start a child and wait until an address of it answers 200."""
        with self.log(name).open("w") as log:
            process = spawn(command, environment, stdout=log, stderr=subprocess.STDOUT)
        self._running.append((name, process))
        end = time.monotonic() + START_TIMEOUT
        while time.monotonic() < end:
            if process.poll() is not None:
                raise Failed(f"{name} ended with {process.returncode} instead of starting\n{self.tail(name)}")
            if answers(ready_url):
                return process
            time.sleep(0.05)
        raise Failed(f"{name}: {ready_url} did not answer 200 in {START_TIMEOUT} s\n{self.tail(name)}")

    def end(self, name: str) -> None:
        """Kill a child."""
        process = next(p for n, p in self._running if n == name)
        process.kill()
        process.wait()

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Let a child stand still meanwhile."""
        process = next(p for n, p in self._running if n == name)
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def adopt(self, name: str, process: subprocess.Popen) -> None:
        """Stop a child that was started elsewhere with the others."""
        self._running.append((name, process))

    def run(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> str:
        """Run a client to its end; its standard output."""
        with self.log(name).open("a") as log:
            process = spawn(command, environment, stdout=subprocess.PIPE, stderr=log, text=True)
            try:
                output, _ = process.communicate(timeout=CLIENT_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise Failed(f"{name} did not end in {CLIENT_TIMEOUT} s\n{self.tail(name)}") from None
            log.write(output)
        if process.returncode != 0:
            raise Failed(f"{name} ended with {process.returncode}\n{self.tail(name)}")
        return output

    def stop(self) -> None:
        """Ask every child to end, the last started first, and see that it does."""
        while self._running:
            _, process = self._running.pop()
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def spawn(command: list[str], environment: dict[str, str] | None, **streams: object) -> subprocess.Popen:
    """Start a command; a missing program is a failure like any other."""
    if not Path(command[0]).exists():
        raise Failed(f"{command[0]} does not exist; build it first")
    return subprocess.Popen(command, env={**os.environ, "PYTHONWARNINGS": "ignore", **(environment or {})},
                            stdin=subprocess.DEVNULL, **streams)


def answers(url: str) -> bool:
    """Whether an address answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (OSError, ValueError):
        return False
