"""Ports that stay a test's own while its servers are killed and started again."""

import fcntl
import itertools
import os
import socket
import tempfile
from pathlib import Path

# The range and the reservations of the tree's other tests: below 32768, where the kernel begins to choose
# ports of outgoing connections, one of which could take a killed server's port before it is back.
FIRST = 20_000
COUNT = 12_000

_steps = itertools.count(os.getpid() * 31)


class Port:
    """A port of loopback, reserved by a locked file until it is closed."""

    def __init__(self) -> None:
        folder = Path(tempfile.gettempdir()) / "roomcast-test-ports"
        folder.mkdir(exist_ok=True)
        for _ in range(COUNT):
            self.number = FIRST + next(_steps) % COUNT
            self._reservation = (folder / str(self.number)).open("w")
            if self._is_ours():
                return
            self._reservation.close()
        raise RuntimeError("no port is free")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.number}"

    def close(self) -> None:
        self._reservation.close()

    def _is_ours(self) -> bool:
        try:
            fcntl.flock(self._reservation, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", self.number))
        except OSError:
            return False
        return True
