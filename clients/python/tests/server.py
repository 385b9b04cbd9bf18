"""A `roomcast` of the test's own: it can be killed and started again where it was."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from eventually import LOOK_EVERY, PATIENCE
from port import Port

TREE = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("ROOMCAST_TEST_BINARY", TREE / "target" / "debug" / "roomcast"))
FAULT = re.compile(r'"level":"ERROR"|panicked at')


class Server:
    """`roomcast dev`, everything open."""

    def __init__(self, *arguments: str, env: dict[str, str] | None = None) -> None:
        assert BINARY.exists(), f"{BINARY} is missing: cargo build --package roomcast"
        self.http, self.grpc = Port(), Port()
        self._folder = Path(tempfile.mkdtemp(prefix="roomcast-python-"))
        self._log = self._folder / "log"
        self._arguments = arguments
        self._env = env or {}
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """Where browsers go."""
        return f"http://{self.http.address}"

    @property
    def core(self) -> str:
        """Where this package goes."""
        return self.grpc.address

    def start(self) -> None:
        """Starts and waits until it is ready."""
        with self._log.open("ab") as log:
            self._process = self._spawn([*self._command(), *self._arguments], log)
        self._wait()

    def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Stopped meanwhile: it neither hears nor says anything, and its connections are there."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        """Ends it. What it complained of fails the test."""
        self.kill()
        faults = [line for line in self._log.read_text().splitlines() if FAULT.search(line)]
        shutil.rmtree(self._folder)
        self.http.close()
        self.grpc.close()
        assert not faults, "\n".join(faults)

    def _command(self) -> list[str]:
        places = ["--http", self.http.address, "--grpc", self.core]
        return ["dev", *places, "--data-dir", str(self._folder / "data")]

    def _spawn(self, arguments: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        env = {**os.environ, "ROOMCAST_LOG_FORMAT": "json", **self._env}
        return subprocess.Popen([str(BINARY), *arguments], stdout=log, stderr=log, env=env)

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            assert self._process is not None
            assert self._process.poll() is None, f"it has ended:\n{self._log.read_text()}"
            assert time.monotonic() < deadline, "it was not ready in time"
            time.sleep(LOOK_EVERY)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=PATIENCE) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


class Core(Server):
    """`roomcast core`, whose door opens to those only who show something."""

    def _command(self) -> list[str]:
        return ["core", "--listen", self.core, "--data-dir", str(self._folder / "data")]

    def _is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.grpc.number)) == 0
